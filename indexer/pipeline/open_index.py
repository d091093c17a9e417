"""An index that is open in this process, as indexing, re-indexing and searching share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search.catalog import IndexInfo
from search.models import Embedder
from search.types import Row, Vectors
from search.vector_store import VectorStore

OnRows = Callable[[Sequence[Row], Vectors], None]
"""Called with new rows and their vectors (n, dim) once they are stored; must not raise."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenIndex:
    """One vector space that is open: its entry in the catalogue, its model and its rows.

    Args:
        info: the entry.
        embedder: the model that made the rows.
        store: the rows.
        on_rows: gets the rows that a worker adds.
    """

    info: IndexInfo
    embedder: Embedder
    store: VectorStore
    on_rows: OnRows | None = None


OpenIndexes = Callable[[], Sequence[OpenIndex]]
"""Returns the indexes that new rows go to now: one, or two while `xunren reindex` is at work. Called often."""
