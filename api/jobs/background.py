"""What runs beside the answering: recording, indexing, retention. Each for itself; `serve` runs all of them."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from api.alerts.deliveries import Deliverer
from api.alerts.views import SavedSearchView
from api.audit.audit_log import AuditLog
from api.audit.heads import DailyHeads
from api.composition import AppContext
from api.runtime.activity import Activity
from api.signing import Signer
from indexer.maintenance.retention import Retention
from indexer.pipeline.threads import StoppedWork
from search.times import now_ms
from search.types import Segment, SegmentReport
from search.vault import Vault

log = logging.getLogger(__name__)

AGAIN_S = 10.0  # after a failure, until a service is tried again
RETENTION_S = 30.0
DELIVER_S = 1.0
HEADS_S = 60.0

Service = Callable[[threading.Event], None]


def leave_by_the_front_door() -> None:
    """Let SIGTERM end the program as Ctrl-C does, so that files are completed, closed, and leases given back."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


@contextmanager
def in_background(name: str, service: Service) -> Iterator[None]:
    """Run a service in a thread until the block ends. One that fails is tried again, and it is said."""
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
    parts: AppContext, stop: threading.Event, activity: Activity, on_report: Callable[[SegmentReport], None]
) -> None:
    """Index what waits in the catalogue and what comes, until `stop`."""

    def progress(segment: Segment, offset_ms: int) -> None:
        activity.note(segment, offset_ms)
        if stop.is_set():
            raise StoppedWork

    activity.clear()  # of what an earlier try has left
    with parts.executor() as executor:
        for report in executor.run(progress, until=stop):
            activity.done(report.segment)
            log.info("%s: %s, %d rows", report.segment.path, report.state, report.rows)
            on_report(report)


class _AllIndexes:
    """Rows of what is deleted go from every index."""

    def __init__(self, parts: AppContext) -> None:
        self._parts = parts

    def delete_segments(self, segment_ids: Collection[str]) -> int:
        """How many rows the index that answers had of them."""
        return max(one.store.delete_segments(segment_ids) for one in self._parts.indexes.written())

    def flush(self) -> None:
        """All of them."""
        for one in self._parts.indexes.written():
            one.store.flush()


def keep_until(parts: AppContext, stop: threading.Event) -> None:
    """Delete recordings whose time is over, a little at a time, until `stop`."""
    retention = Retention(parts.settings, parts.catalog, _AllIndexes(parts), parts.media)
    while not stop.wait(RETENTION_S):
        while not stop.is_set() and (deleted := retention.step(now_ms())) is not None:
            log.info("retention: %s", deleted)


def deliver_until(parts: AppContext, stop: threading.Event) -> None:
    """Send alerts to webhooks as they are due, until `stop`; those that are due then, once more."""
    vault = Vault(parts.settings.data_dir, parts.settings.secret_key)
    deliverer = Deliverer(parts.catalog, vault, SavedSearchView(parts.settings, parts.catalog).payload)
    stopped = False
    while not stopped:
        stopped = stop.wait(DELIVER_S)
        while deliverer.step():
            pass


def export_heads_until(parts: AppContext, stop: threading.Event, clock: Callable[[], int] = now_ms) -> None:
    """Export the record's signed head once a day, and now if none of today is there, until `stop`.

    Args:
        parts: with the setting `audit_export_dir`.
        stop: ends it.
        clock: Unix ms.
    """
    settings = parts.settings
    folder = Path(settings.audit_export_dir)
    heads = DailyHeads(AuditLog(parts.catalog), Signer(settings.data_dir), folder, parts.zone)
    while True:
        if (file := heads.step(clock())) is not None:
            log.info("the record's head of today is in %s", file)
        if stop.wait(HEADS_S):
            return
