"""The open parts that answer and index."""

from __future__ import annotations

from api.composition import AppContext
from api.runtime.indexes import CatalogIndexes
from search.errors import Conflict


def the_indexes(parts: AppContext) -> CatalogIndexes:
    """The indexes of parts that `open_parts` opened."""
    if not isinstance(parts.indexes, CatalogIndexes):
        raise Conflict("these parts have one index that never changes", got=type(parts.indexes).__name__)
    return parts.indexes
