"""Standing searches and their alerts: saved, previewed, changed, judged."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from api.alerts import MAX_LIMIT, AlertBook
from api.parts import Parts
from api.routes.common import PartsHere
from api.routes.recording import NoteHere
from api.schemas import problems
from api.scoring import EngineIndex
from api.standing import StandingBook
from api.standing_desk import Saved, StandingDesk
from api.standing_schemas import (
    AlertChange,
    AlertOut,
    AlertsOut,
    PreviewOut,
    StandingChange,
    StandingIn,
    StandingOut,
    StandingsOut,
    TrialOut,
)
from api.standing_views import StandingView, measured_dict
from search.catalog import now_ms
from search.vault import Vault

router = APIRouter(prefix="/api", tags=["standing searches"])


class Desk:
    """What these routes work with."""

    def __init__(self, parts: Parts) -> None:
        vault = Vault(parts.settings.data_dir, parts.settings.secret_key)
        self.book = StandingBook(parts.catalog)
        self.alerts = AlertBook(parts.catalog)
        self.view = StandingView(parts.settings, parts.catalog)
        self.work = StandingDesk(parts.catalog, vault, EngineIndex(parts))

    def told(self, saved: Saved) -> dict[str, Any]:
        """A standing search that was just saved, with the secret of its new webhook."""
        return self.view.one(saved.standing) | ({"webhook_secret": saved.secret} if saved.secret else {})


async def _desk(_: Request, parts: PartsHere) -> Desk:
    return Desk(parts)


DeskHere = Annotated[Desk, Depends(_desk)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/standing", response_model=StandingsOut, responses=problems(503))
def all_standing(desk: DeskHere) -> dict[str, Any]:
    """All standing searches: what they do now, what was expected of them and what came of it."""
    return desk.view.all()


@router.post("/standing", response_model=StandingOut, status_code=201, responses=problems(403, 404, 413, 415, 503))
def add_standing(body: StandingIn, desk: DeskHere) -> dict[str, Any]:
    """Save a standing search; the secret of its webhook is in this answer and in no other."""
    return desk.told(desk.work.add(body.draft(now_ms()), body.webhook))


@router.post("/standing/preview", response_model=PreviewOut, responses=problems(403, 404, 413, 415, 503))
def preview_standing(body: StandingIn, desk: DeskHere) -> dict[str, Any]:
    """The threshold that it would have, and the alarms to be expected; nothing is saved."""
    draft, aim = desk.work.preview(body.draft(now_ms()))
    return {"cameras": list(draft.cameras), "measured": measured_dict(aim.measured)}


@router.get("/standing/{number}", response_model=StandingOut, responses=problems(404, 503))
def one_standing(number: Number, desk: DeskHere) -> dict[str, Any]:
    """One standing search."""
    return desk.view.one(desk.book.get(number))


@router.patch("/standing/{number}", response_model=StandingOut, responses=problems(403, 404, 413, 415, 503))
def change_standing(number: Number, body: StandingChange, desk: DeskHere) -> dict[str, Any]:
    """Change what is given."""
    draft = body.draft(desk.book.get(number).draft, now_ms())
    saved = Saved(desk.work.change(number, draft, measure=body.measure))
    return desk.told(desk.work.set_webhook(number, body.webhook) if body.sets_webhook else saved)


@router.delete("/standing/{number}", status_code=204, response_class=Response, responses=problems(404, 503))
def remove_standing(number: Number, desk: DeskHere) -> None:
    """Remove a standing search with its alerts; to keep these, pause it."""
    desk.book.remove(number)


@router.post("/standing/{number}/test-webhook", response_model=TrialOut, responses=problems(404, 415, 503))
def test_webhook(number: Number, desk: DeskHere) -> dict[str, Any]:
    """Send a test to its webhook, once, and tell what the receiver said."""
    sent = desk.work.try_webhook(number)
    return {"delivered": sent.delivered, "said": sent.said}


@router.get("/alerts", response_model=AlertsOut, responses=problems(503))
def alerts(
    desk: DeskHere,
    note: NoteHere,
    after: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="only alerts with a higher number: those that are new")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    open: Annotated[bool, Query(description="only those that nobody has judged")] = False,
    standing: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="only of this standing search")] = None,
) -> dict[str, Any]:
    """Alerts, the newest first."""
    found, more = desk.alerts.alerts(after=after, limit=limit, only_open=open, standing_id=standing)
    if found:
        note.shown["alerts"] = [alert.id for alert in found]
    return desk.view.alerts(found, more=more)


@router.patch("/alerts/{number}", response_model=AlertOut, responses=problems(404, 415, 503))
def judge_alert(number: Number, body: AlertChange, desk: DeskHere) -> dict[str, Any]:
    """Say that an alert was seen, and whether it is right or wrong."""
    alert = desk.alerts.judge(number, body.verdict, seen=body.seen is not False)
    told: dict[str, Any] = desk.view.alerts([alert], more=False)["alerts"][0]
    return told
