"""Missing persons' files: what is known of a person, search, marks, sightings, trail."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from api.case_schemas import (
    CaseAnswer,
    CaseChange,
    CaseIn,
    CaseOut,
    CaseSearchIn,
    CasesOut,
    FollowIn,
    MarkIn,
    SightingIn,
    SightingOut,
    TrailOut,
    photos_of,
    schema_of,
)
from api.case_types import Sighting, Sign, check_text
from api.case_views import CaseView
from api.casework import Casework, cases_of
from api.investigating import Asked, Investigation
from api.parts import Parts
from api.routes.common import PartsHere
from api.routes.recording import NoteHere
from api.routes.search import served
from api.schemas import When, problems
from api.trail_map import trail_svg
from search.embedder import MAX_SENTENCE_CHARS
from search.times import parse_time
from search.types import Filter, Segment

ASK_AGAIN = {"Cache-Control": "private, no-cache"}  # a sighting may be withdrawn, a case deleted

router = APIRouter(prefix="/api/cases", tags=["cases"])
_making = threading.Lock()


class WebLinks:
    """Addresses on this server. See `api.case_views.Links`."""

    def photo(self, case_id: str, number: int) -> str:
        """See `Links.photo`."""
        return f"/api/cases/{case_id}/photos/{number}.jpg"

    def still(self, case_id: str, number: int) -> str:
        """See `Links.still`."""
        return f"/api/cases/{case_id}/sightings/{number}.jpg"

    def clip(self, sighting: Sighting, segment: Segment) -> str | None:
        """See `Links.clip`."""
        start, length = max(0, sighting.start_ms - segment.start_ms), sighting.end_ms - sighting.start_ms
        return f"/api/clips/{sighting.segment_id}.mp4?offset_ms={start}&duration_ms={length}"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes of cases work with."""

    parts: Parts
    cases: Casework
    view: CaseView
    work: Investigation

    def time(self, value: When) -> int | None:
        """Unix ms of what a request says."""
        return parse_time(value, self.parts.zone) if isinstance(value, str) else value


def _desk(request: Request, parts: PartsHere) -> Desk:
    state = request.app.state
    with _making:
        if not hasattr(state, "cases"):
            state.cases = cases_of(parts.settings, parts.catalog)
    cases: Casework = state.cases
    return Desk(parts, cases, CaseView(parts.catalog, parts.zone, WebLinks()), Investigation(parts, cases))


DeskHere = Annotated[Desk, Depends(_desk)]


@router.get("", response_model=CasesOut, responses=problems(503))
def all_cases(desk: DeskHere) -> dict[str, Any]:
    """All cases, the newest first."""
    return {"cases": [desk.view.short(case) for case in desk.cases.cases()]}


@router.post("", response_model=CaseOut, status_code=201, responses=problems(403, 404, 413, 415, 503))
def new_case(body: CaseIn, desk: DeskHere) -> dict[str, Any]:
    """Open a case."""
    return desk.view.full(desk.cases.new(body.draft(desk.parts.zone), photos_of(body.photos)))


@router.get("/{case}", response_model=CaseOut, responses=problems(404, 503))
def one_case(case: str, desk: DeskHere) -> dict[str, Any]:
    """One case with its marks and sightings."""
    return desk.view.full(desk.cases.case(case))


@router.patch("/{case}", response_model=CaseOut, responses=problems(403, 404, 413, 415, 503))
def change_case(case: str, body: CaseChange, desk: DeskHere) -> dict[str, Any]:
    """Change what is given; close the case or open it again."""
    draft = body.draft(desk.cases.case(case).draft, desk.parts.zone)
    changed = desk.cases.change(case, draft, photos_of(body.add_photos), body.drop_photos)
    if body.open is not None:
        changed = desk.cases.close(case, closed=not body.open)
    return desk.view.full(changed)


@router.delete("/{case}", status_code=204, responses=problems(404, 503))
def delete_case(case: str, desk: DeskHere) -> Response:
    """Delete a case with its photos, marks and sightings; its recordings are then kept no longer than others."""
    desk.cases.delete(case)
    return Response(status_code=204)


