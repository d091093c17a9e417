"""`xunren status`: what is in the index, what is not, and why."""

from __future__ import annotations

from typing import Any

from api.commands.backend import backend_of
from api.commands.console import out, show_json, table
from api.commands.record import behind
from api.composition import open_catalog
from search.catalog import Catalog
from search.config import Settings
from search.stream_types import DEAD_MS, StreamState
from search.times import now_ms
from search.types import SegmentState


def catalog_status(catalog: Catalog) -> dict[str, Any]:
    """Return the catalogue in numbers: model, segments by state, rows, frames by fate, files skipped and why."""
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
    alive_ms = now_ms() - DEAD_MS  # what a dead recorder wrote is no longer true
    states = [health.state for health in catalog.recordings.health() if health.updated_ms > alive_ms]
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
        "cameras": catalog.segments.totals_by_camera(),
        "skipped": skipped
        + [{k: r[k] for k in ("path", "reason", "message", "cure")} for r in catalog.rejected_files.all()],
    }


def show_status(settings: Settings, *, as_json: bool) -> None:
    """Print the status of the index in the data folder."""
    backend = backend_of(settings)
    backend.health()
    with open_catalog(settings) as catalog:
        status = catalog_status(catalog) | {"server": backend.address}
    if as_json:
        show_json(status)
        return
    states = status["segments"]
    lines = [
        ("data folder", settings.data_dir.absolute()),
        ("server", backend.address or "not running"),
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
