"""`xunren reindex`: what the commands do and print; here, or in the running server, which then does the work."""

from __future__ import annotations

import threading
import time
from typing import Any

from rich.progress import Progress

from api.commands.console import err, media_progress, out, show_json, table
from api.composition import AppContext, check_index_exists, open_catalog, open_context
from api.reindex.backfill import Backfiller
from api.reindex.plan import plan
from api.reindex.switch import begin, drop, status, switch
from api.runtime.client import LONG_S, Server, ask, running_server
from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexState, ReindexScope
from search.config import Settings
from search.errors import BadInput, Unavailable
from search.times import parse_time, zone_of
from search.types import Segment

_POLL_S = 0.5
_NEXT = {
    "building": "run `xunren reindex --model` again, or `xunren serve`, to go on",
    "ready": "`xunren reindex switch`",
    "old": "`xunren reindex rollback`, or `drop`",
    "dropping": "`xunren reindex drop`",
}


def build(
    settings: Settings,
    model: str,
    from_: str | None,
    to: str | None,
    cameras: tuple[str, ...],
    *,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Show what a second index costs and build it, here or by waiting for the server that does.

    Raises:
        BadInput: a model or a time that cannot be used.
        Conflict: there is a second index of another model already, or this model answers already.
        Unavailable: some recordings could not be indexed again; they are named.
    """
    check_index_exists(settings)
    zone = zone_of(settings.timezone)
    ends = [None if text is None else parse_time(text, zone) for text in (from_, to)]
    if None not in ends and ends[0] >= ends[1]:  # type: ignore[operator]
        raise BadInput("--from is not before --to", got=(from_, to))
    scope, server = ReindexScope(ends[0], ends[1], cameras), running_server(settings)
    if server is None:
        with open_context(settings) as parts:
            with err.status("measuring some recordings"):
                planned = plan(parts, model, scope).as_dict()
            _show_plan(planned, as_json=as_json and only_plan)
            if not only_plan:
                begin(parts, model, scope)
                _fill_here(parts)
    else:
        body = {"model": model, "from_ms": scope.from_ms, "to_ms": scope.to_ms, "cameras": list(cameras)}
        with err.status("the running server measures some recordings"):
            planned = ask(server, "/api/reindex", body | {"plan": True}, timeout_s=LONG_S)["plan"]
        _show_plan(planned, as_json=as_json and only_plan)
        if not only_plan:
            ask(server, "/api/reindex", body, timeout_s=LONG_S)
            err.print(f"the running server at {server.url} indexes them; this command may be ended, it goes on")
            _wait_for_server(settings)
    if not only_plan:
        show(settings, as_json=as_json)
        _check_failures(settings)


def _fill_here(parts: AppContext) -> None:
    catalog, stop, refiller = parts.catalog, threading.Event(), Backfiller(parts)
    with media_progress() as progress:
        bar = _bar(progress, catalog)

        def advance(segment: Segment) -> None:
            progress.advance(bar, segment.duration_ms / 1000)

        while True:
            if refiller.step(stop, advance):
                continue
            index = catalog.indexes.other()
            if index is None or not catalog.backfill.progress(index).missing:
                break
            time.sleep(_POLL_S)  # others are at it
        refiller.step(stop)  # which says that it is ready


def _bar(progress: Progress, catalog: Catalog) -> Any:
    index = catalog.indexes.other()
    total = 0.0 if index is None else catalog.backfill.cost(index.scope).duration_ms / 1000
    return progress.add_task("indexing again", total=total)


def _wait_for_server(settings: Settings) -> None:
    with open_catalog(settings) as catalog:
        while (index := catalog.indexes.other()) is not None and index.state is IndexState.BUILDING:
            work = catalog.backfill.progress(index)
            if not work.missing and work.failed:
                return
            if running_server(settings) is None:
                raise Unavailable(
                    "the server stopped before all was indexed",
                    got=f"{work.missing} of {work.segments} segments left",
                    cure="run the same command again; what is done stays done",
                )
            time.sleep(_POLL_S)


def _check_failures(settings: Settings) -> None:
    with open_catalog(settings) as catalog:
        index = catalog.indexes.other()
        failed = catalog.backfill.progress(index).failed if index else ()
    if failed:
        raise Unavailable(
            "some recordings could not be indexed again",
            got="; ".join(f"{path}: {why}" for _, path, why in failed[:5]),
            cure="put the files back and run the same command again",
        )


def act(settings: Settings, what: str, *, as_json: bool) -> None:
    """Switch, roll back or drop, in the server where one runs. Raises what `api.reindex.switch` does."""
    check_index_exists(settings)
    server = running_server(settings)
    with err.status(what):
        told = _asked(server, what) if server else _done_here(settings, what)
    _show(told, as_json=as_json)


def _asked(server: Server, what: str) -> dict[str, Any]:
    answer: dict[str, Any] = ask(server, f"/api/reindex/{what}", {}, timeout_s=LONG_S)
    return answer


def _done_here(settings: Settings, what: str) -> dict[str, Any]:
    with open_context(settings) as parts:
        return drop(parts) if what == "drop" else switch(parts, back=what == "rollback")


def show(settings: Settings, *, as_json: bool) -> None:
    """Print the indexes."""
    check_index_exists(settings)
    with open_catalog(settings) as catalog:
        _show(status(catalog), as_json=as_json)


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(told)
        return
    cells = [
        (i["label"], i["state"], "" if i["done"] is None else f"{i['done']} of {i['segments']}", len(i["failed"]),
         _NEXT.get(i["state"], "answers"))
        for i in told["indexes"]
    ]  # fmt: skip
    out.print(table("", ("model", "state", "recordings", "failed", "next"), cells, right=("recordings", "failed")))
    for index in told["indexes"]:
        for failed in index["failed"][:20]:
            out.print(f"failed: {failed['path']}: {failed['why']}", markup=False)
    if "standing" in told:
        out.print(f"{told['standing']['aimed']} standing searches measured anew")
        for number, why in told["standing"]["failed"].items():
            out.print(f"standing search {number} could not be: {why}", markup=False)


def _show_plan(planned: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(planned)
        return
    took = "nobody is indexed there"
    if planned["seconds_from"] is not None:
        took = f"{planned['seconds_from'] / 60:.1f} to {planned['seconds_to'] / 60:.1f} minutes, by some recordings"
    lines = [
        ("model", planned["label"]),
        ("recordings", f"{planned['segments']}, {planned['hours']:.1f} hours; {planned['segments_left']} left to do"),
        ("frames", planned["frames"]),
        ("rows", planned["rows"]),
        ("read", f"{planned['bytes_read'] / 2**20:.0f} MiB"),
        ("new rows take", f"{planned['bytes_new'] / 2**20:.1f} MiB"),
        ("time", took),
    ]
    err.print(table("", ("", ""), lines))
