"""Saved searches and their alerts: saved, previewed, changed, judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Annotated, Any

from anyio import sleep
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from api.accounts import OwnedKind, OwnershipStore, Principal
from api.alerts import (
    MAX_LIMIT,
    Alert,
    AlertStore,
    EngineIndex,
    Judgement,
    SavedResult,
    SavedSearch,
    SavedSearchService,
    SavedSearchStore,
    SavedSearchView,
    measured_dict,
    unknown_alert,
)
from api.runtime import AppContext
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

STREAM_S = 60.0  # a connection ends then, so that rights are checked again
LOOK_EVERY_S = 1.0

router = APIRouter(prefix="/api", tags=["saved searches"])


class AlertRoutes:
    """The parts that these routes use, within the visibility of `principal`."""

    def __init__(self, context: AppContext, principal: Principal, visibility: Visibility) -> None:
        vault = Vault(context.settings.data_dir, context.settings.secret_key)
        self.store = SavedSearchStore(context.catalog)
        self.alerts = AlertStore(context.catalog)
        self.view = SavedSearchView(context.settings, context.catalog)
        self.service = SavedSearchService(context.catalog, vault, EngineIndex(context, visibility))
        self.ownership = OwnershipStore(context.catalog)
        self.principal = principal
        self.visibility = visibility

    def saved_dict(self, saved: SavedResult) -> dict[str, Any]:
        """Return a saved search that was just saved, with the secret of its new webhook."""
        return self.view.one(saved.search) | ({"webhook_secret": saved.secret} if saved.secret else {})

    def one(self, number: int) -> SavedSearch:
        """Return a saved search that they may see. Raises `NotFound`."""
        self.ownership.check(self.principal, OwnedKind.SAVED_SEARCH, number)
        return self.store.get(number)

    def alert(self, number: int) -> Alert:
        """Return an alert that they may see. Raises `NotFound`."""
        alert = self.alerts.get(number)
        if not (self.sees(alert.standing_id) and self.shows(alert)):
            raise unknown_alert(number)
        return alert

    def sees(self, number: int) -> bool:
        """Return whether they may see a saved search."""
        return self.ownership.visible(self.principal, OwnedKind.SAVED_SEARCH)(number)

    def watched(self, number: int | None) -> list[int] | None:
        """Return the saved searches whose alerts are requested; None: of all."""
        if number is not None:
            return [number] if self.sees(number) else []
        if self.principal.is_local:
            return None
        sees = self.ownership.visible(self.principal, OwnedKind.SAVED_SEARCH)
        return [one.id for one in self.store.all() if sees(one.id)]

    def newest(self) -> tuple[int, int]:
        """Return the last visible alert's number and how many are open: another pair after each change."""
        alerts, _ = self.alerts.alerts(limit=MAX_LIMIT, of=self.watched(None))
        seen = [alert for alert in alerts if self.shows(alert)]
        return max((alert.id for alert in seen), default=0), sum(alert.verdict is Judgement.OPEN for alert in seen)

    def shows(self, alert: Alert) -> bool:
        """Return whether they may see what an alert shows."""
        return self.visibility.moment(alert.camera_id, alert.end_ms)


def _routes(context: ContextHere, principal: PrincipalHere, visibility: VisibilityHere) -> AlertRoutes:
    return AlertRoutes(context, principal, visibility)


