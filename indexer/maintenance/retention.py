"""Retention: deletes recordings that are too old, with all that was made of them, in small steps beside a server.

The order is one in which a crash leaves nothing over: the segment is marked in the catalogue (no answer shows it and no
worker takes it), then its file, its thumbnails and clips, and its rows are deleted, and at last its entry, which in the
same transaction becomes a gap with the reason. The next step begins with the segments that are marked.

Imported files are the user's and are never deleted, nor are segments that a hold overlaps or a worker has leased.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from search.catalog import Catalog
from search.config import Settings
from search.errors import Unavailable
from search.media import MediaStore, delete_segment_media
from search.types import Segment, StreamRole, is_address

log = logging.getLogger(__name__)

STEP = 200  # segments of one step; Milvus Lite reads all rows to find theirs (500,000: 0.7 s), of 200 as of one
_GIB = 2**30
_REST = 50  # times the duration of adding all sizes up, until they are added up again
_MIN_REST_S = 10.0


class RowDeleter(Protocol):
    """Deletes rows: a `VectorStore`, or several."""

    def delete_segments(self, segment_ids: Collection[str]) -> int:
        """Delete the rows of segments; see `VectorStore.delete_segments`."""

    def flush(self) -> None:
        """Flush; see `VectorStore.flush`."""


@dataclass(frozen=True, slots=True)
class DeletionReport:
    """The deletions of a step; `thumbnails` counts clips too. `held`: overdue segments that holds keep."""

    segments: int = 0
    bytes: int = 0
    rows: int = 0
    thumbnails: int = 0
    by_camera: Mapping[str, int] = field(default_factory=dict)
    held: int = 0


class Retention:
    """Deletes what is older than its camera's rule or `retention_days`, or too much for `retention_gib`.

    A disk that fills up is no reason to delete: at `min_free_gib` the recorder stops with a message. Younger recordings
    make room for new ones only where `retention_gib` limits their size.

    Args:
        settings: `retention_days`, `retention_gib` and `recordings_dir` count.
        catalog: open, as are `store` and `media`.
    """

    def __init__(self, settings: Settings, catalog: Catalog, store: RowDeleter, media: MediaStore) -> None:
        self._settings = settings
        self._retention = catalog.retention
        self._store = store
        self._media = media
        self._bytes = 0
        self._bytes_due = 0.0

    def step(self, now_ms: int) -> DeletionReport | None:
        """Delete up to `STEP` segments, first those that a stopped step left. Returns None if there is nothing to do.

        Raises:
            Unavailable: a part does not answer, or no file can be deleted; the next step goes on from there.
        """
        self._unmark_held()
        if not self._retention.deleting(1):
            self._retention.mark_deleting([segment.id for segment in self._chosen(now_ms)])
        segments = self._retention.deleting(STEP)  # still marked: a hold or a worker may have been quicker
        return self._delete(segments, now_ms) if segments else None

    def held(self, now_ms: int) -> int:
        """Return the number of overdue segments that are kept only because a hold overlaps them."""
        return self._retention.held(now_ms, self._settings.retention_days)

    def _unmark_held(self) -> None:
        """Unmark segments that still have their file and that a hold came to overlap during a step."""
        whole = [segment.id for segment in self._retention.deleting(STEP) if self._media.has_recording(segment.path)]
        if whole:
            self._retention.unmark(whole, only_held=True)

    def _chosen(self, now_ms: int) -> Sequence[Segment]:
        overdue = self._retention.overdue(now_ms, self._settings.retention_days, STEP)
        if overdue or not self._settings.retention_gib:
            return overdue
        excess = self._recorded_bytes() - self._settings.retention_gib * _GIB
        if excess <= 0:
            return ()
        taken = 0

        def needed(segment: Segment) -> bool:
            nonlocal taken
            before, taken = taken, taken + segment.size_bytes
            return before < excess

        return list(takewhile(needed, self._retention.oldest(STEP)))

    def _recorded_bytes(self) -> int:
        began = time.monotonic()
        if began >= self._bytes_due:
            self._bytes = self._retention.recorded_bytes()
            spent = time.monotonic() - began
            self._bytes_due = began + (max(_MIN_REST_S, _REST * spent) if spent > 0.1 else 0)
        return self._bytes

    def _delete(self, segments: Sequence[Segment], now_ms: int) -> DeletionReport:
        segments = self._without_files(segments)
        thumbnails = sum(delete_segment_media(self._media, segment.id) for segment in segments)
        rows = self._store.delete_segments([segment.id for segment in segments])
        self._store.flush()  # or a power cut brings rows back that the catalogue does not have
        self._retention.forget(segments)
        size = sum(segment.size_bytes for segment in segments)
        self._bytes -= size
        cameras = dict(Counter(segment.camera_id for segment in segments))
        return DeletionReport(len(segments), size, rows, thumbnails, cameras, self.held(now_ms))

    def _without_files(self, segments: Sequence[Segment]) -> list[Segment]:
        """Delete files and return the segments without one. A file that cannot be deleted stops no other."""
        deleted, faults = [], {}
        for segment in segments:
            try:
                self._delete_file(segment)
                deleted.append(segment)
            except OSError as e:
                faults[segment.id] = f"{e.strerror or e}: {segment.path}"
        if faults:
            self._retention.unmark(faults)
            first = next(iter(faults.values()))
            log.error("retention: %d recordings cannot be deleted, such as %s", len(faults), first)
        if not deleted:
            cure = "let the user of this process write there"
            raise Unavailable("recordings that are due cannot be deleted", got=first, cure=cure)
        return deleted

    def _delete_file(self, segment: Segment) -> None:
        """Delete the file, and the folders of its hour, day and camera as they become empty."""
        if segment.role is StreamRole.FILE:
            return
        if is_address(segment.path):
            self._media.delete_recording(segment.path)
            return
        file = Path(segment.path).absolute()
        file.unlink(missing_ok=True)
        root = self._settings.recordings_dir.absolute()
        for folder in takewhile(lambda parent: root in parent.parents, file.parents):
            with contextlib.suppress(OSError):  # not empty; or the recorder has just made it again
                folder.rmdir()
