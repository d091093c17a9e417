"""The calibration of one index, measured when it is first needed and again when the index has changed in size."""

from __future__ import annotations

import threading

from search.config import Settings
from search.models import Embedder
from search.ranking.calibration import RowSample, ScoreCalibration
from search.ranking.calibration_sentences import Language
from search.ranking.sentence_vectors import SentenceVectors
from search.types import Filter, RowKind, Vectors
from search.vector_store import VectorStore

SAMPLE_ROWS = 2000
"""Rows of each kind that are measured."""
REMEASURE_GROWTH = 1.1
"""The calibration is measured again when the index has grown or shrunk by this factor."""


class CalibrationCache:
    """Keeps the calibration of one index. Safe for many threads; one of them measures while the others wait."""

    def __init__(self, settings: Settings, embedder: Embedder, store: VectorStore) -> None:
        self._settings, self._embedder, self._store = settings, embedder, store
        self._lock = threading.Lock()
        self._measured: tuple[int, ScoreCalibration] | None = None  # rows of the index then
        self._sentences: dict[Language, Vectors] = {}

    def current(self, rows: int) -> ScoreCalibration:
        """Return the calibration of the index, which has `rows` rows now.

        Raises:
            Unavailable: the vector store or the model cannot be used.
        """
        with self._lock:
            if self._measured is None or not _is_near(rows, self._measured[0]):
                self._measured = rows, self._measure(rows)
            return self._measured[1]

    def _measure(self, rows: int) -> ScoreCalibration:
        if not self._sentences:
            self._sentences = SentenceVectors(self._settings.data_dir / "calibration", self._embedder).get()
        samples = {kind: RowSample(*self._store.sample(SAMPLE_ROWS, Filter(kinds=(kind,)))) for kind in RowKind}
        match, maybe = self._settings.false_match_share, self._settings.false_maybe_share
        return ScoreCalibration(samples, self._sentences, size=rows, false_match=match, false_maybe=maybe)


def _is_near(rows: int, measured_rows: int) -> bool:
    return measured_rows / REMEASURE_GROWTH <= rows <= measured_rows * REMEASURE_GROWTH
