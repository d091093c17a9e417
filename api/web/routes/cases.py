"""Missing persons' files: what is known of a person, search, marks, sightings, trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import FileResponse, Response

from api.accounts.account_store import AccountStore
from api.accounts.types import Principal
from api.accounts.visibility import OwnedKind, OwnershipStore, check_camera
from api.cases.case_store import CaseStore, sighting_of
from api.cases.investigation import CaseSearchOptions, CaseService
from api.cases.trail_map import tiles_of, trail_svg
from api.cases.types import Case, CaseInput, Sighting, Sign, check_text, in_sight
from api.cases.views import CaseView
from api.composition import AppContext
from api.web.dependencies import PartsHere
from api.web.middleware.audit import NoteHere
from api.web.permissions import WATCHERS, AccountsHere, SightHere, WhoHere
from api.web.purpose import CasesHere, Purpose, PurposeHere
from api.web.routes.search import served
from api.web.schemas.cases import (
    CaseAnswer,
    CaseChange,
    CaseIn,
    CaseOut,
    CaseSearchIn,
    CasesOut,
    FollowIn,
    MarkIn,
    PeopleOut,
    ShareIn,
    SightingIn,
    SightingOut,
    TrailOut,
    photos_of,
    schema_of,
)
from api.web.schemas.search import When, problems
from search.access import Requester, Visibility
from search.errors import Conflict
from search.parsing.normalize import MAX_SENTENCE_CHARS
from search.times import parse_time
from search.types import Filter, Segment

ASK_AGAIN = {"Cache-Control": "private, no-cache"}  # a sighting may be withdrawn, a case deleted

router = APIRouter(prefix="/api/cases", tags=["cases"])


class WebLinks:
    """Addresses on this server. See `api.cases.views.Links`."""

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
class CaseRoutes:
    """What the routes of cases work with: all of it is only what `who` may see."""

    parts: AppContext
    cases: CaseStore
    view: CaseView
    grants: OwnershipStore
    who: Principal
    sight: Visibility
    purpose: Purpose

    def work(self, asker: Requester) -> CaseService:
        """What an operator does in a case."""
        return CaseService(self.parts, self.cases, asker)

    def case(self, case_id: str) -> Case:
        """A case that they may see, without sightings out of their sight. Raises `NotFound`."""
        self.grants.check(self.who, OwnedKind.CASE, case_id)
        return in_sight(self.cases.case(case_id), self.sight)

    def told(self, case: Case) -> dict[str, Any]:
        """A case as they see it."""
        return self.view.full(in_sight(case, self.sight))

    def time(self, value: When) -> int | None:
        """Unix ms of what a request says."""
        return parse_time(value, self.parts.zone) if isinstance(value, str) else value

    def check_seen(self, draft: CaseInput) -> None:
        """Raise `NotFound` where the person was last seen at a camera out of sight."""
        if draft.last_seen and draft.last_seen.camera_id:
            check_camera(self.sight, draft.last_seen.camera_id)


def _desk(parts: PartsHere, cases: CasesHere, who: WhoHere, sight: SightHere, purpose: PurposeHere) -> CaseRoutes:
    view = CaseView(parts.catalog, parts.zone, WebLinks())
    return CaseRoutes(parts, cases, view, OwnershipStore(parts.catalog), who, sight, purpose)


DeskHere = Annotated[CaseRoutes, Depends(_desk)]


@router.get("", response_model=CasesOut, responses=problems(503))
def all_cases(desk: DeskHere) -> dict[str, Any]:
    """All cases that are yours to see, the newest first."""
    sees = desk.grants.visible(desk.who, OwnedKind.CASE)
    found = [in_sight(case, desk.sight) for case in desk.cases.cases() if sees(case.id)]
    return {"cases": [desk.view.short(case) for case in found]}


@router.post("", response_model=CaseOut, status_code=201, responses=problems(404, 413, 415, 503))
def new_case(body: CaseIn, desk: DeskHere, note: NoteHere) -> dict[str, Any]:
    """Open a case, which is then yours."""
    draft = body.draft(desk.parts.zone)
    desk.check_seen(draft)
    case = desk.cases.new(draft, photos_of(body.photos))
    note.shown["case"] = case.id
    if not desk.who.is_local:
        desk.grants.give(OwnedKind.CASE, case.id, desk.who.account_id, owns=True)
    return desk.told(case)


@router.get("/{case}", response_model=CaseOut, responses=problems(404, 503))
def one_case(case: str, desk: DeskHere) -> dict[str, Any]:
    """One case with its marks and sightings."""
    return desk.view.full(desk.case(case))


@router.patch("/{case}", response_model=CaseOut, responses=problems(404, 413, 415, 503))
def change_case(case: str, body: CaseChange, desk: DeskHere) -> dict[str, Any]:
    """Change what is given; close the case or open it again."""
    draft = body.draft(desk.case(case).draft, desk.parts.zone)
    desk.check_seen(draft)
    changed = desk.cases.change(case, draft, photos_of(body.add_photos), body.drop_photos)
    if body.open is not None:
        changed = desk.cases.close(case, closed=not body.open)
    return desk.told(changed)


@router.delete("/{case}", status_code=204, responses=problems(404, 503))
def delete_case(case: str, desk: DeskHere) -> Response:
    """Delete a case with its photos, marks and sightings; its recordings are then kept no longer than others."""
    desk.case(case)
    desk.grants.check_owner(desk.who, OwnedKind.CASE, case)
    desk.cases.delete(case)
    if not desk.who.is_local:
        desk.grants.forget(OwnedKind.CASE, case)
    return Response(status_code=204)


@router.post("/{case}/search", response_model=CaseAnswer, responses=problems(404, 409, 413, 415, 503))
def search_case(case: str, body: CaseSearchIn, desk: DeskHere, note: NoteHere) -> dict[str, Any]:
    """Search with what the case says; what the person can have reached comes first."""
    work = desk.work(desk.purpose.of(case, body.reason))
    where = Filter(cameras=tuple(body.cameras), from_ms=desk.time(body.from_), to_ms=desk.time(body.to))
    found = work.search(case, CaseSearchOptions(_readable(body.text), where, body.limit, body.hard, body.order))
    return found.as_dict(note.answered(served(found.answer, desk.parts.zone)))


@router.post("/{case}/follow", response_model=CaseAnswer, responses=problems(404, 409, 413, 415, 503))
def follow(case: str, body: FollowIn, desk: DeskHere, note: NoteHere) -> dict[str, Any]:
    """Search before and after a sighting with its own crops, on the cameras that can be reached from there."""
    work = desk.work(desk.purpose.of(case, body.reason))
    asked = CaseSearchOptions(_readable(body.text), limit=body.limit, order=body.order)
    found = work.follow(case, body.sighting, body.hours, asked)
    return found.as_dict(note.answered(served(found.answer, desk.parts.zone)))


@router.post("/{case}/marks", response_model=CaseOut, status_code=201, responses=problems(404, 413, 415, 503))
def mark(case: str, body: MarkIn, desk: DeskHere) -> dict[str, Any]:
    """Mark a clip: like the person, or not. The next search is ranked with it."""
    desk.case(case)
    return desk.told(desk.work(desk.purpose.anyhow).mark(case, body.clip, Sign(body.mark)))


@router.delete("/{case}/marks/last", response_model=CaseOut, responses=problems(404, 409, 503))
def undo_mark(case: str, desk: DeskHere) -> dict[str, Any]:
    """Take back the last mark that is not undone."""
    desk.case(case)
    return desk.told(desk.cases.undo(case))


@router.post("/{case}/sightings", response_model=SightingOut, status_code=201, responses=problems(404, 413, 415, 503))
def confirm(case: str, body: SightingIn, desk: DeskHere) -> dict[str, Any]:
    """Confirm a clip as a sighting and keep its recording; the same one again is the one that is there."""
    desk.case(case)
    return desk.view.sighting(case, desk.work(desk.purpose.anyhow).confirm(case, body.clip, body.note))


@router.delete("/{case}/sightings/{number}", response_model=CaseOut, responses=problems(404, 503))
def withdraw(case: str, number: int, desk: DeskHere) -> dict[str, Any]:
    """Take a sighting back; its recording is then kept no longer than others."""
    sighting_of(desk.case(case), number)
    desk.cases.withdraw(case, number)
    return desk.view.full(desk.case(case))


@router.get("/{case}/trail", response_model=TrailOut, responses=problems(404, 503))
def trail(case: str, desk: DeskHere) -> dict[str, Any]:
    """Where the person surely was, in order of time, and whether each step is possible."""
    return desk.view.trail(desk.case(case))


@router.get(
    "/{case}/trail.svg", response_class=Response, responses=problems(404, 503) | {200: schema_of("image/svg+xml")}
)
def trail_map(case: str, desk: DeskHere) -> Response:
    """The trail as a map."""
    told = desk.view.trail(desk.case(case))
    cameras = desk.sight.of(desk.parts.catalog.cameras.all())
    drawn = trail_svg(told, cameras, tiles_of(desk.parts.settings))
    return Response(drawn, media_type="image/svg+xml", headers=ASK_AGAIN)


@router.get(
    "/{case}/photos/{number}.jpg",
    response_class=FileResponse,
    responses=problems(404, 503) | {200: schema_of("image/jpeg")},
)
def photo(case: str, number: int, desk: DeskHere) -> FileResponse:
    """A photo that was handed in, at most 1024 pixels on its longer side."""
    path = desk.cases.photo(desk.case(case), number)
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


@router.get(
    "/{case}/sightings/{number}.jpg",
    response_class=FileResponse,
    responses=problems(404, 503) | {200: schema_of("image/jpeg")},
)
def still(case: str, number: int, desk: DeskHere) -> FileResponse:
    """The picture of a sighting's best moment, kept when it was confirmed."""
    path = desk.cases.still(desk.case(case), number)
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


