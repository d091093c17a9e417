"""`xunren alert`: what saved searches raised, and what people say of it. Needs only the catalogue."""

from __future__ import annotations

from rich.text import Text

from api.alerts import AlertStore, Judgement, SavedSearchStore, SavedSearchView
from api.commands.backend import Data
from api.commands.console import out, show_json, table
from api.commands.saved_search import show_counts
from api.composition import open_catalog
from search.config import Settings

_STYLE = {Judgement.OPEN: "yellow", Judgement.RIGHT: "bold green", Judgement.WRONG: "dim"}
_COLUMNS = ("alert", "saved search", "name", "camera", "at", "score", "judgement", "clip")


def show_alerts(settings: Settings, *, number: int | None, only_open: bool, limit: int, as_json: bool) -> None:
    """Print alerts, the newest first; `number`: only of this saved search."""
    with open_catalog(settings) as catalog:
        if number is not None:
            SavedSearchStore(catalog).get(number)
        alerts, more = AlertStore(catalog).alerts(
            limit=limit, only_open=only_open, of=None if number is None else [number]
        )
        data = SavedSearchView(settings, catalog).alerts(alerts, more=more)
    if as_json:
        show_json(data)
        return
    cells = [_cells(alert) for alert in data["alerts"]]
    out.print(table("alerts", _COLUMNS, cells, right=("alert", "saved search", "score")))
    if more:
        out.print("there are more; --limit shows them")


def judge(settings: Settings, number: int, judgement: str) -> None:
    """Save what a person says of an alert."""
    with open_catalog(settings) as catalog:
        alert = AlertStore(catalog).judge(number, Judgement(judgement))
        search = SavedSearchView(settings, catalog).one(SavedSearchStore(catalog).get(alert.standing_id))
    out.print(f"alert {number}: {judgement}")
    show_counts(search["alert_counts"])


def _cells(alert: Data) -> tuple[object, ...]:
    return (
        *(alert["number"], alert["saved_search"], alert["saved_search_name"], alert["camera"]),
        *(alert["time"][:19].replace("T", " "), f"{alert['score']:.1f}"),
        Text(alert["judgement"], style=_STYLE[Judgement(alert["judgement"])]),
        alert["clip"],
    )
