"""Scores on one scale, and verdicts that mean the same for every sentence, model and index.

A cosine means something else for every model and kind of row. What is compared instead is how far a row stands above
what descriptions of the usual kind (`calibration_sentences`) score on the index itself, in units of their spread.
A sentence's own median takes part with a quarter of its weight (`OWN`): with all of it a short sentence, which fits
many, could never be a match; with none a sentence that the model puts near everything would always be one.

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

OWN = 0.25
# An index of a few rows tells little about its own spread. Unrelated pairs spread by about this much with the models
# that were tried, and it counts as much as this many rows.
PRIOR_SPREAD = 0.1
PRIOR_ROWS = 4
MOST_GROWTH = 16.0
"""The best of more rows is better, by chance. Beyond so many times the sample it is taken to be so no longer."""

Track = tuple[str, RowKind, int]


@dataclass(frozen=True, slots=True)
class QueryShape:
    """What a query is made of: its sentence's language (None: no sentence), and whether pictures take part."""

    language: Language | None
    pictures: bool
    kinds: tuple[RowKind, ...] = (RowKind.PERSON,)


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """How queries of one shape score on an index: by kind the usual `level` and `spread` of cosines."""

    level: Mapping[RowKind, float]
    spread: Mapping[RowKind, float]
    match: float
    maybe: float

    def verdict(self, score: float) -> Verdict:
        """What a score on this scale means."""
        if score >= self.match:
            return Verdict.MATCH
        return Verdict.MAYBE if score >= self.maybe else Verdict.NOTHING


@dataclass(frozen=True, slots=True)
class RowSample:
    """Rows of one kind drawn fairly from an index, with vectors float32 (n, dim); n may be 0."""

    rows: Sequence[Row]
    vectors: Vectors


