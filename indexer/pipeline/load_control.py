"""Keeps live indexing up with its cameras: when it falls behind, it samples fewer frames, of all cameras alike."""

from __future__ import annotations

import logging
import threading
import time

from search.catalog import Catalog
from search.times import now_ms

log = logging.getLogger(__name__)

CHECK_S = 2.0
CALM_S = 10.0  # below `LOW` for so long, before more frames are sampled again
HIGH, LOW = 0.5, 0.2  # shares of the largest lag
MAX_LEVEL = 5  # the interval is doubled at most so often: then it is one frame of each file


class LoadController:
    """Lengthens the sampling interval while live indexing is behind. Safe for threads.

    Args:
        catalog: the catalogue's live cameras, with the backlog of their files.
        max_lag_s: seconds that a recorded file may wait.
    """

    def __init__(self, catalog: Catalog, max_lag_s: float) -> None:
        self._catalog = catalog
        self._max_lag_s = max_lag_s
        self._lock = threading.Lock()
        self._level = 0
        self._checked = self._calm_since = time.monotonic()

    @property
    def level(self) -> int:
        """Return how often the interval is doubled; 0: every frame of the setting is sampled."""
        return self._level

    def interval_s(self, sample_interval_s: float) -> float:
        """Return the seconds between two samples now, at least `sample_interval_s`."""
        with self._lock:
            at = time.monotonic()
            if at - self._checked >= CHECK_S:
                self._checked = at
                self._adapt(self._lag_s(), at)
            return min(sample_interval_s * 2.0**self._level, 3600.0)

    def _lag_s(self) -> float:
        """Return how long the oldest of the files that are not yet too old has waited."""
        now = now_ms()
        recent = self._catalog.coverage.backlog(now - round(1000 * self._max_lag_s)).recent_ms
        return 0.0 if recent is None else (now - recent) / 1000

    def _adapt(self, lag_s: float, at: float) -> None:
        if lag_s > LOW * self._max_lag_s:
            self._calm_since = at
        if lag_s > HIGH * self._max_lag_s and self._level < MAX_LEVEL:
            self._level += 1
            log.warning("live indexing is %.0f s behind: sampling every %dth frame", lag_s, 2**self._level)
        elif self._level and at - self._calm_since > CALM_S:
            self._level -= 1
            self._calm_since = at
            log.info("live indexing has caught up: sampling every %dth frame", 2**self._level)
