"""Ranking: from a query"s vector to scored, joined, diversified and paged clips."""

from search.ranking.calibration import QueryShape, ScoreCalibration, ScoreScale, track_of
from search.ranking.calibration_cache import CalibrationCache
from search.ranking.calibration_sentences import language_of
from search.ranking.clips import ClipAssembler
from search.ranking.diversity import by_time, diversify
from search.ranking.pagination import AnswerCache, RankedList, unknown_answer
from search.ranking.query_vector import QueryParts, query_vector
from search.ranking.retrieval import best_rows, filters_within

__all__ = [
    "AnswerCache", "CalibrationCache", "ClipAssembler", "QueryParts", "QueryShape", "RankedList",
    "ScoreCalibration", "ScoreScale", "best_rows", "by_time", "diversify", "filters_within", "language_of",
    "query_vector", "track_of", "unknown_answer",
]  # fmt: skip
