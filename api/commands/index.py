"""`xunren index`: registers recordings, indexes them here or waits for the running server to do it, and reports."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.progress import Progress

from api.commands.console import err, media_progress, out, show_json, table
from api.composition import open_catalog, open_context
from api.jobs.background import deliver_until, in_background
from api.runtime.client import running_server
from indexer.importer.registration import Registered, register
from search.catalog.catalog import Catalog
from search.config import Settings
from search.errors import Unavailable
from search.times import parse_time, zone_of
from search.types import Segment, SegmentReport, SegmentState

log = logging.getLogger(__name__)

OK, NONE, SOME = 0, 1, 3
_LISTED = 40  # segments that are shown one by one
_POLL_S = 0.5


def index_paths(
    settings: Settings, paths: Sequence[Path], *, camera_id: str | None, start: str | None, as_json: bool
) -> int:
    """Index `paths` and print the report. Returns the exit status: 0 all indexed, 3 some skipped, 1 none."""
    zone = zone_of(settings.timezone)
    with open_catalog(settings) as catalog, err.status("looking at the files") as spinner:
        found = register(
            catalog,
            paths,
            camera_id=camera_id,
            start_ms=None if start is None else parse_time(start, zone),
            zone=zone,
            max_megapixels=settings.max_megapixels,
            on_file=lambda path: spinner.update(f"looking at {path.name}"),
        )
    reports = _indexed(settings, found) if found.waiting else []
    if as_json:
        show_json(_as_dict(found, reports))
    else:
        _show(found, reports)
    return _exit_status(found, reports)


def _indexed(settings: Settings, found: Registered) -> list[SegmentReport]:
    """Have everything that waits indexed, with a progress bar."""
    server = running_server(settings)
    with media_progress() as progress:
        bar = _Bar(progress, found.waiting)
        if server is None:
            return list(_index_here(settings, bar))
        err.print(f"the running server at {server.url} indexes them")
        with open_catalog(settings) as catalog:
            return _wait_for_server(settings, catalog, found.waiting, bar)


def _index_here(settings: Settings, bar: _Bar) -> Iterator[SegmentReport]:
    with (
        open_context(settings) as parts,
        in_background("alerts", lambda stop: deliver_until(parts, stop)),
        parts.executor() as executor,
    ):
        for report in executor.run(bar.reached):
            bar.done(report.segment)
            log.info("%s: %s, %d rows", report.segment.path, report.state, report.rows)
            yield report


def _wait_for_server(
    settings: Settings, catalog: Catalog, waiting: Sequence[Segment], bar: _Bar
) -> list[SegmentReport]:
    left = {segment.id: segment for segment in waiting}
    reports: list[SegmentReport] = []
    while left:
        if running_server(settings) is None:
            raise Unavailable(
                "the server stopped before all was indexed",
                got=f"{len(left)} of {len(waiting)} files left",
                cure="run the same `xunren index` again; what is done stays done",
            )
        for report in catalog.segments.reports(list(left)):
            bar.done(left.pop(report.segment.id))
            reports.append(report)
        time.sleep(_POLL_S)
    return reports


class _Bar:
    """Progress over all recordings, in seconds of recording; fed by several threads."""

    def __init__(self, progress: Progress, segments: Sequence[Segment]) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._reached = {segment.id: 0.0 for segment in segments}
        total = sum(max(segment.duration_ms, 1) for segment in segments) / 1000
        self._bar = progress.add_task(f"indexing {len(segments)} files", total=total)

    def reached(self, segment: Segment, offset_ms: int) -> None:
        """`segment` is read up to `offset_ms`."""
        seconds = offset_ms / 1000
        with self._lock:
            self._progress.advance(self._bar, max(0.0, seconds - self._reached.get(segment.id, 0.0)))
            self._reached[segment.id] = seconds

    def done(self, segment: Segment) -> None:
        """`segment` is done."""
        self.reached(segment, segment.duration_ms)


def _exit_status(found: Registered, reports: Sequence[SegmentReport]) -> int:
    skipped = len(found.refused) + sum(r.state is SegmentState.SKIPPED for r in reports)
    indexed = len(found.known) + sum(r.state is SegmentState.INDEXED for r in reports)
    if not indexed:
        return NONE
    return SOME if skipped else OK


def _as_dict(found: Registered, reports: Sequence[SegmentReport]) -> dict[str, object]:
    return {
        "files": found.files,
        "already_indexed": len(found.known),
        "refused": [{"path": r.path, "reason": r.reason, "message": r.message, "cure": r.cure} for r in found.refused],
        "segments": [
            {
                "segment": r.segment.id,
                "path": r.segment.path,
                "camera": r.segment.camera_id,
                "start_ms": r.segment.start_ms,
                "start_source": r.segment.start_source.value,
                **r.as_dict(),
            }
            for r in reports
        ],
    }


def _show(found: Registered, reports: Sequence[SegmentReport]) -> None:
    indexed = [r for r in reports if r.state is SegmentState.INDEXED]
    if indexed:
        out.print(_frames_table(indexed))
        sources = Counter(r.segment.start_source.value for r in indexed)
        out.print("start times from: " + ", ".join(f"{source} ({n})" for source, n in sources.items()))
    refused = [(r.path, r.reason, r.message, r.cure) for r in found.refused] + [
        (r.segment.path, r.reason, r.message, r.cure) for r in reports if r.state is SegmentState.SKIPPED
    ]
    if refused:
        out.print(table("skipped", ("file", "reason", "what", "cure"), refused))
    if found.known:
        out.print(f"{len(found.known)} of {found.files} files were already indexed; nothing was added for them")
    if not found.files:
        out.print("no video files found")


def _frames_table(reports: Sequence[SegmentReport]) -> object:
    """Every frame's fate: seen = indexed + skipped."""
    reasons = sorted({reason for r in reports for reason in r.skipped})
    columns = ("camera", "file", "frames", "indexed", *reasons, "rows")

    def cells(r: SegmentReport) -> tuple[object, ...]:
        counts = (r.seen, r.indexed, *(r.skipped.get(reason, 0) for reason in reasons), r.rows)
        return (r.segment.camera_id, Path(r.segment.path).name, *counts)

    rows = [cells(r) for r in reports[:_LISTED]]
    total = (
        "all",
        f"{len(reports)} files",
        sum(r.seen for r in reports),
        sum(r.indexed for r in reports),
        *(sum(r.skipped.get(reason, 0) for r in reports) for reason in reasons),
        sum(r.rows for r in reports),
    )
    return table("indexed", columns, [*rows, total], right=columns[2:])
