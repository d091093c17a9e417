"""The catalogue: cameras, segments, streams, recordings and indexes in SQL."""

from search.catalog.camera_leases import BEATS, CameraLeases, HeldCameras
from search.catalog.catalog import Catalog
from search.catalog.database import connect
from search.catalog.index_backfill import IndexBackfill
from search.catalog.index_types import BackfillCost, IndexInfo, IndexState, ReindexScope
from search.catalog.indexes import IndexStore
from search.catalog.playback import unknown_segment
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import SegmentSummary, segment_id
from search.catalog.streams import CameraConfig
from search.catalog.tables import REVISION, metadata

__all__ = [
    "BEATS", "BackfillCost", "CameraConfig", "CameraLeases", "Catalog", "HeldCameras", "IndexBackfill", "IndexInfo",
    "IndexState", "IndexStore", "REVISION", "RecorderUpdate", "ReindexScope", "SegmentSummary", "connect",
    "metadata", "segment_id", "unknown_segment",
]  # fmt: skip
