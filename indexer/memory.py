"""What the worker remembers of a live camera from one file to the next.

A recorded file is ten seconds long. Whether its first frame shows anything new, and what its background is, only the
files before it can tell.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Generic, TypeVar

from indexer.sources import VideoSource
from search.errors import BadMedia
from search.live_catalog import LiveCatalog
from search.media import MediaStore
from search.types import Frame, Segment, SegmentState

T = TypeVar("T")
CAMERAS = 1000  # remembered at once, the latest used
LOOK_BACK_MS = 180_000
LOOK_BACK_INTERVAL_S = 5.0


class Remembered(Generic[T]):
    """Something for each camera, made when it is first asked for. Safe for threads.

    Args:
        make: makes it.
        most: how many are kept.
    """

    def __init__(self, make: Callable[[], T], most: int = CAMERAS) -> None:
        self._make = make
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def of(self, camera_id: str) -> T:
        """The one of this camera."""
        with self._lock:
            if camera_id not in self._kept:
                self._kept[camera_id] = self._make()
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(camera_id)
            return self._kept[camera_id]


def earlier_frames(live: LiveCatalog, media: MediaStore, segment: Segment, max_megapixels: float) -> Iterator[Frame]:
    """Frames of the minutes before a live segment, in order of time, for a background that nobody has learnt yet.

    Files that cannot be read are passed over: they are accounted for where they are indexed.
    """
    before = live.recordings(
        segment.start_ms - LOOK_BACK_MS,
        segment.start_ms,
        [segment.camera_id],
        roles=[segment.role],
        states=[SegmentState.PENDING, SegmentState.LEASED, SegmentState.INDEXED],
    )
    for other, _, _ in before:
        if other.id == segment.id:
            continue
        try:
            path = Path(media.local(other).path)
            if not path.exists():
                continue
            source = VideoSource(path, interval_s=LOOK_BACK_INTERVAL_S, max_megapixels=max_megapixels)
            with closing(source.frames()) as frames:
                yield from frames
        except BadMedia:
            continue
