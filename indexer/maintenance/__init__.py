"""Maintenance: retention, consistency checks and re-indexing."""

from indexer.maintenance.consistency import ConsistencyChecker, as_dict
from indexer.maintenance.reindex import IndexFiller
from indexer.maintenance.retention import Retention
from indexer.maintenance.row_images import RowImages, rows_unlike_their_images, seconds_per_row

__all__ = [
    "ConsistencyChecker", "IndexFiller", "Retention", "RowImages", "as_dict", "rows_unlike_their_images",
    "seconds_per_row",
]  # fmt: skip
