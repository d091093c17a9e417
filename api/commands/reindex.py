"""`xunren reindex`: a second index by another model, built by a backend beside the one that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from api.commands.backend import Backend, Data, ReindexRequest, backend_of
from api.commands.console import err, media_progress, out, show_json, table
from api.composition import check_index_exists, open_catalog
from search.config import Settings
from search.errors import BadInput, Unavailable
from search.times import parse_time, zone_of

if TYPE_CHECKING:
    from search.types import Segment

Action = Literal["switch", "rollback", "drop"]
_LISTED = 20  # failed recordings of an index
_NAMED = 5  # of them in an error
_NEXT = {
    "building": "run `xunren reindex --model` again, or `xunren serve`, to go on",
    "ready": "`xunren reindex switch`",
    "old": "`xunren reindex rollback`, or `drop`",
    "dropping": "`xunren reindex drop`",
}


def request_of(
    settings: Settings, model: str, start: str | None, end: str | None, cameras: tuple[str, ...]
) -> ReindexRequest:
    """Return what the options ask for. Raises `BadInput`."""
    zone = zone_of(settings.timezone)
    start_ms, end_ms = (None if text is None else parse_time(text, zone) for text in (start, end))
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        raise BadInput("--from is not before --to", got=(start, end))
    return ReindexRequest(model, start_ms, end_ms, cameras)


def show_plan(settings: Settings, request: ReindexRequest, *, as_json: bool) -> None:
    """Print what a second index would cost."""
    plan = _plan(backend_of(settings), request)
    if as_json:
        show_json(plan)
    else:
        _show_plan(plan)


def build(settings: Settings, request: ReindexRequest, *, as_json: bool) -> None:
    """Print what a second index costs, build it and print the indexes.

    Raises:
        BadInput: a model or a time that cannot be used.
        Conflict: there is a second index of another model already, or this model answers already.
        Unavailable: some recordings could not be indexed again; they are named.
    """
    backend = backend_of(settings)
    plan = _plan(backend, request)
    _show_plan(plan)
    if backend.address:
        err.print(f"the running server at {backend.address} indexes them; this command may be ended, it goes on")
    with media_progress() as progress:
        bar = progress.add_task("indexing again", total=3600 * plan["hours"])

        def advance(_: Segment, done_ms: int) -> None:
            progress.advance(bar, done_ms / 1000)

        data = backend.reindex.build(request, advance)
    _show(data, as_json=as_json)
    _check_failures(data)


def act(settings: Settings, action: Action, *, as_json: bool) -> None:
    """Switch, roll back or drop, and print the indexes. Raises what `api.reindex.switch` does."""
    reindex = backend_of(settings).reindex
    with err.status(action):
        data = {"switch": reindex.switch, "rollback": reindex.rollback, "drop": reindex.drop}[action]()
    _show(data, as_json=as_json)


def show(settings: Settings, *, as_json: bool) -> None:
    """Print the indexes. Needs only the catalogue."""
    from api.reindex import status

    check_index_exists(settings)
    with open_catalog(settings) as catalog:
        _show(status(catalog), as_json=as_json)


def _plan(backend: Backend, request: ReindexRequest) -> Data:
    with err.status("measuring some recordings"):
        return backend.reindex.plan(request)


def _check_failures(data: Data) -> None:
    failed = [one for index in data["indexes"] if index["state"] != "live" for one in index["failed"]]
    if failed:
        raise Unavailable(
            "some recordings could not be indexed again",
            got="; ".join(f"{one['path']}: {one['reason']}" for one in failed[:_NAMED]),
            cure="put the files back and run the same command again",
        )


def _show(data: Data, *, as_json: bool) -> None:
    if as_json:
        show_json(data)
        return
    cells = [
        (i["label"], i["state"], "" if i["done"] is None else f"{i['done']} of {i['segments']}", len(i["failed"]),
         _NEXT.get(i["state"], "answers"))
        for i in data["indexes"]
    ]  # fmt: skip
    out.print(table("", ("model", "state", "recordings", "failed", "next"), cells, right=("recordings", "failed")))
    for index in data["indexes"]:
        for failed in index["failed"][:_LISTED]:
            out.print(f"failed: {failed['path']}: {failed['reason']}", markup=False)
    if "remeasured" in data:
        _show_measured_again(data["remeasured"])


def _show_measured_again(data: Data) -> None:
    out.print(f"{data['count']} saved searches measured again")
    for number, reason in data["failed"].items():
        out.print(f"saved search {number} could not be measured again: {reason}", markup=False)


def _show_plan(plan: Data) -> None:
    took = "nobody is indexed there"
    if plan["seconds_min"] is not None:
        took = f"{plan['seconds_min'] / 60:.1f} to {plan['seconds_max'] / 60:.1f} minutes, by some recordings"
    lines = [
        ("model", plan["label"]),
        ("recordings", f"{plan['segments']}, {plan['hours']:.1f} hours; {plan['segments_left']} left to do"),
        ("frames", plan["frames"]),
        ("rows", plan["rows"]),
        ("read", f"{plan['bytes_read'] / 2**20:.0f} MiB"),
        ("new rows take", f"{plan['bytes_new'] / 2**20:.1f} MiB"),
        ("time", took),
    ]
    err.print(table("", ("", ""), lines))
