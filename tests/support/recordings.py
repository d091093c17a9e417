"""Live cameras as a recorder and an indexer would leave them in the catalogue: what the tests of the doors share."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pictures

from api.runtime.context import AppContext
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.stream_types import Gap, Health, Reason, Stream, StreamState
from search.types import Camera, Segment, SegmentReport, SegmentState, StartSource, StreamRole

SECRET = "hush"
SEGMENT_MS = 10_000
HOUR_MS = 3_600_000


def add(context: AppContext, camera: str, since_ms: int, *, sub: bool = False, name: str = "") -> None:
    """A camera that is to be recorded."""
    context.catalog.cameras.add(Camera(camera, name or camera))
    roles = (StreamRole.MAIN, StreamRole.SUB) if sub else (StreamRole.MAIN,)
    shown = f"rtsp://{camera.split()[0]}.example/stream"
    context.catalog.streams.set(camera, [Stream(camera, role, f"sealed-{SECRET}", shown, since_ms) for role in roles])


def record(
    context: AppContext,
    camera: str,
    start_ms: int,
    count: int,
    *,
    state: SegmentState = SegmentState.INDEXED,
    role: StreamRole = StreamRole.MAIN,
    reason: str = "",
) -> None:
    """`count` files of 10 s that follow each other; skipped ones for `reason`."""
    made = [_segment(camera, start_ms + n * SEGMENT_MS, role) for n in range(count)]
    told = SegmentState.PENDING if state in (SegmentState.INDEXED, SegmentState.SKIPPED) else state
    context.catalog.recordings.write(RecorderUpdate(segments=[(segment, told) for segment in made]))
    if told is not state:
        for segment in made:
            context.catalog.segments.finish(SegmentReport(segment, state, reason=reason))


def _segment(camera: str, start_ms: int, role: StreamRole) -> Segment:
    sha = f"{camera}{role}{start_ms}"
    path = f"/recordings/{camera}/{start_ms}.mp4"
    id_ = segment_id(camera, sha)
    return Segment(id_, camera, path, sha, 5_000_000, start_ms, StartSource.RECORDER, SEGMENT_MS, 1920, 1080, role=role)


def missing(
    context: AppContext,
    camera: str,
    start_ms: int,
    end_ms: int,
    reason: Reason,
    detail: str = "",
    role: StreamRole = StreamRole.MAIN,
) -> None:
    """Nothing was recorded there."""
    context.catalog.recordings.write(RecorderUpdate(gaps=[Gap(camera, role, start_ms, end_ms, reason, detail)]))


def tell(
    context: AppContext,
    camera: str,
    state: StreamState,
    now_ms: int,
    *,
    detail: str = "",
    age_ms: int = 400,
    open_ms: int = 0,
    role: StreamRole = StreamRole.MAIN,
    reconnects: int = 0,
) -> None:
    """The recorder's word about a stream, told `now_ms`; `age_ms` of its last frame, `open_ms` of its open file."""
    up = state is StreamState.RECORDING
    rates = {"fps": 25.0 if up else 0.0, "kbit_s": 4012.5 if up else 0.0}
    size = {"width": 1920, "height": 1080, "codec": "h264"}
    health = Health(
        camera, role, state, detail, now_ms - HOUR_MS, now_ms - age_ms, now_ms - open_ms if open_ms else 0,
        reconnects=reconnects, updated_ms=now_ms, **rates, **size,  # type: ignore[arg-type]
    )  # fmt: skip
    context.catalog.recordings.write(RecorderUpdate(health=[health]))


def picture(context: AppContext, camera: str, time_ms: int, shade: int = 90) -> bytes:
    """A picture of now, grey but for a stripe."""
    image = np.full((180, 320, 3), shade, np.uint8)
    image[:, 40:60] = (200, 60, 40)
    buffer = io.BytesIO()
    Pictures.fromarray(image).save(buffer, "JPEG")
    context.media.put_now(camera, buffer.getvalue(), time_ms)
    return buffer.getvalue()
