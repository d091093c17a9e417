"""Standing searches and their alerts: saved, previewed, changed, judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Annotated, Any

from anyio import sleep
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from api.accounts.types import Principal
from api.accounts.visibility import OwnedKind, OwnershipStore
from api.alerts.alert_store import MAX_LIMIT, AlertStore, unknown_alert
from api.alerts.history import EngineIndex
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.service import SavedResult, SavedSearchService
from api.alerts.types import Alert, Judgement, SavedSearch
from api.alerts.views import SavedSearchView, measured_dict
from api.composition import AppContext
from api.web.dependencies import ContextHere
from api.web.middleware.audit import NoteHere
from api.web.permissions import PrincipalHere, VisibilityHere
from api.web.purpose import PurposeHere
from api.web.schemas.alerts import (
    AlertChange,
    AlertOut,
    AlertsOut,
    PreviewOut,
    SavedSearchChange,
    SavedSearchesOut,
    SavedSearchIn,
    SavedSearchOut,
    TrialOut,
)
from api.web.schemas.search import problems
from search.access import Visibility
from search.times import now_ms
from search.vault import Vault

STREAM_S = 60.0  # so long one connection hears of changes; then rights are looked at anew
LOOK_EVERY_S = 1.0

router = APIRouter(prefix="/api", tags=["standing searches"])


class AlertRoutes:
    """What these routes work with: only what `who` may see."""

    def __init__(self, parts: AppContext, who: Principal, sight: Visibility) -> None:
        vault = Vault(parts.settings.data_dir, parts.settings.secret_key)
        self.book = SavedSearchStore(parts.catalog)
        self.alerts = AlertStore(parts.catalog)
        self.view = SavedSearchView(parts.settings, parts.catalog)
        self.work = SavedSearchService(parts.catalog, vault, EngineIndex(parts, sight))
        self.grants = OwnershipStore(parts.catalog)
        self.who = who
        self.sight = sight

    def told(self, saved: SavedResult) -> dict[str, Any]:
        """A standing search that was just saved, with the secret of its new webhook."""
        return self.view.one(saved.standing) | ({"webhook_secret": saved.secret} if saved.secret else {})

    def one(self, number: int) -> SavedSearch:
        """A standing search that they may see. Raises `NotFound`."""
        self.grants.check(self.who, OwnedKind.STANDING, number)
        return self.book.get(number)

    def alert(self, number: int) -> Alert:
        """An alert that they may see. Raises `NotFound`."""
        found = self.alerts.get(number)
        if not (self.sees(found.standing_id) and self.shows(found)):
            raise unknown_alert(number)
        return found

    def sees(self, number: int) -> bool:
        """Whether they may see a standing search."""
        return self.grants.visible(self.who, OwnedKind.STANDING)(number)

    def wanted(self, number: int | None) -> list[int] | None:
        """Standing searches whose alerts are asked for; None: of all."""
        if number is not None:
            return [number] if self.sees(number) else []
        if self.who.is_local:
            return None
        sees = self.grants.visible(self.who, OwnedKind.STANDING)
        return [one.id for one in self.book.all() if sees(one.id)]

    def newest(self) -> tuple[int, int]:
        """The last alert's number and how many are open, of those that they may see: another pair after each change."""
        found, _ = self.alerts.alerts(limit=MAX_LIMIT, of=self.wanted(None))
        seen = [alert for alert in found if self.shows(alert)]
        return max((alert.id for alert in seen), default=0), sum(alert.verdict is Judgement.OPEN for alert in seen)

    def shows(self, alert: Alert) -> bool:
        """Whether what an alert shows is in their sight."""
        return self.sight.moment(alert.camera_id, alert.end_ms)


def _desk(parts: ContextHere, who: PrincipalHere, sight: VisibilityHere) -> AlertRoutes:
    return AlertRoutes(parts, who, sight)


