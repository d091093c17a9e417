"""`xunren saved-search`: searches that raise an alert when what is newly indexed fits them.

Adding and previewing need the rows, so a backend does it. The rest needs only the catalogue and is done here whether or
not a server runs; the matcher in another process notices within a second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rich.text import Text

from api.alerts import SavedSearchState, SavedSearchStore, SavedSearchView
from api.commands.backend import Data, SavedSearchRequest, backend_of
from api.commands.console import err, out, show_json, table
from api.composition import open_catalog
from search.config import Settings

_STYLE = {
    SavedSearchState.ACTIVE: "green",
    SavedSearchState.PAUSED: "dim",
    SavedSearchState.EXPIRED: "dim",
    SavedSearchState.OTHER_MODEL: "bold red",
}
_FIELDS = ("number", "name", "query", "case", "like", "cameras", "state", "created", "expires")


def add(settings: Settings, request: SavedSearchRequest, *, as_json: bool) -> None:
    """Save a search and print its threshold."""
    backend = backend_of(settings)
    with err.status("measuring the threshold"):
        data = backend.saved_searches.add(request)
    if as_json:
        show_json(data)
        return
    out.print(Text(f"saved search {data['number']}: {data['name']}, until {data['expires']}"), soft_wrap=True)
    _show_measured(data["measured"])
    if data["webhook_secret"]:
        out.print(Text(f"webhook {data['webhook']['url']}"), soft_wrap=True)
        out.print(Text(f"its secret, shown this once: {data['webhook_secret']}", style="bold"), soft_wrap=True)


def preview(settings: Settings, request: SavedSearchRequest, *, as_json: bool) -> None:
    """Print the threshold that a search would have. Saves nothing."""
    backend = backend_of(settings)
    with err.status("measuring the threshold"):
        data = backend.saved_searches.preview(request)
    if as_json:
        show_json(data)
    else:
        _show_measured(data["measured"])


def show_all(settings: Settings, *, as_json: bool) -> None:
    """Print all saved searches, and what failed while rows were compared with them."""
    with open_catalog(settings) as catalog:
        data = SavedSearchView(settings, catalog).all()
    if as_json:
        show_json(data)
        return
    columns = ("number", "name", "state", "until", "threshold", "a day", "alerts", "right", "wrong", "webhook")
    cells = [_cells(search) for search in data["saved_searches"]]
    out.print(table("saved searches", columns, cells, right=("number", "threshold", "a day", "alerts")))
    if data["faults"]["count"]:
        _show_faults(data["faults"])


def _show_faults(faults: Data) -> None:
    missed = faults["rows_missed"]
    consequence = f"{missed} rows were never compared" if missed else "all rows were compared later"
    text = (
        f"comparing new rows failed {faults['count']} times, the last time at {faults['last']} ({faults['message']}); "
        f"{consequence}"
    )
    out.print(Text(text, style="bold red" if missed else "yellow"), soft_wrap=True)


def show_one(settings: Settings, number: int, *, as_json: bool) -> None:
    """Print one saved search."""
    with open_catalog(settings) as catalog:
        data = SavedSearchView(settings, catalog).one(SavedSearchStore(catalog).get(number))
    if as_json:
        show_json(data)
        return
    for name in _FIELDS:
        value = ", ".join(data[name]) if isinstance(data[name], list) else data[name]
        if value:
            out.print(Text(f"{name + ':':<10}", style="dim") + Text(str(value)), soft_wrap=True)
    _show_measured(data["measured"])
    show_counts(data["alert_counts"])
    if data["webhook"]:
        _show_webhook(data["webhook"])


def _show_webhook(hook: Data) -> None:
    counts = ", ".join(f"{hook[name]} {name}" for name in ("waiting", "delivered", "failed", "dropped"))
    trouble = hook["stopped"] or hook["last_fault"]
    out.print(Text(f"webhook:  {hook['url']}: {counts}" + (f"; {trouble}" if trouble else "")), soft_wrap=True)


def set_paused(settings: Settings, number: int, *, paused: bool) -> None:
    """Pause a saved search, or resume it."""
    with open_catalog(settings) as catalog:
        store = SavedSearchStore(catalog)
        store.change(number, replace(store.get(number).draft, paused=paused))
        state = SavedSearchView(settings, catalog).one(store.get(number))["state"]
    out.print(f"saved search {number}: {state}")


def remove(settings: Settings, number: int) -> None:
    """Remove a saved search."""
    with open_catalog(settings) as catalog:
        SavedSearchStore(catalog).remove(number)
    out.print(f"saved search {number} is removed, with its alerts")


def show_counts(counts: Data) -> None:
    """Print what became of the alerts of a saved search."""
    share = counts["false_share"]
    wrong = "" if share is None else f"; {share:.0%} of those judged were wrong"
    daily = "" if counts["per_day"] is None else f" ({counts['per_day']:g} a day)"
    judged = f"{counts['right']} right, {counts['wrong']} wrong, {counts['open']} open"
    out.print(f"{counts['raised']} alerts{daily}: {judged}{wrong}")
    if counts["full_cameras"]:
        cameras = ", ".join(counts["full_cameras"])
        out.print(Text(f"these cameras reached their daily limit; more was not raised: {cameras}", style="yellow"))


def _cells(search: Data) -> tuple[object, ...]:
    alerts, hook, measured = search["alert_counts"], search["webhook"], search["measured"]
    expected = measured["expected_per_day"]
    rate = "?" if expected is None or measured["too_short"] else f"{expected:g}"
    state = Text(search["state"], style=_STYLE[SavedSearchState(search["state"])])
    where = "" if hook is None else hook["url"] + (" (stopped)" if hook["stopped"] else "")
    return (
        *(search["number"], search["name"], state, search["expires"][:16].replace("T", " ")),
        *(f"{measured['threshold']:.2f}", rate, alerts["raised"], alerts["right"], alerts["wrong"], where),
    )


def _show_measured(measured: dict[str, Any]) -> None:
    hours, cameras = measured["history_hours"], measured["camera_count"]
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
        out.print(f"expected: {expected:g} alerts a day, hardly more than {at_most:g} (95 %)")
