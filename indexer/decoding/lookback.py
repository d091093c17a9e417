"""Reads the minutes before a live segment again.

A recorded file is ten seconds long. Whether its first frame shows anything new, and what its background is, is known
only from the files before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from indexer.decoding.video_source import VideoSource
from search.catalog import Catalog
from search.errors import BadMedia
from search.media import MediaStore
from search.types import Frame, Segment, SegmentState

LOOK_BACK_MS = 180_000
LOOK_BACK_INTERVAL_S = 5.0


def earlier_frames(catalog: Catalog, media: MediaStore, segment: Segment, max_megapixels: float) -> Iterator[Frame]:
    """Yield the frames of the minutes before a live segment, in order of time, for a background that is not learnt yet.

    Files that cannot be read are passed over: they are reported where they are indexed.
    """
    before = catalog.coverage.recordings(
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