@router.get("/{case}/people", response_model=PeopleOut, responses=problems(404, 503))
def people(case: str, desk: DeskHere, accounts: AccountsHere) -> dict[str, Any]:
    """Whose case it is, and who else has it."""
    desk.case(case)
    return _people(case, desk, accounts)


@router.post("/{case}/people", response_model=PeopleOut, status_code=201, responses=problems(404, 409, 415, 503))
def share(case: str, body: ShareIn, desk: DeskHere, accounts: AccountsHere) -> dict[str, Any]:
    """Share a case with an account, or hand it over; whoever had it keeps seeing it."""
    desk.case(case)
    account = accounts.named(body.account)
    if account.disabled or not account.draft.roles & WATCHERS:
        raise Conflict("this account does not keep cases", got=body.account, expected="an operator or a supervisor")
    if body.hand_over:
        desk.grants.check_owner(desk.who, OwnedKind.CASE, case)
    desk.grants.give(OwnedKind.CASE, case, account.id, owns=body.hand_over)
    return _people(case, desk, accounts)


def _people(case: str, desk: CaseRoutes, accounts: AccountStore) -> dict[str, Any]:
    owner, others = desk.grants.people(OwnedKind.CASE, case)
    names = {account.id: account.name for account in accounts.all()}
    return {"owner": names.get(owner or 0), "people": [names[one] for one in others if one in names]}


def _readable(text: str | None) -> str | None:
    return None if text is None else check_text(text, "the sentence", 100 * MAX_SENTENCE_CHARS)
