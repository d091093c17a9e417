"""Playback of a clip: the boxes of its people, and the clips of the cameras around at that time."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query

from api.accounts import check_camera, check_segment
from api.runtime import AppContext
from api.web.dependencies import ContextHere
from api.web.permissions import VisibilityHere
from api.web.routes.media import CaseId
from api.web.schemas.search import NearbyOut, TracksOut, problems
from search.access import Visibility
from search.media import segment_and_track, unpacked
from search.types import MAX_TIME_MS, Camera, Segment, check_camera_id

MOST_TRACKS = 64
MOST_NEAR = 6
BEFORE_MS, AFTER_MS = 10_000, 20_000  # of the moment, of a camera beside: who walks away comes into its sight later
router = APIRouter(prefix="/api", tags=["media"])


@router.get("/tracks", response_model=TracksOut, responses=problems(404, 422, 503))
def track_boxes(
    context: ContextHere,
    visibility: VisibilityHere,
    tracks: Annotated[list[str], Query(min_length=1, max_length=MOST_TRACKS, description="`tracks` of a clip")],
    case: CaseId = "",
) -> dict[str, Any]:
    """Return where the people of these tracks were, at every sample.

    Nothing of recordings that were indexed before such boxes were kept.
    """
    numbers_of: dict[str, set[int]] = {}
    for row in tracks:
        segment_id, number = segment_and_track(row)
        numbers_of.setdefault(segment_id, set()).add(number)
    playback = context.catalog.playback
    boxes = [
        box
        for segment_id, numbers in numbers_of.items()
        for box in _boxes(context, visibility, playback.segment(segment_id), numbers)
    ]
    return {"boxes": sorted(boxes)}


def _boxes(
    context: AppContext, visibility: Visibility, segment: Segment, numbers: set[int]
) -> list[tuple[int, int, int, int, int]]:
    check_segment(visibility, segment, segment.end_ms)
    stored = context.media.tracks(segment.id)
    known = unpacked(stored) if stored is not None else {}
    boxes = (one for number in numbers for one in known.get(number, ()))
    moments = ((segment.start_ms + offset, box) for offset, box in boxes)
    return [(time_ms, *box.xyxy) for time_ms, box in moments if visibility.moment(segment.camera_id, time_ms)]


@router.get("/cameras/{camera}/near", response_model=NearbyOut, responses=problems(404, 422, 503))
def near(
    camera: str,
    context: ContextHere,
    visibility: VisibilityHere,
    time_ms: Annotated[int, Query(ge=0, le=MAX_TIME_MS, description="Unix ms")],
    case: CaseId = "",
) -> dict[str, Any]:
    """Return the cameras around, and their clips from a little before that time to a little after."""
    check_camera(visibility, check_camera_id(camera))
    cameras = context.catalog.cameras.nearby(context.catalog.cameras.get(camera), visibility, MOST_NEAR)
    return {"cameras": [_near(context, visibility, other, metres, time_ms, case) for metres, other in cameras]}


def _near(
    context: AppContext, visibility: Visibility, camera: Camera, metres: float, time_ms: int, case: str
) -> dict[str, Any]:
    data = {"camera": camera.id, "name": camera.name, "metres": round(metres)}
    segment = context.catalog.playback.at(camera.id, time_ms)
    if segment is None or not visibility.moment(camera.id, time_ms):
        return data | {"start_ms": None, "end_ms": None, "clip_url": None}
    from_ms = max(segment.start_ms, time_ms - BEFORE_MS, visibility.from_ms or 0)
    length = min(BEFORE_MS + AFTER_MS, round(1000 * context.settings.clip_max_s))
    named = f"&case={quote(case)}" if case else ""
    address = f"/api/clips/{segment.id}.mp4?offset_ms={from_ms - segment.start_ms}&duration_ms={length}{named}"
    return data | {"start_ms": from_ms, "end_ms": from_ms + length, "clip_url": address}
