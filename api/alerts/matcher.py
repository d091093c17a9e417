"""The matcher: compares rows with all saved searches as they are written, and raises alerts.

It runs after the rows are stored and before their segment is done. A worker that is killed there does the segment
again, and no alert is raised twice. Rows that cannot be compared at once are tried again, counted and shown; indexing
never stops for them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from api.alerts.alert_store import AlertStore, Best
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.thresholds import best_events
from api.alerts.types import SavedSearch
from search.errors import XunrenError
from search.times import now_ms
from search.types import Row, Vectors

log = logging.getLogger(__name__)

AGAIN_S = 5.0
REREAD_S = 1.0  # another process may have saved or removed one
TRIES = 5
MOST_WAITING_ROWS = 20_000  # that could not be compared; about 40 MB


Compare = Callable[[Sequence[SavedSearch], Sequence[Row], Vectors], NDArray[np.float64]]
"""(m searches, n rows, their vectors (n, dim)) -> scores (n, m), each on its search's scale."""


def compared(searches: Sequence[SavedSearch], rows: Sequence[Row], vectors: Vectors) -> NDArray[np.float64]:
    """See `Compare`. All cosines come out of one product."""
    cosines = vectors @ np.stack([search.aim.vector for search in searches]).T
    return np.stack([search.aim.curve.scores(rows, cosines[:, n]) for n, search in enumerate(searches)], axis=1)


class _MatchBatch:
    """Rows that are to be compared, and how often that has failed."""

    def __init__(self, rows: Sequence[Row], vectors: Vectors) -> None:
        self.rows = tuple(rows)
        self.vectors = vectors
        self.failed = 0


class AlertMatcher:
    """Safe for many threads; `watch` and `settle` never raise.

    Args:
        store: store of the saved searches.
        alerts: where they are raised.
        model: label of the model that makes the rows.
        compare: scores rows.
        clock: Unix ms.
    """

    def __init__(
        self,
        store: SavedSearchStore,
        alerts: AlertStore,
        model: str,
        compare: Compare = compared,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._compared = compare
        self._model = model
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[_MatchBatch] = deque()
        self._faults, self._missed = 0, 0  # that the database does not know yet
        self._read: tuple[float, list[SavedSearch]] | None = None

    def watch(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """Compare new rows; `vectors` is float32 (n, dim)."""
        with self._lock:
            if len(rows):
                self._waiting.append(_MatchBatch(rows, vectors))
            self._work_off()

    def settle(self) -> None:
        """Try again what could not be compared."""
        self.watch((), np.empty((0, 0), np.float32))

    def _work_off(self) -> None:
        try:
            while self._waiting:
                self._compare(self._waiting[0].rows, self._waiting[0].vectors)
                self._waiting.popleft()
            message = ""
        except Exception as e:  # whatever it is: indexing goes on
            message = str(e) if isinstance(e, XunrenError) else f"{type(e).__name__}: {e}"
            log.exception("new rows could not be compared with the saved searches; trying again")
            self._note_failure()
        self._tell(message)

    def _note_failure(self) -> None:
        self._faults += 1
        self._read = None
        self._waiting[0].failed += 1
        while self._waiting and (
            self._waiting[0].failed >= TRIES or sum(len(p.rows) for p in self._waiting) > MOST_WAITING_ROWS
        ):
            missed = len(self._waiting.popleft().rows)
            self._missed += missed
            log.error("%d rows were never compared with the saved searches", missed)

    def _tell(self, message: str) -> None:
        if not self._faults:
            return
        try:
            self._store.note_fault(self._faults, self._missed, message)
            self._faults, self._missed = 0, 0
        except Exception:
            log.warning("the fault could not be noted; trying again", exc_info=True)

    def _compare(self, rows: Sequence[Row], vectors: Vectors) -> None:
        searches = self._active()
        if not searches:
            return
        scores, now = self._compared(searches, rows, vectors), self._clock()
        matches: list[tuple[SavedSearch, Best]] = []
        for n, search in enumerate(searches):
            over = np.flatnonzero(scores[:, n] >= search.aim.measured.threshold)
            likely = [(rows[i], float(scores[i, n])) for i in map(int, over) if search.watches(rows[i], now)]
            if likely:
                matches.append((search, best_events(likely)))
        if matches and (count := self._alerts.raise_all(matches, now)):
            log.info("%d alerts raised", count)

    def _active(self) -> list[SavedSearch]:
        """Return the searches that are active; at most a second old."""
        if self._read is None or time.monotonic() - self._read[0] > REREAD_S:
            began = time.monotonic()
            self._read = (began, self._store.active(self._model, self._clock()))
        return self._read[1]


@contextmanager
def settled(matcher: AlertMatcher) -> Iterator[None]:
    """Try again now and then what could not be compared, also while no new rows come; once more at the end."""
    stop = threading.Event()

    def settle() -> None:
        while not stop.wait(AGAIN_S):
            matcher.settle()

    thread = threading.Thread(target=settle, name="alerts-again", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        matcher.settle()
