"""Who does the work: leases segments from the catalogue to a worker and keeps the leases alive."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Generator
from contextlib import closing
from typing import Protocol

from indexer.pipeline.analyzer import Progress
from indexer.pipeline.worker import IndexWorker
from search.catalog.catalog import Catalog
from search.errors import Unavailable
from search.types import Segment, SegmentReport

log = logging.getLogger(__name__)

POLL_S = 0.5  # between two looks for segments while there are none


class Executor(Protocol):
    """Runs workers over the segments that wait in the catalogue."""

    def run(
        self, progress: Progress | None = None, *, until: threading.Event | None = None
    ) -> Generator[SegmentReport, None, None]:
        """Index all waiting segments and report each as it is done; with `until` also later ones, until it is set."""


class ThreadExecutor:
    """One worker in this process.

    Args:
        worker: does the work.
        catalog: hands out the leases.
        lease_s: seconds after which another may take over the segments of a process that died.
        max_lag_s: live segments that have waited for longer give way to newer ones.
        owner: of the leases; a new name by default.
    """

    def __init__(
        self, worker: IndexWorker, catalog: Catalog, *, lease_s: float, max_lag_s: float = 30.0, owner: str = ""
    ) -> None:
        self.worker = worker
        self._catalog = catalog
        self._lease_ms = round(1000 * lease_s)
        self._recent_ms = round(1000 * max_lag_s)
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    def run(
        self, progress: Progress | None = None, *, until: threading.Event | None = None
    ) -> Generator[SegmentReport, None, None]:
        """Index all waiting segments and report each as it is done.

        Closing the generator stops the work and gives the leases back. A `progress` that raises `Stopped` ends it, too.

        Args:
            progress: see `IndexWorker.run`.
            until: wait for more segments until this is set; then those under way are completed.
        """
        stop = threading.Event()
        heart = threading.Thread(target=self._beat, args=(stop,), name="lease-heartbeat", daemon=True)
        heart.start()

        def lease() -> Segment | None:
            while not stop.is_set() and not (until and until.is_set()):
                segment = self._catalog.segments.lease(self.owner, self._lease_ms, self._recent_ms)
                if segment is not None and progress is not None:
                    progress(segment, 0)
                if segment is not None or until is None:
                    return segment
                until.wait(POLL_S)
            return None

        try:
            with closing(self.worker.run(lease, progress)) as reports:
                try:
                    yield from reports
                finally:
                    stop.set()  # before the worker waits for its threads, which may be waiting in `lease`
        finally:
            stop.set()
            heart.join()
            self._catalog.segments.release(self.owner)

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(self._lease_ms / 3000):
            try:
                self._catalog.segments.renew(self.owner, self._lease_ms)
            except Unavailable as e:  # a lease that runs out is only indexed twice
                log.warning("leases cannot be renewed; trying again: %s", e)
