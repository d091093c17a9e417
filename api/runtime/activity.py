"""What is being indexed at this moment, told by the indexing thread and read by the status route."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from search.types import Segment


@dataclass(frozen=True, slots=True)
class IndexingJob:
    """A recording that is being indexed, and how far."""

    camera: str
    file: str
    offset_ms: int
    duration_ms: int


class Activity:
    """Safe for many threads. `note` fits `Executor.run` as its progress."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: dict[str, IndexingJob] = {}

    def note(self, segment: Segment, offset_ms: int) -> None:
        """`segment` was read up to `offset_ms`."""
        work = IndexingJob(segment.camera_id, PurePath(segment.path).name, offset_ms, segment.duration_ms)
        with self._lock:
            self._work[segment.id] = work

    def done(self, segment: Segment) -> None:
        """`segment` is indexed or skipped."""
        with self._lock:
            self._work.pop(segment.id, None)

    def clear(self) -> None:
        """Nothing is being indexed any more."""
        with self._lock:
            self._work.clear()

    def now(self) -> Sequence[IndexingJob]:
        """What is being indexed, in the order of its start."""
        with self._lock:
            return tuple(self._work.values())