DeskHere = Annotated[AlertRoutes, Depends(_desk)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/saved-searches", response_model=SavedSearchesOut, responses=problems(503))
def all_standing(desk: DeskHere) -> dict[str, Any]:
    """All standing searches: what they do now, what was expected of them and what came of it."""
    sees = desk.grants.visible(desk.who, OwnedKind.STANDING)
    told = desk.view.all()
    return told | {"saved_searches": [one for one in told["saved_searches"] if sees(one["number"])]}


@router.post("/saved-searches", response_model=SavedSearchOut, status_code=201, responses=problems(404, 413, 415, 503))
def add_standing(body: SavedSearchIn, desk: DeskHere, purpose: PurposeHere) -> dict[str, Any]:
    """Save a standing search; the secret of its webhook is in this answer and in no other."""
    purpose.check(body.case, body.reason)
    saved = desk.work.add(body.draft(now_ms()), body.webhook_url)
    if not desk.who.is_local:
        desk.grants.give(OwnedKind.STANDING, saved.standing.id, desk.who.account_id, owns=True)
    return desk.told(saved)


@router.post("/saved-searches/preview", response_model=PreviewOut, responses=problems(404, 413, 415, 503))
def preview_standing(body: SavedSearchIn, desk: DeskHere, purpose: PurposeHere) -> dict[str, Any]:
    """The threshold that it would have, and the alarms to be expected; nothing is saved."""
    purpose.check(body.case, body.reason)
    draft, aim = desk.work.preview(body.draft(now_ms()))
    return {"cameras": list(draft.cameras), "measured": measured_dict(aim.measured)}


@router.get("/saved-searches/{number}", response_model=SavedSearchOut, responses=problems(404, 503))
def one_standing(number: Number, desk: DeskHere) -> dict[str, Any]:
    """One standing search."""
    return desk.view.one(desk.one(number))


@router.patch("/saved-searches/{number}", response_model=SavedSearchOut, responses=problems(404, 413, 415, 503))
def change_standing(number: Number, body: SavedSearchChange, desk: DeskHere) -> dict[str, Any]:
    """Change what is given."""
    draft = body.draft(desk.one(number).draft, now_ms())
    saved = SavedResult(desk.work.change(number, draft, measure=body.measure))
    return desk.told(desk.work.set_webhook(number, body.webhook_url) if body.sets_webhook else saved)


@router.delete("/saved-searches/{number}", status_code=204, response_class=Response, responses=problems(404, 503))
def remove_standing(number: Number, desk: DeskHere) -> None:
    """Remove a standing search with its alerts; to keep these, pause it."""
    desk.one(number)
    desk.book.remove(number)
    if not desk.who.is_local:
        desk.grants.forget(OwnedKind.STANDING, number)


@router.post("/saved-searches/{number}/test-webhook", response_model=TrialOut, responses=problems(404, 415, 503))
def test_webhook(number: Number, desk: DeskHere) -> dict[str, Any]:
    """Send a test to its webhook, once, and tell what the receiver said."""
    desk.one(number)
    sent = desk.work.try_webhook(number)
    return {"delivered": sent.delivered, "message": sent.said}


@router.get("/alerts", response_model=AlertsOut, responses=problems(503))
def alerts(
    desk: DeskHere,
    note: NoteHere,
    after: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="only alerts with a higher number: those that are new")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    open: Annotated[bool, Query(description="only those that nobody has judged")] = False,
    saved_search: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="only of this standing search")] = None,
) -> dict[str, Any]:
    """Alerts, the newest first."""
    found, more = desk.alerts.alerts(after=after, limit=limit, only_open=open, of=desk.wanted(saved_search))
    found = [alert for alert in found if desk.shows(alert)]
    if found:
        note.shown["alerts"] = [alert.id for alert in found]
    return desk.view.alerts(found, more=more)


@router.get(
    "/alerts/changes",
    response_class=StreamingResponse,
    responses=problems(503) | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def changes(request: Request, desk: DeskHere) -> StreamingResponse:
    """Server-sent events: a `change` whenever an alert is new or judged. Ends after a minute; browsers ask again."""

    async def events() -> AsyncIterator[str]:
        stopping: Callable[[], bool] = request.app.state.stopping
        known = None
        until = monotonic() + STREAM_S
        while monotonic() < until and not stopping():
            now = await run_sync(desk.newest)
            if now != known:
                known = now
                yield f"event: change\ndata: {now[0]}\n\n"
            await sleep(LOOK_EVERY_S)

    return StreamingResponse(events(), media_type="text/event-stream")


@router.patch("/alerts/{number}", response_model=AlertOut, responses=problems(404, 415, 503))
def judge_alert(number: Number, body: AlertChange, desk: DeskHere) -> dict[str, Any]:
    """Say that an alert was seen, and whether it is right or wrong."""
    desk.alert(number)
    alert = desk.alerts.judge(number, body.judgement, seen=body.seen is not False)
    told: dict[str, Any] = desk.view.alerts([alert], more=False)["alerts"][0]
    return told
