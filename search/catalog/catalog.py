"""The catalogue: one facade over the stores of its database.

SQLAlchemy Core on SQLite (WAL) by default, any other database by URL. The vector store holds vectors; everything that
must be counted, listed or leased is here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Self

import sqlalchemy as sa

from search.catalog.cameras import CameraStore
from search.catalog.coverage_queries import CoverageQueries
from search.catalog.database import Database
from search.catalog.index_backfill import IndexBackfill
from search.catalog.indexes import IndexStore
from search.catalog.playback import PlaybackQueries
from search.catalog.recordings import RecordingStore
from search.catalog.rejected_files import RejectedFileStore
from search.catalog.retention import RetentionStore
from search.catalog.segment_queue import SegmentQueue
from search.catalog.silent_streams import SilentStreams
from search.catalog.streams import StreamStore


class Catalog:
    """One catalogue, whose stores share one `Database`. The constructor is cheap; `open()` connects.

    Args:
        url: SQLAlchemy URL, e.g. ``sqlite:////data/catalog.sqlite``.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.cameras = CameraStore(self.database)
        self.segments = SegmentQueue(self.database)
        self.rejected_files = RejectedFileStore(self.database)
        self.streams = StreamStore(self.database)
        self.recordings = RecordingStore(self.database)
        self.coverage = CoverageQueries(self.database)
        self.silent_streams = SilentStreams(self.database)
        self.retention = RetentionStore(self.database)
        self.indexes = IndexStore(self.database)
        self.backfill = IndexBackfill(self.database)
        self.playback = PlaybackQueries(self.database)

    def open(self) -> Self:
        """Connect and create missing tables.

        Raises:
            Unavailable: the database cannot be reached or written.
            Conflict: it was written by another version of the schema.
        """
        self.database.open()
        return self

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> AbstractContextManager[sa.Connection]:
        """Open a transaction, for stores that keep their own tables in this database."""
        return self.database.begin()