AlertRoutesHere = Annotated[AlertRoutes, Depends(_routes)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/saved-searches", response_model=SavedSearchesOut, responses=problems(503))
def all_saved_searches(routes: AlertRoutesHere) -> dict[str, Any]:
    """List all saved searches with their state, their threshold and the counts of their alerts."""
    sees = routes.ownership.visible(routes.principal, OwnedKind.SAVED_SEARCH)
    data = routes.view.all()
    return data | {"saved_searches": [one for one in data["saved_searches"] if sees(one["number"])]}


@router.post("/saved-searches", response_model=SavedSearchOut, status_code=201, responses=problems(404, 413, 415, 503))
def add_saved_search(body: SavedSearchIn, routes: AlertRoutesHere, purpose: PurposeHere) -> dict[str, Any]:
    """Save a saved search; the secret of its webhook is in this answer and in no other."""
    purpose.check(body.case, body.reason)
    saved = routes.service.add(body.draft(now_ms()), body.webhook_url)
    if not routes.principal.is_local:
        routes.ownership.give(OwnedKind.SAVED_SEARCH, saved.search.id, routes.principal.account_id, owns=True)
    return routes.saved_dict(saved)


@router.post("/saved-searches/preview", response_model=PreviewOut, responses=problems(404, 413, 415, 503))
def preview_saved_search(body: SavedSearchIn, routes: AlertRoutesHere, purpose: PurposeHere) -> dict[str, Any]:
    """Measure the threshold that it would have, and the expected alarms; nothing is saved."""
    purpose.check(body.case, body.reason)
    draft, target = routes.service.preview(body.draft(now_ms()))
    return {"cameras": list(draft.cameras), "measured": measured_dict(target.measured)}


@router.get("/saved-searches/{number}", response_model=SavedSearchOut, responses=problems(404, 503))
def one_saved_search(number: Number, routes: AlertRoutesHere) -> dict[str, Any]:
    """Return one saved search."""
    return routes.view.one(routes.one(number))


@router.patch("/saved-searches/{number}", response_model=SavedSearchOut, responses=problems(404, 413, 415, 503))
def change_saved_search(number: Number, body: SavedSearchChange, routes: AlertRoutesHere) -> dict[str, Any]:
    """Change what is given."""
    draft = body.draft(routes.one(number).draft, now_ms())
    saved = SavedResult(routes.service.change(number, draft, measure=body.measure))
    return routes.saved_dict(routes.service.set_webhook(number, body.webhook_url) if body.sets_webhook else saved)


@router.delete("/saved-searches/{number}", status_code=204, response_class=Response, responses=problems(404, 503))
def remove_saved_search(number: Number, routes: AlertRoutesHere) -> None:
    """Remove a saved search with its alerts; to keep these, pause it."""
    routes.one(number)
    routes.store.remove(number)
    if not routes.principal.is_local:
        routes.ownership.forget(OwnedKind.SAVED_SEARCH, number)


@router.post("/saved-searches/{number}/test-webhook", response_model=TrialOut, responses=problems(404, 415, 503))
def test_webhook(number: Number, routes: AlertRoutesHere) -> dict[str, Any]:
    """Send a test to its webhook, once, and return the receiver's answer."""
    routes.one(number)
    sent = routes.service.try_webhook(number)
    return {"delivered": sent.delivered, "message": sent.said}


@router.get("/alerts", response_model=AlertsOut, responses=problems(503))
def alerts(
    routes: AlertRoutesHere,
    note: NoteHere,
    after: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="only alerts with a higher number: those that are new")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    open: Annotated[bool, Query(description="only those that nobody has judged")] = False,
    saved_search: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="only of this saved search")] = None,
) -> dict[str, Any]:
    """List alerts, the newest first."""
    listed, more = routes.alerts.alerts(after=after, limit=limit, only_open=open, of=routes.watched(saved_search))
    listed = [alert for alert in listed if routes.shows(alert)]
    if listed:
        note.shown["alerts"] = [alert.id for alert in listed]
    return routes.view.alerts(listed, more=more)


@router.get(
    "/alerts/changes",
    response_class=StreamingResponse,
    responses=problems(503) | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def changes(request: Request, routes: AlertRoutesHere) -> StreamingResponse:
    """Send a `change` event whenever an alert is new or judged. Ends after a minute; browsers connect again."""

    async def events() -> AsyncIterator[str]:
        stopping: Callable[[], bool] = request.app.state.stopping
        previous = None
        until = monotonic() + STREAM_S
        while monotonic() < until and not stopping():
            now = await run_sync(routes.newest)
            if now != previous:
                previous = now
                yield f"event: change\ndata: {now[0]}\n\n"
            await sleep(LOOK_EVERY_S)

    return StreamingResponse(events(), media_type="text/event-stream")


@router.patch("/alerts/{number}", response_model=AlertOut, responses=problems(404, 415, 503))
def judge_alert(number: Number, body: AlertChange, routes: AlertRoutesHere) -> dict[str, Any]:
    """Say that an alert was seen, and whether it is right or wrong."""
    routes.alert(number)
    alert = routes.alerts.judge(number, body.judgement, seen=body.seen is not False)
    data: dict[str, Any] = routes.view.alerts([alert], more=False)["alerts"][0]
    return data
