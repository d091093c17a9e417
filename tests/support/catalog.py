"""Streams, recordings and gaps of two live cameras, for tests of the catalogue."""

from __future__ import annotations

from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.stream_types import Gap, Reason, Stream
from search.types import Segment, SegmentState, StartSource, StreamRole

T = 1_790_000_000_000
SQUARE = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.4))


def stream(camera: str = "gate", role: StreamRole = StreamRole.MAIN, since: int = T) -> Stream:
    return Stream(camera, role, f"sealed-{camera}-{role}", f"rtsp://***@{camera}", since)


def segment(n: int, camera: str = "gate", role: StreamRole = StreamRole.MAIN, duration: int = 10_000) -> Segment:
    sha = f"{camera}{role}{n}"
    start = T + n * 10_000
    path = f"/r/{camera}/{n}.{role}.mp4"
    return Segment(
        segment_id(camera, sha), camera, path, sha, 100, start, StartSource.RECORDER, duration, 1920, 1080, role=role
    )


def gap(start: int, end: int, reason: Reason = Reason.NOT_CONNECTED, camera: str = "gate") -> Gap:
    return Gap(camera, StreamRole.MAIN, T + start, T + end, reason, "detail")


def stored(catalog: Catalog, *segments: Segment, state: SegmentState = SegmentState.PENDING) -> None:
    catalog.recordings.write(RecorderUpdate(segments=[(one, state) for one in segments]))
