"""Missing persons' files: what is known of a person, search, marks, sightings, trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import FileResponse, Response

from api.accounts import AccountStore, OwnedKind, OwnershipStore, Principal, check_camera
from api.cases import (
    Case,
    CaseInput,
    CaseSearchOptions,
    CaseService,
    CaseStore,
    CaseView,
    Sighting,
    Sign,
    check_text,
    sighting_of,
    tiles_of,
    trail_svg,
    visible_part,
)
from api.runtime import AppContext
from api.web.dependencies import ContextHere
from api.web.middleware.audit import NoteHere
from api.web.permissions import WATCHERS, AccountsHere, PrincipalHere, VisibilityHere
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
from search.parsing import MAX_SENTENCE_CHARS
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
    """The parts that the routes of cases use, within the visibility of `principal`."""

    context: AppContext
    cases: CaseStore
    view: CaseView
    ownership: OwnershipStore
    principal: Principal
    visibility: Visibility
    purpose: Purpose

    def work(self, requester: Requester) -> CaseService:
        """Return the service that does what an operator does in a case."""
        return CaseService(self.context, self.cases, requester)

    def case(self, case_id: str) -> Case:
        """Return a case that they may see, without sightings outside their visibility. Raises `NotFound`."""
        self.ownership.check(self.principal, OwnedKind.CASE, case_id)
        return visible_part(self.cases.case(case_id), self.visibility)

    def view_of(self, case: Case) -> dict[str, Any]:
        """Return a case as they see it."""
        return self.view.full(visible_part(case, self.visibility))

    def time(self, value: When) -> int | None:
        """Return Unix ms of a time in a request."""
        return parse_time(value, self.context.zone) if isinstance(value, str) else value

    def check_seen(self, draft: CaseInput) -> None:
        """Raise `NotFound` where the person was last seen at a camera out of sight."""
        if draft.last_seen and draft.last_seen.camera_id:
            check_camera(self.visibility, draft.last_seen.camera_id)


def _routes(
    context: ContextHere, cases: CasesHere, principal: PrincipalHere, visibility: VisibilityHere, purpose: PurposeHere
) -> CaseRoutes:
    view = CaseView(context.catalog, context.zone, WebLinks())
    return CaseRoutes(context, cases, view, OwnershipStore(context.catalog), principal, visibility, purpose)


CaseRoutesHere = Annotated[CaseRoutes, Depends(_routes)]


@router.get("", response_model=CasesOut, responses=problems(503))
def all_cases(routes: CaseRoutesHere) -> dict[str, Any]:
    """List all cases that you may see, the newest first."""
    sees = routes.ownership.visible(routes.principal, OwnedKind.CASE)
    cases = [visible_part(case, routes.visibility) for case in routes.cases.cases() if sees(case.id)]
    return {"cases": [routes.view.short(case) for case in cases]}


@router.post("", response_model=CaseOut, status_code=201, responses=problems(404, 413, 415, 503))
def new_case(body: CaseIn, routes: CaseRoutesHere, note: NoteHere) -> dict[str, Any]:
    """Open a case, which is then yours."""
    draft = body.draft(routes.context.zone)
    routes.check_seen(draft)
    case = routes.cases.new(draft, photos_of(body.photos))
    note.shown["case"] = case.id
    if not routes.principal.is_local:
        routes.ownership.give(OwnedKind.CASE, case.id, routes.principal.account_id, owns=True)
    return routes.view_of(case)


@router.get("/{case}", response_model=CaseOut, responses=problems(404, 503))
def one_case(case: str, routes: CaseRoutesHere) -> dict[str, Any]:
    """Return one case with its marks and sightings."""
    return routes.view.full(routes.case(case))


@router.patch("/{case}", response_model=CaseOut, responses=problems(404, 413, 415, 503))
def change_case(case: str, body: CaseChange, routes: CaseRoutesHere) -> dict[str, Any]:
    """Change what is given; close the case or open it again."""
    draft = body.draft(routes.case(case).draft, routes.context.zone)
    routes.check_seen(draft)
    changed = routes.cases.change(case, draft, photos_of(body.add_photos), body.remove_photos)
    if body.open is not None:
        changed = routes.cases.close(case, closed=not body.open)
    return routes.view_of(changed)


@router.delete("/{case}", status_code=204, responses=problems(404, 503))
def delete_case(case: str, routes: CaseRoutesHere) -> Response:
    """Delete a case with its photos, marks and sightings; its recordings are then kept no longer than others."""
    routes.case(case)
    routes.ownership.check_owner(routes.principal, OwnedKind.CASE, case)
    routes.cases.delete(case)
    if not routes.principal.is_local:
        routes.ownership.forget(OwnedKind.CASE, case)
    return Response(status_code=204)


@router.post("/{case}/search", response_model=CaseAnswer, responses=problems(404, 409, 413, 415, 503))
def search_case(case: str, body: CaseSearchIn, routes: CaseRoutesHere, note: NoteHere) -> dict[str, Any]:
    """Search with what the case says; what the person can have reached comes first."""
    work = routes.work(routes.purpose.of(case, body.reason))
    where = Filter(cameras=tuple(body.cameras), start_ms=routes.time(body.start), end_ms=routes.time(body.end))
    findings = work.search(
        case, CaseSearchOptions(_readable(body.query), where, body.limit, body.reachable_only, body.order)
    )
    return findings.as_dict(note.answered(served(findings.answer, routes.context.zone)))


@router.post("/{case}/follow", response_model=CaseAnswer, responses=problems(404, 409, 413, 415, 503))
def follow(case: str, body: FollowIn, routes: CaseRoutesHere, note: NoteHere) -> dict[str, Any]:
    """Search before and after a sighting with its own crops, on the cameras that can be reached from there."""
    work = routes.work(routes.purpose.of(case, body.reason))
    options = CaseSearchOptions(_readable(body.query), limit=body.limit, order=body.order)
    findings = work.follow(case, body.sighting, body.hours, options)
    return findings.as_dict(note.answered(served(findings.answer, routes.context.zone)))


@router.post("/{case}/marks", response_model=CaseOut, status_code=201, responses=problems(404, 413, 415, 503))
def mark(case: str, body: MarkIn, routes: CaseRoutesHere) -> dict[str, Any]:
    """Mark a clip: like the person, or not. The next search is ranked with it."""
    routes.case(case)
    return routes.view_of(routes.work(routes.purpose.anyhow).mark(case, body.clip, Sign(body.mark)))


@router.delete("/{case}/marks/last", response_model=CaseOut, responses=problems(404, 409, 503))
def undo_mark(case: str, routes: CaseRoutesHere) -> dict[str, Any]:
    """Take back the last mark that is not undone."""
    routes.case(case)
    return routes.view_of(routes.cases.undo(case))


@router.post("/{case}/sightings", response_model=SightingOut, status_code=201, responses=problems(404, 413, 415, 503))
def confirm(case: str, body: SightingIn, routes: CaseRoutesHere) -> dict[str, Any]:
    """Confirm a clip as a sighting and keep its recording; the same one again is the one that is there."""
    routes.case(case)
    return routes.view.sighting(case, routes.work(routes.purpose.anyhow).confirm(case, body.clip, body.note))


@router.delete("/{case}/sightings/{number}", response_model=CaseOut, responses=problems(404, 503))
def withdraw(case: str, number: int, routes: CaseRoutesHere) -> dict[str, Any]:
    """Take a sighting back; its recording is then kept no longer than others."""
    sighting_of(routes.case(case), number)
    routes.cases.withdraw(case, number)
    return routes.view.full(routes.case(case))


@router.get("/{case}/trail", response_model=TrailOut, responses=problems(404, 503))
def trail(case: str, routes: CaseRoutesHere) -> dict[str, Any]:
    """Return the confirmed places in order of time, and whether each step is possible."""
    return routes.view.trail(routes.case(case))


@router.get(
    "/{case}/trail.svg", response_class=Response, responses=problems(404, 503) | {200: schema_of("image/svg+xml")}
)
def trail_map(
    case: str,
    routes: CaseRoutesHere,
    words: Annotated[bool, Query(description="with title and legend, in English")] = True,
) -> Response:
    """Draw the trail as a map."""
    data = routes.view.trail(routes.case(case))
    cameras = routes.visibility.of(routes.context.catalog.cameras.all())
    drawn = trail_svg(data, cameras, tiles_of(routes.context.settings), words=words)
    return Response(drawn, media_type="image/svg+xml", headers=ASK_AGAIN)


@router.get(
    "/{case}/photos/{number}.jpg",
    response_class=FileResponse,
    responses=problems(404, 503) | {200: schema_of("image/jpeg")},
)
def photo(case: str, number: int, routes: CaseRoutesHere) -> FileResponse:
    """Return a photo that was handed in, at most 1024 pixels on its longer side."""
    path = routes.cases.photo(routes.case(case), number)
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


@router.get(
    "/{case}/sightings/{number}.jpg",
    response_class=FileResponse,
    responses=problems(404, 503) | {200: schema_of("image/jpeg")},
)
def still(case: str, number: int, routes: CaseRoutesHere) -> FileResponse:
    """Return the picture of a sighting's best moment, kept when it was confirmed."""
    path = routes.cases.still(routes.case(case), number)
    return FileResponse(path, media_type="image/jpeg", headers=ASK_AGAIN)


