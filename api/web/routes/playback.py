"""What a clip is watched with: where its people are in the picture, and what the cameras around showed at that time."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query

from api.accounts.visibility import check_camera, check_segment
from api.composition import AppContext
from api.web.dependencies import PartsHere
from api.web.permissions import SightHere
from api.web.routes.media import CaseId
from api.web.schemas.search import NearbyOut, TracksOut, problems
from search.access import Visibility
from search.media.track_boxes import segment_and_track, unpacked
from search.types import MAX_TIME_MS, Camera, Segment, check_camera_id

MOST_TRACKS = 64
MOST_NEAR = 6
BEFORE_MS, AFTER_MS = 10_000, 20_000  # of the moment, of a camera beside: who walks away comes into its sight later
router = APIRouter(prefix="/api", tags=["media"])


@router.get("/tracks", response_model=TracksOut, responses=problems(404, 422, 503))
def tracks(
    parts: PartsHere,
    sight: SightHere,
    of: Annotated[list[str], Query(min_length=1, max_length=MOST_TRACKS, description="`tracks` of a clip")],
    case: CaseId = "",
) -> dict[str, Any]:
    """Where the people of these tracks were, at every moment that was looked at.

    Nothing of recordings that were indexed before such boxes were kept.
    """
    wanted: dict[str, set[int]] = {}
    for row in of:
        segment_id, number = segment_and_track(row)
        wanted.setdefault(segment_id, set()).add(number)
    footage = parts.catalog.playback
    boxes = [
        box
        for segment_id, numbers in wanted.items()
        for box in _boxes(parts, sight, footage.segment(segment_id), numbers)
    ]
    return {"boxes": sorted(boxes)}


def _boxes(
    parts: AppContext, sight: Visibility, segment: Segment, numbers: set[int]
) -> list[tuple[int, int, int, int, int]]:
    check_segment(sight, segment, segment.end_ms)
    kept = parts.media.tracks(segment.id)
    known = unpacked(kept) if kept is not None else {}
    seen = (one for number in numbers for one in known.get(number, ()))
    moments = ((segment.start_ms + offset, box) for offset, box in seen)
    return [(time_ms, *box.xyxy) for time_ms, box in moments if sight.moment(segment.camera_id, time_ms)]


@router.get("/cameras/{camera}/near", response_model=NearbyOut, responses=problems(404, 422, 503))
def near(
    camera: str,
    parts: PartsHere,
    sight: SightHere,
    time_ms: Annotated[int, Query(ge=0, le=MAX_TIME_MS, description="Unix ms")],
    case: CaseId = "",
) -> dict[str, Any]:
    """The cameras around, and their clips from a little before that time to a little after."""
    check_camera(sight, check_camera_id(camera))
    found = parts.catalog.cameras.nearby(parts.catalog.cameras.get(camera), sight, MOST_NEAR)
    return {"cameras": [_near(parts, sight, other, metres, time_ms, case) for metres, other in found]}


def _near(
    parts: AppContext, sight: Visibility, camera: Camera, metres: float, time_ms: int, case: str
) -> dict[str, Any]:
    told = {"camera": camera.id, "name": camera.name, "metres": round(metres)}
    segment = parts.catalog.playback.at(camera.id, time_ms)
    if segment is None or not sight.moment(camera.id, time_ms):
        return told | {"start_ms": None, "end_ms": None, "clip_url": None}
    from_ms = max(segment.start_ms, time_ms - BEFORE_MS, sight.from_ms or 0)
    length = min(BEFORE_MS + AFTER_MS, round(1000 * parts.settings.clip_max_s))
    named = f"&case={quote(case)}" if case else ""
    address = f"/api/clips/{segment.id}.mp4?offset_ms={from_ms - segment.start_ms}&duration_ms={length}{named}"
    return told | {"start_ms": from_ms, "end_ms": from_ms + length, "clip_url": address}
