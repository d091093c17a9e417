"""Pictures and clips: GET and HEAD, with byte ranges."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import FileResponse

from api.accounts import check_segment
from api.web.dependencies import MAX_OFFSET_MS, ContextHere, SegmentId
from api.web.permissions import VisibilityHere
from api.web.schemas.search import problems
from search.errors import BadInput, NotFound

MAX_CUTS = 2  # cutting is the dearest thing that a request can ask for
ASK_AGAIN = {"Cache-Control": "private, no-cache"}  # a mask may be drawn, a recording deleted, a scope changed

CaseId = Annotated[str, Query(max_length=64, description="for which case; recorded")]

router = APIRouter(prefix="/api", tags=["media"])
_cuts = threading.BoundedSemaphore(MAX_CUTS)


def _media(kind: str) -> dict[int | str, dict[str, Any]]:
    whole: dict[str, Any] = {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}}
    part = {206: whole | {"description": "the bytes that were asked for"}}
    return problems(404, 416, 422, 503) | {200: whole} | part


@router.head("/thumbnails/{segment}/{offset_ms}.jpg", include_in_schema=False)
@router.get("/thumbnails/{segment}/{offset_ms}.jpg", response_class=FileResponse, responses=_media("image/jpeg"))
def thumbnail(
    segment: SegmentId, offset_ms: int, context: ContextHere, visibility: VisibilityHere, case: CaseId = ""
) -> FileResponse:
    """Return the image of one moment of a recording; `offset_ms` counts from the start of its file."""
    _check_offset(offset_ms)
    recording = context.catalog.playback.segment(segment)
    check_segment(visibility, recording, recording.start_ms + offset_ms)
    path = context.media.thumbnail_path(segment, offset_ms)
    if not path.is_file():
        raise NotFound("there is no image of this moment", got=f"{segment} at {offset_ms} ms")
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


@router.head("/clips/{segment}.mp4", include_in_schema=False)
@router.get("/clips/{segment}.mp4", response_class=FileResponse, responses=_media("video/mp4"))
def clip(
    segment: SegmentId,
    offset_ms: Annotated[int, Query(ge=0, le=MAX_OFFSET_MS, description="start in the recording's file")],
    duration_ms: Annotated[int, Query(ge=1, description="length, at most the setting clip_max_s")],
    context: ContextHere,
    visibility: VisibilityHere,
    case: CaseId = "",
) -> FileResponse:
    """Cut a piece of a recording as H.264 MP4 when it is first asked for, and return it.

    A live camera's recording goes on in the files after `segment`; the clip is of its stream in full quality where
    that shows the whole range. It is shorter than `duration_ms` where the recording ends, or its pictures change their
    size. What the camera's privacy masks cover is black.
    """
    longest = round(1000 * context.settings.clip_max_s)
    if duration_ms > longest:
        raise BadInput("the clip is too long", got=f"{duration_ms} ms", expected=f"at most {longest} ms")
    playback = context.catalog.playback
    first = playback.segment(segment)
    check_segment(visibility, first, first.start_ms + offset_ms)
    if first.duration_ms and offset_ms >= first.duration_ms:
        raise BadInput("the clip starts after the recording's end", got=offset_ms, expected=f"< {first.duration_ms}")
    start_ms = first.start_ms + offset_ms
    segments = playback.showing(first, start_ms, start_ms + duration_ms)
    rules = context.catalog.streams.configs([first.camera_id])[first.camera_id].rules
    with _cuts:
        path = context.clips.clip_of(segments, start_ms, duration_ms, masks=rules.masks if rules else ())
    # The media store touches a clip at each use, so its time of modification cannot say whether it is the same.
    info = path.stat()
    etag = {"ETag": f'"{path.stem}-{info.st_size}"'}
    return FileResponse(path, media_type="video/mp4", headers=ASK_AGAIN | etag, stat_result=info)


def _check_offset(offset_ms: int) -> None:
    if not 0 <= offset_ms <= MAX_OFFSET_MS:
        raise BadInput("the offset is out of range", got=offset_ms, expected=f"0 to {MAX_OFFSET_MS} ms")
