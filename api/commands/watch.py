"""`xunren watch`: what the commands do and print.

What needs only the catalogue is done here, as with cameras and holds, whether or not a server runs; a watcher in
another process notices within a second. What needs the rows is asked of the running server where there is one, as a
Milvus Lite file belongs to one process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from rich.text import Text

from api.alerts.alert_store import AlertStore
from api.alerts.history import EngineIndex
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.service import SavedSearchService
from api.alerts.types import Judgement, SavedSearchState
from api.alerts.views import SavedSearchView, measured_dict
from api.commands.console import err, out, show_json, table
from api.commands.purpose import check_purpose
from api.composition import check_index_exists, open_catalog, open_context
from api.runtime.client import ask, running_server
from api.web.schemas.alerts import SavedSearchIn
from search.config import Settings
from search.errors import BadInput
from search.times import now_ms
from search.vault import Vault, shown

_STYLE = {
    SavedSearchState.ACTIVE: "green",
    SavedSearchState.PAUSED: "dim",
    SavedSearchState.EXPIRED: "dim",
    SavedSearchState.OTHER_MODEL: "bold red",
}
_VERDICT_STYLE = {Judgement.OPEN: "yellow", Judgement.RIGHT: "bold green", Judgement.WRONG: "dim"}


def add(settings: Settings, wish: Mapping[str, Any], *, preview: bool, as_json: bool) -> None:
    """Save a standing search, or tell what it would be."""
    body = _checked(wish)
    check_index_exists(settings)
    server = running_server(settings)
    if server is not None:
        path = "/api/standing/preview" if preview else "/api/standing"
        answer = ask(server, path, body.model_dump())
    else:
        answer = _add_here(settings, body, preview=preview)
    if as_json:
        show_json(answer)
    elif preview:
        _say_measured(answer["measured"])
    else:
        _say_saved(answer)


def _checked(wish: Mapping[str, Any]) -> SavedSearchIn:
    try:
        return SavedSearchIn.model_validate(wish)
    except ValidationError as e:
        first = e.errors(include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        got = wish.get(name)
        hidden = shown(str(got)) if name == "webhook" else got
        raise BadInput(f"{name} cannot be used: {first['msg']}", got=hidden, cure="xunren watch add --help") from None


def _add_here(settings: Settings, body: SavedSearchIn, *, preview: bool) -> dict[str, Any]:
    with err.status("measuring the threshold"), open_context(settings) as parts:
        check_purpose(settings, parts.catalog, body.case)
        vault = Vault(settings.data_dir, settings.secret_key)
        desk = SavedSearchService(parts.catalog, vault, EngineIndex(parts))
        if preview:
            draft, aim = desk.preview(body.draft(now_ms()))
            return {"cameras": list(draft.cameras), "measured": measured_dict(aim.measured)}
        saved = desk.add(body.draft(now_ms()), body.webhook_url)
        told = SavedSearchView(settings, parts.catalog).one(saved.standing)
        return told | ({"webhook_secret": saved.secret} if saved.secret else {})


def show_all(settings: Settings, *, as_json: bool) -> None:
    """All standing searches, and what went wrong while rows were compared with them."""
    with open_catalog(settings) as catalog:
        told = SavedSearchView(settings, catalog).all()
    if as_json:
        show_json(told)
        return
    columns = ("watch", "name", "state", "until", "threshold", "a day", "alerts", "right", "wrong", "webhook")
    cells = [_cells(search) for search in told["standing"]]
    out.print(table("standing searches", columns, cells, right=("watch", "threshold", "a day", "alerts")))
    if told["faults"]["count"]:
        f = told["faults"]
        missed = f"{f['rows_missed']} rows were never compared" if f["rows_missed"] else "all rows were compared later"
        text = f"comparing new rows failed {f['count']} times, the last time at {f['last']} ({f['said']}); {missed}"
        out.print(Text(text, style="bold red" if f["rows_missed"] else "yellow"), soft_wrap=True)


def show_one(settings: Settings, number: int, *, as_json: bool) -> None:
    """One standing search."""
    with open_catalog(settings) as catalog:
        told = SavedSearchView(settings, catalog).one(SavedSearchStore(catalog).get(number))
    if as_json:
        show_json(told)
        return
    for name in ("id", "name", "sentence", "case", "like", "cameras", "state", "created", "expires"):
        value = ", ".join(told[name]) if isinstance(told[name], list) else told[name]
        if value:
            out.print(Text(f"{name + ':':<10}", style="dim") + Text(str(value)), soft_wrap=True)
    _say_measured(told["measured"])
    _say_tally(told["alerts"])
    if told["webhook"]:
        hook = told["webhook"]
        counts = ", ".join(f"{hook[name]} {name}" for name in ("waiting", "delivered", "failed", "dropped"))
        trouble = hook["stopped"] or hook["last_fault"]
        out.print(Text(f"webhook:  {hook['address']}: {counts}" + (f"; {trouble}" if trouble else "")), soft_wrap=True)


def set_paused(settings: Settings, number: int, *, paused: bool) -> None:
    """Let a standing search rest, or watch again."""
    with open_catalog(settings) as catalog:
        book = SavedSearchStore(catalog)
        book.change(number, replace(book.get(number).draft, paused=paused))
        state = SavedSearchView(settings, catalog).one(book.get(number))["state"]
    out.print(f"standing search {number}: {state}")


def remove(settings: Settings, number: int) -> None:
    """Remove a standing search."""
    with open_catalog(settings) as catalog:
        SavedSearchStore(catalog).remove(number)
    out.print(f"standing search {number} is removed, with its alerts")


def show_alerts(settings: Settings, *, number: int | None, only_open: bool, limit: int, as_json: bool) -> None:
    """Alerts, the newest first."""
    with open_catalog(settings) as catalog:
        if number is not None:
            SavedSearchStore(catalog).get(number)
        found, more = AlertStore(catalog).alerts(
            limit=limit, only_open=only_open, of=None if number is None else [number]
        )
        told = SavedSearchView(settings, catalog).alerts(found, more=more)
    if as_json:
        show_json(told)
        return
    columns = ("alert", "watch", "name", "camera", "at", "score", "verdict", "clip")
    cells = [
        (
            *(alert["id"], alert["standing"], alert["standing_name"], alert["camera"]),
            *(alert["time"][:19].replace("T", " "), f"{alert['score']:.1f}"),
            Text(alert["verdict"], style=_VERDICT_STYLE[Judgement(alert["verdict"])]),
            alert["clip"],
        )
        for alert in told["alerts"]
    ]
    out.print(table("alerts", columns, cells, right=("alert", "watch", "score")))
    if more:
        out.print("there are more; --limit shows them")


def judge(settings: Settings, number: int, word: str) -> None:
    """Note what a person says of an alert."""
    with open_catalog(settings) as catalog:
        alert = AlertStore(catalog).judge(number, Judgement(word))
        told = SavedSearchView(settings, catalog).one(SavedSearchStore(catalog).get(alert.standing_id))
    out.print(f"alert {number}: {word}")
    _say_tally(told["alerts"])


def _cells(search: dict[str, Any]) -> tuple[object, ...]:
    alerts, hook, measured = search["alerts"], search["webhook"], search["measured"]
    expected = measured["expected_per_day"]
    rate = "?" if expected is None or measured["too_short"] else f"{expected:g}"
    state = Text(search["state"], style=_STYLE[SavedSearchState(search["state"])])
    where = "" if hook is None else hook["address"] + (" (stopped)" if hook["stopped"] else "")
    return (
        *(search["id"], search["name"], state, search["expires"][:16].replace("T", " ")),
        *(f"{measured['threshold']:.2f}", rate, alerts["raised"], alerts["right"], alerts["wrong"], where),
    )


def _say_saved(told: dict[str, Any]) -> None:
    out.print(Text(f"standing search {told['id']}: {told['name']}, until {told['expires']}"), soft_wrap=True)
    _say_measured(told["measured"])
    if told.get("webhook_secret"):
        out.print(Text(f"webhook {told['webhook']['address']}"), soft_wrap=True)
        out.print(Text(f"its secret, shown this once: {told['webhook_secret']}", style="bold"), soft_wrap=True)


def _say_measured(measured: dict[str, Any]) -> None:
    hours, cameras = measured["history_hours"], measured["cameras"]
    line = f"threshold {measured['threshold']:.2f}, measured on {hours:g} hours of {cameras} cameras together"
    out.print(Text(line), soft_wrap=True)
    if measured["too_short"]:
        text = (
            f"That is too short to promise a rate: under 24 hours. The threshold is that of a match; it would have "
            f"raised {measured['raised']} there, perhaps of the very person. Save it again when more is indexed."
        )
        out.print(Text(text, style="yellow"), soft_wrap=True)
    else:
        expected, at_most = measured["expected_per_day"], measured["at_most_per_day"]
        out.print(f"to be expected: {expected:g} alerts a day, hardly more than {at_most:g} (95 %)")


def _say_tally(tally: dict[str, Any]) -> None:
    share = tally["false_share"]
    wrong = "" if share is None else f"; {share:.0%} of those judged were wrong"
    daily = "" if tally["per_day"] is None else f" ({tally['per_day']:g} a day)"
    out.print(
        f"{tally['raised']} alerts{daily}: {tally['right']} right, {tally['wrong']} wrong, {tally['open']} open{wrong}"
    )
    if tally["full_cameras"]:
        cameras = ", ".join(tally["full_cameras"])
        out.print(Text(f"these cameras reached their limit of a day; more was not raised: {cameras}", style="yellow"))
