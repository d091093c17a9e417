"""Pictures and clips: GET and HEAD, with byte ranges."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import FileResponse

from api.accounts.visibility import check_segment
from api.web.dependencies import MAX_OFFSET_MS, PartsHere, SegmentId
from api.web.permissions import SightHere
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
    segment: SegmentId, offset_ms: int, parts: PartsHere, sight: SightHere, case: CaseId = ""
) -> FileResponse:
    """The picture of one moment of a recording; `offset_ms` counts from the start of its file."""
    _check_offset(offset_ms)
    shown = parts.catalog.playback.segment(segment)
    check_segment(sight, shown, shown.start_ms + offset_ms)
    path = parts.media.thumbnail_path(segment, offset_ms)
    if not path.is_file():
        raise NotFound("there is no picture of this moment", got=f"{segment} at {offset_ms} ms")
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


@router.head("/clips/{segment}.mp4", include_in_schema=False)
@router.get("/clips/{segment}.mp4", response_class=FileResponse, responses=_media("video/mp4"))
def clip(
    segment: SegmentId,
    offset_ms: Annotated[int, Query(ge=0, le=MAX_OFFSET_MS, description="start in the recording's file")],
    duration_ms: Annotated[int, Query(ge=1, description="length, at most the setting clip_max_s")],
    parts: PartsHere,
    sight: SightHere,
    case: CaseId = "",
) -> FileResponse:
    """A piece of a recording as H.264 MP4, cut when it is first asked for.

    A live camera's recording goes on in the files after `segment`; the clip is of its stream in full quality where
    that shows the whole range. It is shorter than `duration_ms` where the recording ends, or its pictures change their
    size. What the camera's privacy masks cover is black.
    """
    longest = round(1000 * parts.settings.clip_max_s)
    if duration_ms > longest:
        raise BadInput("the clip is too long", got=f"{duration_ms} ms", expected=f"at most {longest} ms")
    footage = parts.catalog.playback
    found = footage.segment(segment)
    check_segment(sight, found, found.start_ms + offset_ms)
    if found.duration_ms and offset_ms >= found.duration_ms:
        raise BadInput("the clip starts after the recording's end", got=offset_ms, expected=f"< {found.duration_ms}")
    start_ms = found.start_ms + offset_ms
    segments = footage.showing(found, start_ms, start_ms + duration_ms)
    rules = parts.catalog.streams.known([found.camera_id])[found.camera_id].rules
    with _cuts:
        path = parts.media.clip_of(segments, start_ms, duration_ms, masks=rules.masks if rules else ())
    # The media store touches a clip at each use, so its time of modification cannot say whether it is the same.
    info = path.stat()
    etag = {"ETag": f'"{path.stem}-{info.st_size}"'}
    return FileResponse(path, media_type="video/mp4", headers=ASK_AGAIN | etag, stat_result=info)


def _check_offset(offset_ms: int) -> None:
    if not 0 <= offset_ms <= MAX_OFFSET_MS:
        raise BadInput("the offset is out of range", got=offset_ms, expected=f"0 to {MAX_OFFSET_MS} ms")
