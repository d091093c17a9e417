"""Services that run in threads beside a server: indexing, retention, alerts. `serve` runs all of them."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from api.alerts import Deliverer, SavedSearchView
from api.audit import AuditLog, DailyHeads
from api.jobs.workers import open_executor
from api.runtime import Activity, AppContext
from api.signing import Signer
from indexer.maintenance import Retention
from indexer.pipeline import StoppedWork
from search.times import now_ms
from search.types import Segment, SegmentReport
from search.vault import Vault

log = logging.getLogger(__name__)

AGAIN_S = 10.0  # after a failure, until a service is started again
RETENTION_S = 30.0
DELIVER_S = 1.0
HEADS_S = 60.0

Service = Callable[[threading.Event], None]


def exit_on_sigterm() -> None:
    """Make SIGTERM end the program as Ctrl-C does, so that files are completed and leases returned."""
    signal.signal(signal.SIGTERM, _exit)


def _exit(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


@contextmanager
def in_background(name: str, service: Service) -> Iterator[None]:
    """Run a service in a thread until the block ends. A failure is logged, and the service started again."""
    stop = threading.Event()

    def guarded() -> None:
        while not stop.is_set():
            try:
                service(stop)
            except StoppedWork:
                return
            except Exception:  # answering must go on
                log.exception("%s stopped; trying again in %g s", name, AGAIN_S)
                stop.wait(AGAIN_S)

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)


def index_until(
    context: AppContext, stop: threading.Event, activity: Activity, on_report: Callable[[SegmentReport], None]
) -> None:
    """Index the segments that wait in the catalogue and those that come, until `stop`."""

    def progress(segment: Segment, offset_ms: int) -> None:
        activity.note(segment, offset_ms)
        if stop.is_set():
            raise StoppedWork

    activity.clear()  # of jobs that an earlier try left
    with open_executor(context) as executor:
        for report in executor.run(progress, until=stop):
            activity.done(report.segment)
            log.info("%s: %s, %d rows", report.segment.path, report.state, report.rows)
            on_report(report)


class _AllIndexes:
    """Deletes the rows of segments from every index."""

    def __init__(self, context: AppContext) -> None:
        self._context = context

    def delete_segments(self, segment_ids: Collection[str]) -> int:
        """Delete the rows of segments; return how many the largest index had."""
        return max(index.store.delete_segments(segment_ids) for index in self._context.indexes.written())

    def flush(self) -> None:
        """Flush the rows of every index."""
        for index in self._context.indexes.written():
            index.store.flush()


def apply_retention_until(context: AppContext, stop: threading.Event) -> None:
    """Delete expired recordings in small steps, until `stop`."""
    retention = Retention(context.settings, context.catalog, _AllIndexes(context), context.media)
    while not stop.wait(RETENTION_S):
        while not stop.is_set() and (deleted := retention.step(now_ms())) is not None:
            log.info("retention: %s", deleted)


def deliver_alerts_until(context: AppContext, stop: threading.Event) -> None:
    """Send alerts to webhooks as they are due, until `stop`; then send those that are still due."""
    vault = Vault(context.settings.data_dir, context.settings.secret_key)
    deliverer = Deliverer(context.catalog, vault, SavedSearchView(context.settings, context.catalog).payload)
    stopped = False
    while not stopped:
        stopped = stop.wait(DELIVER_S)
        while deliverer.step():
            pass


def export_heads_until(context: AppContext, stop: threading.Event, clock: Callable[[], int] = now_ms) -> None:
    """Export the audit log's signed head once a day, and now if today's is missing, until `stop`.

    Args:
        context: its setting `audit_export_dir` counts.
        stop: ends it.
        clock: Unix ms.
    """
    settings = context.settings
    folder = Path(settings.audit_export_dir)
    heads = DailyHeads(AuditLog(context.catalog), Signer(settings.data_dir), folder, context.zone)
    while True:
        if (file := heads.step(clock())) is not None:
            log.info("the audit log's head of today is in %s", file)
        if stop.wait(HEADS_S):
            return
