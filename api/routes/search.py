"""POST /api/search: one sentence in, ranked clips out."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from fastapi import APIRouter

from api.routes.common import PartsHere
from api.schemas import SearchAnswer, SearchRequest, When, problems
from search.engine import Answer, Query
from search.errors import BadInput
from search.times import parse_time
from search.types import Clip, Filter

router = APIRouter(prefix="/api", tags=["search"])


@router.post("/search", response_model=SearchAnswer, responses=problems(404, 413, 415, 503))
def search(request: SearchRequest, parts: PartsHere) -> dict[str, Any]:
    """Find the clips that fit a sentence, best first."""
    query = Query(_readable(request.text), _filter(request, parts.zone), request.limit)
    answer = parts.engine.search(query)
    data = answer.as_dict(parts.zone, lambda clip: thumbnail_address(answer, clip))
    for entry, clip in zip(data["clips"], answer.clips, strict=True):
        entry["clip_url"] = clip_address(answer, clip)
    return data


def thumbnail_address(answer: Answer, clip: Clip) -> str:
    """Where this server shows the picture of the clip's best moment."""
    segment_id, offset_ms = answer.moment(clip)
    return f"/api/thumbnails/{segment_id}/{offset_ms}.jpg"


def clip_address(answer: Answer, clip: Clip) -> str:
    """Where this server plays the clip."""
    start = clip.start_ms - answer.segments[clip.segment_id].start_ms
    return f"/api/clips/{clip.segment_id}.mp4?offset_ms={start}&duration_ms={clip.end_ms - clip.start_ms}"


def _filter(request: SearchRequest, zone: tzinfo) -> Filter:
    return Filter(
        cameras=tuple(request.cameras),
        kinds=tuple(request.kinds),
        from_ms=_time(request.from_, zone),
        to_ms=_time(request.to, zone),
    )


def _time(value: When, zone: tzinfo) -> int | None:
    return parse_time(value, zone) if isinstance(value, str) else value


def _readable(text: str) -> str:
    """JSON can carry halves of characters, which no sentence has and no answer can repeat."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput("the sentence is not readable text", got=ascii(text), expected="Unicode text") from None
    return text
