"""The recordings that are being indexed now, written by the indexing thread and read by the status route."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from search.types import Segment


@dataclass(frozen=True, slots=True)
class IndexingJob:
    """A recording that is being indexed, with its progress."""

    camera: str
    file: str
    offset_ms: int
    duration_ms: int


class Activity:
    """The jobs of this process. Safe for many threads. `note` serves as the progress of `Executor.run`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, IndexingJob] = {}

    def note(self, segment: Segment, offset_ms: int) -> None:
        """Record that `segment` was read up to `offset_ms`."""
        job = IndexingJob(segment.camera_id, PurePath(segment.path).name, offset_ms, segment.duration_ms)
        with self._lock:
            self._jobs[segment.id] = job

    def done(self, segment: Segment) -> None:
        """Remove `segment`, which is indexed or skipped."""
        with self._lock:
            self._jobs.pop(segment.id, None)

    def clear(self) -> None:
        """Remove all jobs."""
        with self._lock:
            self._jobs.clear()

    def now(self) -> Sequence[IndexingJob]:
        """Return the jobs in the order of their start."""
        with self._lock:
            return tuple(self._jobs.values())