class ScoreCalibration:
    """What an index looks like to queries that have nothing to do with it. Safe for many threads.

    Args:
        samples: by kind.
        usual: by language the vectors of `search.ranking.calibration_sentences.everyday`, float32 (m, dim).
        size: rows of the whole index.
        false_match: share of descriptions of nobody that may be answered by "match".
        false_maybe: and by "maybe" or "match".
    """

    def __init__(
        self,
        samples: Mapping[RowKind, RowSample],
        usual: Mapping[Language, Vectors],
        *,
        size: int,
        false_match: float,
        false_maybe: float,
    ) -> None:
        self._samples, self._usual = samples, usual
        self._growth = min(MOST_GROWTH, max(1.0, size / max(1, sum(len(s.rows) for s in samples.values()))))
        self._shares = (false_match, false_maybe)
        self._lock = threading.Lock()
        self._scales: dict[QueryShape, ScoreScale] = {}

    @property
    def middle(self) -> Vectors:
        """The average picture of a person, float32 (dim,); zeros where the index has none."""
        people = self._samples[RowKind.PERSON].vectors
        return np.asarray(people.mean(axis=0) if len(people) else np.zeros(people.shape[1]), np.float32)

    def scale(self, hits: Sequence[Hit], query: Vectors, shape: QueryShape) -> list[Hit]:
        """The hits with their cosines put on the common scale, best first; `query` is float32 (dim,), unit length."""
        scale = self.of(shape)
        zero = {kind: self._zero(kind, scale, query) for kind in shape.kinds}
        scaled = [replace(h, score=(h.score - zero[h.row.kind]) / scale.spread[h.row.kind]) for h in hits]
        return sorted(scaled, key=lambda h: (-h.score, h.row.id))

    def scores(self, rows: Sequence[Row], vectors: Vectors, query: Vectors, shape: QueryShape) -> NDArray[np.float32]:
        """Scores (n,) of rows with their vectors (n, dim), for one who has them at hand."""
        scale = self.of(shape)
        zeros = {kind: self._zero(kind, scale, query) for kind in shape.kinds}
        zero = np.array([zeros[row.kind] for row in rows], np.float32)
        spread = np.array([scale.spread[row.kind] for row in rows], np.float32)
        return np.asarray((vectors @ query - zero) / spread, np.float32)

    def of(self, shape: QueryShape) -> ScoreScale:
        """The scale of queries of this shape, measured when it is first asked for."""
        with self._lock:
            if shape not in self._scales:
                self._scales[shape] = self._measured(shape)
            return self._scales[shape]

    def _zero(self, kind: RowKind, scale: ScoreScale, query: Vectors) -> float:
        """The cosine that scores 0."""
        vectors = self._samples[kind].vectors
        own = float(np.median(vectors @ query)) if len(vectors) else scale.level[kind]
        return OWN * own + (1 - OWN) * scale.level[kind]

    def _measured(self, shape: QueryShape) -> ScoreScale:
        queries, owners = self._queries(shape)
        level, spreads = {}, {}
        scores = []
        for kind in shape.kinds:
            cosines = self._samples[kind].vectors @ queries.T
            own = np.median(cosines, axis=0) if len(cosines) else np.zeros(len(queries), np.float32)
            level[kind], spreads[kind] = float(np.median(own)), spread(cosines)
            zero = OWN * own + (1 - OWN) * level[kind]
            scores.append(self._strangers(((cosines - zero) / spreads[kind]).astype(np.float32), kind, owners))
        match, maybe = (threshold(np.concatenate(scores), share, self._growth) for share in self._shares)
        return ScoreScale(level, spreads, match, min(maybe, match))

    def _queries(self, shape: QueryShape) -> tuple[Vectors, Sequence[Track | None]]:
        """Queries of a shape about nobody in particular, float32 (m, dim), and whose pictures they are made of."""
        people = self._samples[RowKind.PERSON]
        texts = self._usual[shape.language] if shape.language else None
        if not shape.pictures or not len(people.rows):
            usual = texts if texts is not None else next(iter(self._usual.values()))
            return usual, [None] * len(usual)
        count = len(next(iter(self._usual.values())))
        drawn = np.random.default_rng(0).integers(len(people.rows), size=count)
        pictures = people.vectors[drawn]
        owners = [track_of(people.rows[n]) for n in drawn]
        if texts is None:
            return pictures, owners
        mixed = texts + (pictures - self.middle)
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32), owners

    def _strangers(
        self, scores: NDArray[np.float32], kind: RowKind, owners: Sequence[Track | None]
    ) -> NDArray[np.float32]:
        """The scores (rows, queries), those of a track whose own picture asks made very low."""
        if any(owners):
            tracks = [track_of(row) for row in self._samples[kind].rows]
            same = np.array([[track == owner for owner in owners] for track in tracks]).reshape(scores.shape)
            scores = np.where(same, np.float32(-1e3), scores)
        return scores


def threshold(scores: NDArray[np.float32], share: float, growth: float) -> float:
    """The score that only a `share` of queries exceeds with their best row.

    Args:
        scores: of a sample of rows for queries about nobody, (rows, queries); without rows nothing is ever exceeded.
        share: of the queries, 0 to 1.
        growth: the index has so many times the rows of the sample. How much better the best of more rows is, is read
            from how much better it is in the sample than in a quarter of it.
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
    """Robust spread (of a normal distribution, its standard deviation) of cosines (rows, sentences), rows may be 0.

    Each sentence is measured from its own median, so that a sentence that fits many rows does not count as spread.
    """
    rows = len(cosines)
    if not rows:
        return PRIOR_SPREAD
    measured = 1.4826 * float(np.median(np.abs(cosines - np.median(cosines, axis=0))))
    weight = rows / (rows + PRIOR_ROWS)
    return weight * measured + (1 - weight) * PRIOR_SPREAD


def track_of(row: Row) -> Track:
    """What the rows of one person's track have in common; a whole frame is alone."""
    return row.segment_id, row.kind, row.track if row.kind is RowKind.PERSON else row.time_ms