@router.post("/{case}/search", response_model=CaseAnswer, responses=problems(403, 404, 413, 415, 503))
def search_case(case: str, body: CaseSearchIn, desk: DeskHere, note: NoteHere) -> dict[str, Any]:
    """Search with what the case says; what the person can have reached comes first."""
    where = Filter(cameras=tuple(body.cameras), from_ms=desk.time(body.from_), to_ms=desk.time(body.to))
    found = desk.work.search(case, Asked(_readable(body.text), where, body.limit, body.hard, body.order))
    return found.as_dict(note.answered(served(found.answer, desk.parts.zone)))


@router.post("/{case}/follow", response_model=CaseAnswer, responses=problems(403, 404, 413, 415, 503))
def follow(case: str, body: FollowIn, desk: DeskHere, note: NoteHere) -> dict[str, Any]:
    """Search before and after a sighting with its own crops, on the cameras that can be reached from there."""
    asked = Asked(_readable(body.text), limit=body.limit, order=body.order)
    found = desk.work.follow(case, body.sighting, body.hours, asked)
    return found.as_dict(note.answered(served(found.answer, desk.parts.zone)))


@router.post("/{case}/marks", response_model=CaseOut, status_code=201, responses=problems(404, 413, 415, 503))
def mark(case: str, body: MarkIn, desk: DeskHere) -> dict[str, Any]:
    """Mark a clip: like the person, or not. The next search is ranked with it."""
    return desk.view.full(desk.work.mark(case, body.clip, Sign(body.mark)))


@router.delete("/{case}/marks/last", response_model=CaseOut, responses=problems(404, 409, 503))
def undo_mark(case: str, desk: DeskHere) -> dict[str, Any]:
    """Take back the last mark that is not undone."""
    return desk.view.full(desk.cases.undo(case))


@router.post("/{case}/sightings", response_model=SightingOut, status_code=201, responses=problems(404, 413, 415, 503))
def confirm(case: str, body: SightingIn, desk: DeskHere) -> dict[str, Any]:
    """Confirm a clip as a sighting and keep its recording; the same one again is the one that is there."""
    return desk.view.sighting(case, desk.work.confirm(case, body.clip, body.note))


@router.delete("/{case}/sightings/{number}", response_model=CaseOut, responses=problems(404, 503))
def withdraw(case: str, number: int, desk: DeskHere) -> dict[str, Any]:
    """Take a sighting back; its recording is then kept no longer than others."""
    desk.cases.withdraw(case, number)
    return desk.view.full(desk.cases.case(case))


@router.get("/{case}/trail", response_model=TrailOut, responses=problems(404, 503))
def trail(case: str, desk: DeskHere) -> dict[str, Any]:
    """Where the person surely was, in order of time, and whether each step is possible."""
    return desk.view.trail(desk.cases.case(case))


@router.get(
    "/{case}/trail.svg", response_class=Response, responses=problems(404, 503) | {200: schema_of("image/svg+xml")}
)
def trail_map(case: str, desk: DeskHere) -> Response:
    """The trail as a map."""
    told = desk.view.trail(desk.cases.case(case))
    return Response(trail_svg(told, desk.parts.catalog.cameras()), media_type="image/svg+xml", headers=ASK_AGAIN)


@router.get(
    "/{case}/photos/{number}.jpg",
    response_class=FileResponse,
    responses=problems(404, 503) | {200: schema_of("image/jpeg")},
)
def photo(case: str, number: int, desk: DeskHere) -> FileResponse:
    """A photo that was handed in, at most 1024 pixels on its longer side."""
    path = desk.cases.photo(desk.cases.case(case), number)
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


@router.get(
    "/{case}/sightings/{number}.jpg",
    response_class=FileResponse,
    responses=problems(404, 503) | {200: schema_of("image/jpeg")},
)
def still(case: str, number: int, desk: DeskHere) -> FileResponse:
    """The picture of a sighting's best moment, kept when it was confirmed."""
    path = desk.cases.still(desk.cases.case(case), number)
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


def _readable(text: str | None) -> str | None:
    return None if text is None else check_text(text, "the sentence", 100 * MAX_SENTENCE_CHARS)
