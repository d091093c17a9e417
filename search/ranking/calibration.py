"""Scores on one scale, and verdicts that mean the same for every sentence, model and index.

A cosine means something else for every model and kind of row. What is compared instead is how far a row stands above
what descriptions of the usual kind (`calibration_sentences`) score on the index itself, in units of their spread.
A sentence's own median counts for a quarter (`OWN_SHARE`): with all of it a short sentence, which fits many, could
never be a match; with none a sentence that the model puts near everything would always be one.

The verdict is measured, too. The usual descriptions are about nobody in particular, so the best row that each of them
finds is a false one, or at least found by chance. "Match" begins where only a set share of them would: a description of
somebody who is not there is answered by "match" about so often (``benchmarks/quality.py`` counts it).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.ranking.calibration_sentences import Language
from search.types import Hit, Row, RowKind, Vectors, Verdict

OWN_SHARE = 0.25
# A few rows are too few to measure the spread. Unrelated pairs spread by about this much with the models that were
# tried, and it counts as much as this many rows.
PRIOR_SPREAD = 0.1
PRIOR_ROWS = 4
MAX_GROWTH = 16.0
"""The best of more rows is better, by chance; up to this many times the sample."""

Track = tuple[str, RowKind, int]


@dataclass(frozen=True, slots=True)
class QueryShape:
    """The make-up of a query: its sentence's language (None: no sentence), and whether images take part."""

    language: Language | None
    images: bool
    kinds: tuple[RowKind, ...] = (RowKind.PERSON,)


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """Usual scores of queries of one shape on an index: `level` and `spread` of cosines by kind of row.

    `match` and `maybe` are the lowest scores with these verdicts, infinite for an index without rows.
    """

    level: Mapping[RowKind, float]
    spread: Mapping[RowKind, float]
    match: float
    maybe: float

    def verdict(self, score: float) -> Verdict:
        """Return what a score on this scale means."""
        if score >= self.match:
            return Verdict.MATCH
        return Verdict.MAYBE if score >= self.maybe else Verdict.NOTHING


@dataclass(frozen=True, slots=True)
class RowSample:
    """Rows of one kind drawn fairly from an index, with vectors float32 (n, dim); n may be 0."""

    rows: Sequence[Row]
    vectors: Vectors


