"""The open parts of this process: the settings, the catalogue, the media and the indexes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from api.runtime.indexes import CatalogIndexes, Indexes
from search.catalog import Catalog
from search.config import Settings
from search.engine import SearchEngine
from search.errors import Conflict
from search.media import ClipCache, MediaStore
from search.models import Embedder
from search.vector_store import VectorStore


@dataclass(frozen=True, slots=True)
class AppContext:
    """All parts that search and indexing need, open. `api.composition.open_context` makes and closes it."""

    settings: Settings
    zone: tzinfo
    catalog: Catalog
    media: MediaStore
    clips: ClipCache
    indexes: Indexes

    @property
    def store(self) -> VectorStore:
        """Return the rows of the active index."""
        return self.indexes.active.store

    @property
    def embedder(self) -> Embedder:
        """Return the model of the active index."""
        return self.indexes.active.embedder

    @property
    def engine(self) -> SearchEngine:
        """Return the search engine of the active index."""
        return self.indexes.active.engine


def the_indexes(context: AppContext) -> CatalogIndexes:
    """Return the indexes that `open_context` opened; raise `Conflict` for a single one that never changes."""
    if not isinstance(context.indexes, CatalogIndexes):
        raise Conflict("these parts have one index that never changes", got=type(context.indexes).__name__)
    return context.indexes
