"""The index as a saved search needs it when it is saved: its query vector, and the scores of what is indexed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from api.alerts.thresholds import Curve, Limits
from search.access import SEES_ALL, Requester, Visibility
from search.errors import BadInput, Unavailable
from search.query import Query
from search.ranking import QueryShape, ScoreCalibration
from search.types import Box, Filter, Hit, Row, RowKind, Vectors

if TYPE_CHECKING:
    from api.runtime import AppContext

NEVER = -1e9
HISTORY_ROWS = 4096  # of each kind; the best ones


@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistory:
    """The best rows of the index with their scores. Below `complete_from` some are missing."""

    scored: Sequence[tuple[Row, float]]
    complete_from: float


@dataclass(frozen=True, slots=True, eq=False)
class HistoryQuery:
    """A query vector, float32 (dim,), its cameras (empty: all), and what its cosines score now.

    Rows of other kinds than `kinds` score so low that they never raise an alert.
    """

    vector: Vectors
    cameras: tuple[str, ...]
    kinds: tuple[RowKind, ...]
    curve: Curve
    limits: Limits


class ScoredIndex(Protocol):
    """The index as saved searches need it."""

    @property
    def model(self) -> str:
        """Return the label of the model that made it."""

    def query_for(self, sentence: str, like: tuple[str, ...], cameras: tuple[str, ...]) -> HistoryQuery:
        """Return the query for a sentence, clips or both."""

    def past(self, query: HistoryQuery) -> ScoreHistory:
        """Return the best rows that are indexed already."""


class EngineIndex:
    """The index behind the search engine, within `visibility`. Safe for many threads; opens and closes nothing."""

    def __init__(self, context: AppContext, visibility: Visibility = SEES_ALL) -> None:
        self._index = context.indexes.active  # all of it on one
        self._requester = Requester(visibility=replace(visibility, from_ms=None))  # it is compared with footage to come

    @property
    def model(self) -> str:
        """See `ScoredIndex.model`."""
        return self._index.embedder.label

    def query_for(self, sentence: str, like: tuple[str, ...], cameras: tuple[str, ...]) -> HistoryQuery:
        """See `ScoredIndex.query_for`.

        Raises:
            PolicyViolation: the content policy forbids the sentence.
            BadInput: the sentence names a time, which what is yet to come cannot have.
            NotFound: a camera or a clip is unknown.
            Unavailable: nobody is indexed yet, nothing to compare with.
        """
        query = Query(sentence, Filter(cameras=cameras), like=like, requester=self._requester)
        embedded = self._index.engine.parse_and_embed(query)
        if embedded.where.start_ms is not None or embedded.where.end_ms is not None:
            raise BadInput(
                "a saved search is compared with footage to come, but its sentence names a time",
                got=sentence,
                cure="leave the time out; it ends after --days",
            )
        vector, shape, scale = embedded.vector, embedded.shape, embedded.scale
        limits = Limits(scale.maybe, scale.match)
        if not math.isfinite(limits.unproven):
            raise Unavailable("nobody is indexed yet: no threshold can be measured", cure="index some recordings first")
        return HistoryQuery(
            vector, embedded.where.cameras, shape.kinds, curve_on(embedded.calibration, vector, shape), limits
        )

    def past(self, query: HistoryQuery) -> ScoreHistory:
        """See `ScoredIndex.past`."""
        scored: list[tuple[Row, float]] = []
        complete_from = -math.inf
        for kind in query.kinds:
            hits = self._index.store.search(query.vector, HISTORY_ROWS, Filter(cameras=query.cameras, kinds=(kind,)))
            rows = [hit.row for hit in hits]
            scores = query.curve.scores(rows, np.array([hit.score for hit in hits]))
            if len(hits) == HISTORY_ROWS:
                complete_from = max(complete_from, float(scores.min()))
            scored += zip(rows, scores.tolist(), strict=True)
        return ScoreHistory(scored, complete_from)


def curve_on(background: ScoreCalibration, vector: Vectors, shape: QueryShape) -> Curve:
    """Return the scores of cosines with `vector` (dim,), for a query of this shape, over a calibration."""

    def score(kind: RowKind, cosines: Sequence[float]) -> list[float]:
        if kind not in shape.kinds:
            return [NEVER] * len(cosines)
        made = [Row(f"{n:04}", "x", "x", kind, 0, 0, 0, 0, Box(0, 0, 1, 1), 1, 1) for n in range(len(cosines))]
        hits = [Hit(row, cosine) for row, cosine in zip(made, cosines, strict=True)]
        return [hit.score for hit in sorted(background.scale(hits, vector, shape), key=lambda hit: hit.row.id)]

    return Curve.measured(score)
