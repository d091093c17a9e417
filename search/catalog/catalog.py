"""The catalogue: one open database and the stores over it.

SQLAlchemy Core on SQLite (WAL) by default, PostgreSQL by URL. The vector store holds vectors; everything that must be
counted, listed or leased is here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa

from search.catalog.cameras import CameraStore
from search.catalog.coverage_queries import CoverageQueries
from search.catalog.database import Database
from search.catalog.indexes import IndexStore
from search.catalog.playback import PlaybackQueries
from search.catalog.recordings import RecordingStore
from search.catalog.rejected_files import RejectedFiles
from search.catalog.retention import RetentionStore
from search.catalog.segment_queue import SegmentQueue
from search.catalog.silent_streams import SilentStreams
from search.catalog.streams import StreamStore


class Catalog:
    """A facade over one `Database`. The constructor is cheap; `open` connects.

    Args:
        url: SQLAlchemy URL, e.g. ``sqlite:////data/catalog.sqlite``.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.cameras = CameraStore(self.database)
        self.segments = SegmentQueue(self.database)
        self.rejected_files = RejectedFiles(self.database)
        self.streams = StreamStore(self.database)
        self.recordings = RecordingStore(self.database)
        self.coverage = CoverageQueries(self.database)
        self.silent_streams = SilentStreams(self.database)
        self.retention = RetentionStore(self.database)
        self.indexes = IndexStore(self.database)
        self.playback = PlaybackQueries(self.database)

    def open(self) -> Catalog:
        """Open the database. See `Database.open`."""
        self.database.open()
        return self

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()

    def begin(self) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction. See `Database.begin`."""
        return self.database.begin()

    def __enter__(self) -> Catalog:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()
