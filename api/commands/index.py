"""`xunren index`: registers recordings, has a backend index them, and reports what became of each frame."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from api.commands.backend import Data, backend_of
from api.commands.console import err, media_progress, out, show_json, table
from api.composition import open_catalog
from indexer.importer import Registered, register
from search.config import Settings
from search.times import parse_time, zone_of
from search.types import Segment, SegmentState

OK, NONE, SOME = 0, 1, 3
_LISTED = 40  # segments that are shown one by one
_REFUSAL = ("path", "reason", "message", "cure")


def index_paths(
    settings: Settings, paths: Sequence[Path], *, camera_id: str | None, start: str | None, as_json: bool
) -> int:
    """Index `paths` and print the report. Returns the exit status: 0 all indexed, 3 some skipped, 1 none."""
    registered = _register(settings, paths, camera_id, start)
    reports = _segment_data(settings, registered.waiting) if registered.waiting else []
    if as_json:
        show_json(_as_dict(registered, reports))
    else:
        _show(registered, reports)
    return _exit_status(registered, reports)


def _register(settings: Settings, paths: Sequence[Path], camera_id: str | None, start: str | None) -> Registered:
    zone = zone_of(settings.timezone)
    with open_catalog(settings) as catalog, err.status("looking at the files") as spinner:
        return register(
            catalog,
            paths,
            camera_id=camera_id,
            start_ms=None if start is None else parse_time(start, zone),
            zone=zone,
            max_megapixels=settings.max_megapixels,
            on_file=lambda path: spinner.update(f"looking at {path.name}"),
        )


def _segment_data(settings: Settings, segments: Sequence[Segment]) -> list[Data]:
    """Have what waits indexed, with a progress bar, and return the reports."""
    backend = backend_of(settings)
    if backend.address:
        err.print(f"the running server at {backend.address} indexes them")
    with media_progress() as progress:
        return list(backend.indexing.run(segments, _Bar(progress, segments).reached))


class _Bar:
    """Progress over all recordings, in seconds of recording. Safe for many threads."""

    def __init__(self, progress: Progress, segments: Sequence[Segment]) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._reached = {segment.id: 0.0 for segment in segments}
        total = sum(max(segment.duration_ms, 1) for segment in segments) / 1000
        self._bar = progress.add_task(f"indexing {len(segments)} files", total=total)

    def reached(self, segment: Segment, offset_ms: int) -> None:
        """Show that `segment` is read up to `offset_ms`."""
        seconds = offset_ms / 1000
        with self._lock:
            self._progress.advance(self._bar, max(0.0, seconds - self._reached.get(segment.id, 0.0)))
            self._reached[segment.id] = seconds


def _exit_status(registered: Registered, reports: Sequence[Data]) -> int:
    skipped = len(registered.refused) + sum(r["state"] == SegmentState.SKIPPED for r in reports)
    indexed = len(registered.known) + sum(r["state"] == SegmentState.INDEXED for r in reports)
    if not indexed:
        return NONE
    return SOME if skipped else OK


def _as_dict(registered: Registered, reports: Sequence[Data]) -> Data:
    refused = [{name: getattr(file, name) for name in _REFUSAL} for file in registered.refused]
    return {
        "files": registered.files,
        "already_indexed": len(registered.known),
        "refused": refused,
        "segments": list(reports),
    }


def _show(registered: Registered, reports: Sequence[Data]) -> None:
    indexed = [r for r in reports if r["state"] == SegmentState.INDEXED]
    if indexed:
        out.print(_frames_table(indexed))
        sources = Counter(r["start_source"] for r in indexed)
        out.print("start times from: " + ", ".join(f"{source} ({n})" for source, n in sources.items()))
    refused = [tuple(getattr(file, name) for name in _REFUSAL) for file in registered.refused]
    refused += [tuple(r[name] for name in _REFUSAL) for r in reports if r["state"] == SegmentState.SKIPPED]
    if refused:
        out.print(table("skipped", ("file", "reason", "what", "cure"), refused))
    if registered.known:
        known = len(registered.known)
        out.print(f"{known} of {registered.files} files were already indexed; nothing was added for them")
    if not registered.files:
        out.print("no video files found")


def _frames_table(reports: Sequence[Data]) -> object:
    """Return a table of what became of every frame: seen = indexed + skipped."""
    reasons = sorted({reason for r in reports for reason in r["skipped"]})
    columns = ("camera", "file", "frames", "indexed", *reasons, "rows")
    rows = [(r["camera"], Path(r["path"]).name, *_counts(r, reasons)) for r in reports]
    totals = [sum(counts) for counts in zip(*(_counts(r, reasons) for r in reports), strict=True)]
    return table("indexed", columns, [*rows[:_LISTED], ("all", f"{len(reports)} files", *totals)], right=columns[2:])


def _counts(report: Data, reasons: Sequence[str]) -> tuple[int, ...]:
    skipped = (report["skipped"].get(reason, 0) for reason in reasons)
    return (report["seen"], report["indexed"], *skipped, report["rows"])
