"""`xunren status`: what is in the index, and what is not and why."""

from __future__ import annotations

from typing import Any

from api.commands.console import out, show_json, table
from api.commands.record import behind
from api.composition import check_index_exists, open_catalog
from api.runtime.client import ask, running_server
from search.catalog.catalog import Catalog
from search.config import Settings
from search.coverage.accounting import DEAD_MS
from search.stream_types import StreamState
from search.times import now_ms
from search.types import SegmentState


def catalog_status(catalog: Catalog) -> dict[str, Any]:
    """The catalogue in numbers: model, segments by state, rows and frames accounted for, files skipped and why."""
    reports = catalog.segments.reports()
    model = catalog.indexes.model()
    skipped = [
        {"path": r.segment.path, "reason": r.reason, "message": r.message, "cure": r.cure}
        for r in reports
        if r.state is SegmentState.SKIPPED
    ]
    frames: dict[str, int] = {"seen": sum(r.seen for r in reports), "indexed": sum(r.indexed for r in reports)}
    for report in reports:
        for reason, n in report.skipped.items():
            frames[reason] = frames.get(reason, 0) + n
    told = now_ms() - DEAD_MS  # what a recorder said that has since died is no longer true
    states = [health.state for health in catalog.recordings.health() if health.updated_ms > told]
    return {
        "live": {
            "streams": len(catalog.streams.all()),
            "recording": states.count(StreamState.RECORDING),
            "waiting": behind(catalog),
        },
        "model": model[0] if model else None,
        "segments": catalog.segments.states(),
        "rows": sum(r.rows for r in reports if r.state is SegmentState.INDEXED),
        "frames": frames,
        "cameras": catalog.segments.by_camera(),
        "skipped": skipped
        + [{k: r[k] for k in ("path", "reason", "message", "cure")} for r in catalog.rejected_files.all()],
    }


def show_status(settings: Settings, *, as_json: bool) -> None:
    """Print the status of the index in the data folder."""
    check_index_exists(settings)
    server = running_server(settings)
    if server is not None:
        ask(server, "/api/health")
    with open_catalog(settings) as catalog:
        status = catalog_status(catalog) | {"server": None if server is None else server.url}
    if as_json:
        show_json(status)
        return
    states = status["segments"]
    lines = [
        ("data folder", settings.data_dir.absolute()),
        ("server", server or "not running"),
        ("model", status["model"] or "(none yet)"),
        ("cameras", len(status["cameras"])),
        ("files", ", ".join(f"{n} {state}" for state, n in sorted(states.items())) or "none"),
        ("rows", status["rows"]),
        ("frames", ", ".join(f"{n} {name}" for name, n in status["frames"].items())),
    ]
    out.print(table("", ("", ""), lines))
    if status["live"]["streams"]:
        live = status["live"]
        out.print(f"live: {live['recording']} of {live['streams']} streams are recorded; {live['waiting']}")
    if status["skipped"]:
        cells = [(s["path"], s["reason"], s["message"], s["cure"]) for s in status["skipped"]]
        out.print(table("skipped files", ("file", "reason", "what", "cure"), cells))