@router.get("/{case}/people", response_model=PeopleOut, responses=problems(404, 503))
def people(case: str, routes: CaseRoutesHere, accounts: AccountsHere) -> dict[str, Any]:
    """Return the owner of a case, and who else has it."""
    routes.case(case)
    return _people(case, routes, accounts)


@router.post("/{case}/people", response_model=PeopleOut, status_code=201, responses=problems(404, 409, 415, 503))
def share(case: str, body: ShareIn, routes: CaseRoutesHere, accounts: AccountsHere) -> dict[str, Any]:
    """Share a case with an account, or hand it over; whoever had it keeps seeing it."""
    routes.case(case)
    account = accounts.named(body.account)
    if account.disabled or not account.draft.roles & WATCHERS:
        raise Conflict("this account does not keep cases", got=body.account, expected="an operator or a supervisor")
    if body.hand_over:
        routes.ownership.check_owner(routes.principal, OwnedKind.CASE, case)
    routes.ownership.give(OwnedKind.CASE, case, account.id, owns=body.hand_over)
    return _people(case, routes, accounts)


def _people(case: str, routes: CaseRoutes, accounts: AccountStore) -> dict[str, Any]:
    owner, others = routes.ownership.people(OwnedKind.CASE, case)
    names = {account.id: account.name for account in accounts.all()}
    return {"owner": names.get(owner or 0), "people": [names[one] for one in others if one in names]}


def _readable(text: str | None) -> str | None:
    return None if text is None else check_text(text, "the sentence", 100 * MAX_SENTENCE_CHARS)
