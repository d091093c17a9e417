"""Which rows are looked at for an answer: the best of each kind, not all of one camera, and those within reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from search.types import Filter, Hit, RowKind, Vectors
from search.vector_store.base import VectorStore

CROWDED = 4
"""A camera with more than the 4th part of the rows hides others: rows are asked for without it, too."""


def best_rows(store: VectorStore, vector: Vectors, limit: int, wheres: Sequence[Filter]) -> list[Hit]:
    """The best rows of each kind that fit one of `wheres`, at least `limit` if there are so many; with cosines."""
    return _together(
        _of_kind(store, vector, limit, replace(where, kinds=(kind,)))
        for where in wheres
        for kind in where.kinds or tuple(RowKind)
    )


def _of_kind(store: VectorStore, vector: Vectors, limit: int, where: Filter) -> list[Hit]:
    best = store.search(vector, limit, where)
    count = Counter(hit.row.camera_id for hit in best)
    crowded = tuple(sorted(camera for camera, rows in count.items() if rows > limit // CROWDED))
    nothing_else = bool(where.cameras) and set(where.cameras) <= set(crowded)
    if len(best) < limit or not crowded or nothing_else:
        return best
    return [*best, *store.search(vector, limit, replace(where, without=(*where.without, *crowded)))]


def _together(parts: Iterable[Sequence[Hit]]) -> list[Hit]:
    """Each row once."""
    return list({hit.row.id: hit for part in parts for hit in part}.values())
