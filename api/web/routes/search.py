"""POST /api/search: one sentence in, ranked clips out."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi import Query as QueryField

from api.web.dependencies import ContextHere
from api.web.middleware.audit import NoteHere
from api.web.purpose import PurposeHere
from api.web.schemas.search import PhotoIn, SearchAnswer, SearchIn, When, problems
from search.answer import Answer
from search.errors import BadInput
from search.media import read_photo
from search.query import MAX_LIMIT, Query
from search.times import parse_time
from search.types import Box, Clip, Filter, Image

router = APIRouter(prefix="/api", tags=["search"])


@router.post("/search", response_model=SearchAnswer, responses=problems(404, 409, 413, 415, 503))
def search(request: SearchIn, context: ContextHere, purpose: PurposeHere, note: NoteHere) -> dict[str, Any]:
    """Find the clips that fit a sentence, photos, marked clips, or all of them together."""
    query = Query(
        sentence=_readable(request.query),
        where=_filter(request, context.zone),
        limit=request.limit,
        photos=[_photo(photo, number) for number, photo in enumerate(request.photos, start=1)],
        like=tuple(request.like),
        unlike=tuple(request.unlike),
        without=tuple(request.without),
        order=request.order,
        requester=purpose.of(request.case, request.reason),
    )
    return note.answered(served(context.engine.search(query), context.zone))


@router.get("/search/{answer}", response_model=SearchAnswer, responses=problems(404, 503))
def page(
    answer: Annotated[str, Path(max_length=64, description="`id` of an answer")],
    context: ContextHere,
    purpose: PurposeHere,
    note: NoteHere,
    offset: Annotated[int, QueryField(ge=0, description="clips before this page")] = 0,
    limit: Annotated[int, QueryField(ge=1, le=MAX_LIMIT)] = 12,
) -> dict[str, Any]:
    """Return another page of an answer, unchanged by what was indexed since. The last 500 answers are kept."""
    return note.answered(served(context.indexes.page(answer, offset, limit, purpose.anyhow.name), context.zone))


def served(answer: Answer, zone: tzinfo) -> dict[str, Any]:
    """Return the answer with addresses of its pictures and clips on this server."""
    data = answer.as_dict(zone, lambda clip: thumbnail_address(answer, clip))
    for entry, clip in zip(data["clips"], answer.clips, strict=True):
        entry["clip_url"] = clip_address(answer, clip)
    return data


def thumbnail_address(answer: Answer, clip: Clip) -> str:
    """Return the address of the picture of the clip's best moment."""
    segment_id, offset_ms = answer.moment(clip)
    case = answer.query.requester.case  # the audit log records it with the view
    return f"/api/thumbnails/{segment_id}/{offset_ms}.jpg{f'?case={case}' if case else ''}"


def clip_address(answer: Answer, clip: Clip) -> str:
    """Return the address of the clip."""
    start = clip.start_ms - answer.segments[clip.segment_id].start_ms
    case = f"&case={answer.query.requester.case}" if answer.query.requester.case else ""
    return f"/api/clips/{clip.segment_id}.mp4?offset_ms={start}&duration_ms={clip.end_ms - clip.start_ms}{case}"


def _photo(photo: PhotoIn, number: int) -> Image:
    return read_photo(photo.data, None if photo.box is None else Box(*photo.box), name=f"photo {number}")


def _filter(request: SearchIn, zone: tzinfo) -> Filter:
    return Filter(
        cameras=tuple(request.cameras),
        kinds=tuple(request.kinds),
        start_ms=_time(request.start, zone),
        end_ms=_time(request.end, zone),
    )


def _time(value: When, zone: tzinfo) -> int | None:
    return parse_time(value, zone) if isinstance(value, str) else value


def _readable(text: str) -> str:
    """Return `text`, or raise `BadInput` for halves of characters, which JSON can carry and no answer can repeat."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput("the sentence is not readable text", got=ascii(text), expected="Unicode text") from None
    return text
