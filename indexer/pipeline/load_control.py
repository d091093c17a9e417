"""Keeps live indexing up with its cameras: when it falls behind, it looks at fewer frames, of all cameras alike."""

from __future__ import annotations

import logging
import threading
import time

from search.catalog.catalog import Catalog
from search.coverage.queries import CoverageQueries
from search.times import now_ms

log = logging.getLogger(__name__)

LOOK_S = 2.0
CALM_S = 10.0  # below `LOW` for so long, before more frames are looked at again
HIGH, LOW = 0.5, 0.2  # shares of the largest lag
MOST = 5  # the interval is doubled at most so often: then it is one frame of each file


class LoadController:
    """Tells how much more rarely than wanted frames are looked at. Safe for threads.

    Args:
        catalog: the catalogue, which knows what waits.
        max_lag_s: seconds that a recorded file may wait.
    """

    def __init__(self, catalog: Catalog, max_lag_s: float) -> None:
        self._catalog = catalog
        self._max_lag_s = max_lag_s
        self._lock = threading.Lock()
        self._level = 0
        self._looked = self._calm_since = time.monotonic()

    @property
    def level(self) -> int:
        """0: every frame that is wanted; each step halves them."""
        return self._level

    def interval_s(self, wanted_s: float) -> float:
        """Seconds between the frames that are looked at now, at least `wanted_s`."""
        with self._lock:
            at = time.monotonic()
            if at - self._looked >= LOOK_S:
                self._looked = at
                self._adapt(self._lag_s(), at)
            return min(wanted_s * 2.0**self._level, 3600.0)

    def _lag_s(self) -> float:
        """How long the oldest of the files that are not yet too old has waited."""
        now = now_ms()
        recent = CoverageQueries(self._catalog.database).backlog(now - round(1000 * self._max_lag_s)).recent_ms
        return 0.0 if recent is None else (now - recent) / 1000

    def _adapt(self, lag_s: float, at: float) -> None:
        if lag_s > LOW * self._max_lag_s:
            self._calm_since = at
        if lag_s > HIGH * self._max_lag_s and self._level < MOST:
            self._level += 1
            log.warning("live indexing is %.0f s behind: looking at every %dth frame", lag_s, 2**self._level)
        elif self._level and at - self._calm_since > CALM_S:
            self._level -= 1
            self._calm_since = at
            log.info("live indexing has caught up: looking at every %dth frame", 2**self._level)