class ScoreCalibration:
    """Scores of an index for queries that have nothing to do with it. Safe for many threads.

    Args:
        samples: by kind of row.
        sentences: by language the vectors of `calibration_sentences`, float32 (m, dim).
        size: rows of the whole index.
        false_match: share of descriptions of nobody that may be answered by "match", 0 to 1.
        false_maybe: share of them that may be answered by "maybe" or "match", 0 to 1.
    """

    def __init__(
        self,
        samples: Mapping[RowKind, RowSample],
        sentences: Mapping[Language, Vectors],
        *,
        size: int,
        false_match: float,
        false_maybe: float,
    ) -> None:
        self._samples, self._sentences = samples, sentences
        self._growth = min(MAX_GROWTH, max(1.0, size / max(1, sum(len(s.rows) for s in samples.values()))))
        self._shares = (false_match, false_maybe)
        self._lock = threading.Lock()
        self._scales: dict[QueryShape, ScoreScale] = {}

    @property
    def mean_person(self) -> Vectors:
        """Return the average embedding of a person, float32 (dim,); zeros where the index has none."""
        people = self._samples[RowKind.PERSON].vectors
        return np.asarray(people.mean(axis=0) if len(people) else np.zeros(people.shape[1]), np.float32)

    def scale(self, hits: Sequence[Hit], query: Vectors, shape: QueryShape) -> list[Hit]:
        """Return the hits with scores on the common scale, best first; `query` is float32 (dim,), unit length."""
        scale = self.of(shape)
        zero = {kind: self._zero(kind, scale, query) for kind in shape.kinds}
        scaled = [replace(h, score=(h.score - zero[h.row.kind]) / scale.spread[h.row.kind]) for h in hits]
        return sorted(scaled, key=lambda h: (-h.score, h.row.id))

    def scores(self, rows: Sequence[Row], vectors: Vectors, query: Vectors, shape: QueryShape) -> NDArray[np.float32]:
        """Return the scores (n,) of rows by their vectors (n, dim), without a search; `query` is float32 (dim,)."""
        scale = self.of(shape)
        zeros = {kind: self._zero(kind, scale, query) for kind in shape.kinds}
        zero = np.array([zeros[row.kind] for row in rows], np.float32)
        spread = np.array([scale.spread[row.kind] for row in rows], np.float32)
        return np.asarray((vectors @ query - zero) / spread, np.float32)

    def of(self, shape: QueryShape) -> ScoreScale:
        """Return the scale of queries of this shape; the first call measures it."""
        with self._lock:
            if shape not in self._scales:
                self._scales[shape] = self._measure(shape)
            return self._scales[shape]

    def _zero(self, kind: RowKind, scale: ScoreScale, query: Vectors) -> float:
        """Return the cosine that scores 0."""
        vectors = self._samples[kind].vectors
        own = float(np.median(vectors @ query)) if len(vectors) else scale.level[kind]
        return OWN_SHARE * own + (1 - OWN_SHARE) * scale.level[kind]

    def _measure(self, shape: QueryShape) -> ScoreScale:
        queries, owners = self._queries(shape)
        level, spreads = {}, {}
        scores = []
        for kind in shape.kinds:
            cosines = self._samples[kind].vectors @ queries.T
            own = np.median(cosines, axis=0) if len(cosines) else np.zeros(len(queries), np.float32)
            level[kind], spreads[kind] = float(np.median(own)), spread(cosines)
            zero = OWN_SHARE * own + (1 - OWN_SHARE) * level[kind]
            scores.append(self._without_own(((cosines - zero) / spreads[kind]).astype(np.float32), kind, owners))
        match, maybe = (threshold(np.concatenate(scores), share, self._growth) for share in self._shares)
        return ScoreScale(level, spreads, match, min(maybe, match))

    def _queries(self, shape: QueryShape) -> tuple[Vectors, Sequence[Track | None]]:
        """Return queries of a shape about nobody in particular, float32 (m, dim), and the tracks they are made of."""
        people = self._samples[RowKind.PERSON]
        any_language = next(iter(self._sentences.values()))
        texts = self._sentences[shape.language] if shape.language else None
        if not shape.images or not len(people.rows):
            queries = any_language if texts is None else texts
            return queries, [None] * len(queries)
        drawn = np.random.default_rng(0).integers(len(people.rows), size=len(any_language))
        images = people.vectors[drawn]
        owners = [track_of(people.rows[n]) for n in drawn]
        if texts is None:
            return images, owners
        mixed = texts + (images - self.mean_person)
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32), owners

    def _without_own(
        self, scores: NDArray[np.float32], kind: RowKind, owners: Sequence[Track | None]
    ) -> NDArray[np.float32]:
        """Return the scores (rows, queries), very low where a query is made of the row's own track."""
        if any(owners):
            tracks = [track_of(row) for row in self._samples[kind].rows]
            same = np.array([[track == owner for owner in owners] for track in tracks]).reshape(scores.shape)
            scores = np.where(same, np.float32(-1e3), scores)
        return scores


def threshold(scores: NDArray[np.float32], share: float, growth: float) -> float:
    """Return the score that only a `share` of queries exceeds with their best row; infinite without rows.

    Args:
        scores: scores of a sample of rows for queries about nobody, (rows, queries).
        share: share of the queries, 0 to 1.
        growth: rows of the index by rows of the sample. How much better the best of more rows is, is estimated from
            how much better it is in the sample than in a quarter of it.
    """
    rows = len(scores)
    if not rows:
        return math.inf
    best = float(np.quantile(scores.max(axis=0), 1 - share))
    if growth <= 1 or rows < PRIOR_ROWS * 4:
        return best
    quarter = float(np.mean([np.quantile(scores[part::4].max(axis=0), 1 - share) for part in range(4)]))
    return best + max(0.0, best - quarter) * math.log(growth) / math.log(4)


def spread(cosines: NDArray[np.float32]) -> float:
    """Return the robust spread (for a normal distribution, the standard deviation) of cosines (rows, sentences).

    Each sentence is measured from its own median, so that a sentence that fits many rows does not count as spread. With
    few rows, or none, `PRIOR_SPREAD` counts.
    """
    rows = len(cosines)
    if not rows:
        return PRIOR_SPREAD
    measured = 1.4826 * float(np.median(np.abs(cosines - np.median(cosines, axis=0))))
    weight = rows / (rows + PRIOR_ROWS)
    return weight * measured + (1 - weight) * PRIOR_SPREAD


def track_of(row: Row) -> Track:
    """Return the key that the rows of one person's track share; a whole frame has its own."""
    return row.segment_id, row.kind, row.track if row.kind is RowKind.PERSON else row.time_ms
