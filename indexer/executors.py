"""Who does the work: leases segments from the catalogue to a worker and keeps the leases alive."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Generator
from contextlib import closing
from typing import Protocol

from indexer.worker import IndexWorker, Progress
from search.catalog import Catalog
from search.types import Segment, SegmentReport


class Executor(Protocol):
    """Runs workers over the segments that wait in the catalogue."""

    def run(self, progress: Progress | None = None) -> Generator[SegmentReport, None, None]:
        """Index all waiting segments and report each as it is done."""


class ThreadExecutor:
    """One worker in this process.

    Args:
        worker: does the work.
        catalog: hands out the leases.
        lease_s: seconds after which another may take over the segments of a process that died.
    """

    def __init__(self, worker: IndexWorker, catalog: Catalog, *, lease_s: float) -> None:
        self.worker = worker
        self._catalog = catalog
        self._lease_ms = round(1000 * lease_s)
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    def run(self, progress: Progress | None = None) -> Generator[SegmentReport, None, None]:
        """Index all waiting segments and report each as it is done.

        Closing the generator stops the work and gives the leases back.
        """
        stop = threading.Event()
        heart = threading.Thread(target=self._beat, args=(stop,), name="lease-heartbeat", daemon=True)
        heart.start()

        def lease() -> Segment | None:
            return None if stop.is_set() else self._catalog.lease(self.owner, self._lease_ms)

        try:
            with closing(self.worker.run(lease, progress)) as reports:
                yield from reports
        finally:
            stop.set()
            heart.join()
            self._catalog.release(self.owner)

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(self._lease_ms / 3000):
            self._catalog.renew(self.owner, self._lease_ms)
