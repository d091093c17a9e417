"""Scores on one scale, and verdicts measured on the index itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from search.ranking.calibration import (
    PRIOR_SPREAD,
    QueryShape,
    RowSample,
    ScoreCalibration,
    ScoreScale,
    spread,
    threshold,
    track_of,
)
from search.ranking.calibration_sentences import COUNT, Language, calibration_sentences, language_of
from search.types import Hit, Row, RowKind, Vectors, Verdict
from tests.search.ranking.test_clips import hit

TEXT = QueryShape(Language.EN, images=False)
DIM = 64


def unit(rows: np.ndarray) -> Vectors:
    vectors: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def of_kind(kind: RowKind, cosine: float) -> Hit:
    made = hit(1, cosine)
    return replace(made, row=replace(made.row, kind=kind, id=kind.value))


def sampled(vectors: Vectors, kind: RowKind = RowKind.PERSON) -> RowSample:
    rows = [replace(hit(n + 1).row, id=f"{kind}{n}", kind=kind, track=n) for n in range(len(vectors))]
    return RowSample(rows, vectors)


def background(people: Vectors, usual: Vectors, frames: Vectors | None = None, **more: float) -> ScoreCalibration:
    empty = np.empty((0, people.shape[1]), np.float32)
    samples: Mapping[RowKind, RowSample] = {
        RowKind.PERSON: sampled(people),
        RowKind.FRAME: sampled(empty if frames is None else frames, RowKind.FRAME),
    }
    shares = {"false_match": 0.05, "false_maybe": 0.3} | more
    size = int(shares.pop("size", len(people)))
    texts: Mapping[Language, Vectors] = {Language.EN: usual, Language.ZH: -usual}
    return ScoreCalibration(
        samples, texts, size=size, false_match=shares["false_match"], false_maybe=shares["false_maybe"]
    )


def test_kinds_with_different_levels_come_on_one_scale() -> None:
    """Person rows that all score high do not hide a frame row that stands out."""
    random = np.random.default_rng(1)
    usual = unit(random.normal(size=(40, DIM)) + 16 * np.eye(DIM)[0])
    noise = unit(random.normal(size=(400, DIM)))
    made = background(unit(noise + 0.5 * np.eye(DIM)[0]), usual, noise)  # every person scores about 0.4
    both = replace(TEXT, kinds=tuple(RowKind))
    first, second = made.scale([of_kind(RowKind.PERSON, 0.5), of_kind(RowKind.FRAME, 0.5)], usual[1], both)
    assert first.row.kind is RowKind.FRAME
    assert first.score > 3 > second.score


def test_the_order_within_a_kind_is_the_cosines() -> None:
    random = np.random.default_rng(3)
    rows = unit(random.normal(size=(50, 16)))
    made = background(rows, rows[:20])
    scaled = made.scale([of_kind(RowKind.PERSON, c) for c in (0.1, 0.9, 0.4)], rows[0], TEXT)
    assert [h.score for h in scaled] == sorted((h.score for h in scaled), reverse=True)
    assert scaled[0].score - scaled[1].score == pytest.approx((0.9 - 0.4) / made.of(TEXT).spread[RowKind.PERSON])


def test_scores_of_vectors_are_those_of_their_hits() -> None:
    random = np.random.default_rng(5)
    people = unit(random.normal(size=(60, 16)))
    made, sample = background(people, people[:20]), sampled(people)
    query = people[7]
    hits = [Hit(row, float(v @ query)) for row, v in zip(sample.rows, people, strict=True)]
    scaled = {h.row.id: h.score for h in made.scale(hits, query, TEXT)}
    scores = made.scores(sample.rows, people, query, TEXT)
    assert [scaled[row.id] for row in sample.rows] == pytest.approx(scores.tolist(), abs=1e-5)


def test_the_set_share_of_descriptions_of_nobody_is_a_match() -> None:
    """The promise itself: others like the usual ones, which had no part in it, are matches about so often."""
    random = np.random.default_rng(6)
    people = unit(random.normal(size=(800, DIM)))
    made = background(people, unit(random.normal(size=(400, DIM))), false_match=0.1)
    scale = made.of(TEXT)
    fresh = unit(random.normal(size=(400, DIM)))
    best = [float(made.scores(sampled(people).rows, people, query, TEXT).max()) for query in fresh]
    share = np.mean([scale.verdict(score) is Verdict.MATCH for score in best])
    assert 0.1 / 1.5 <= share <= 0.1 * 1.5
    assert scale.maybe < scale.match


def test_more_rows_need_a_higher_score() -> None:
    random = np.random.default_rng(7)
    everyone = random.normal(size=(4000, 50)).astype(np.float32)
    part, whole = everyone[::8], everyone
    guessed = threshold(part, 0.05, growth=8)
    assert threshold(part, 0.05, growth=1) < guessed
    assert guessed == pytest.approx(threshold(whole, 0.05, growth=1), abs=0.35)
    assert threshold(np.empty((0, 50), np.float32), 0.05, growth=1) == math.inf


def test_a_picture_does_not_match_by_itself() -> None:
    """What a photo's own track scores says nothing about strangers."""
    random = np.random.default_rng(8)
    people = unit(random.normal(size=(300, DIM)))
    pictures = QueryShape(None, images=True)
    made = background(people, unit(random.normal(size=(50, DIM))))
    assert made.of(pictures).match < 0.9 * float(made.scores(sampled(people).rows, people, people[0], pictures).max())


def test_languages_are_measured_apart() -> None:
    random = np.random.default_rng(9)
    people = unit(random.normal(size=(200, DIM)) + 2 * np.eye(DIM)[0])
    made = background(people, unit(random.normal(size=(50, DIM)) + 2 * np.eye(DIM)[0]))
    assert (
        made.of(TEXT).level[RowKind.PERSON] > 0 > made.of(QueryShape(Language.ZH, images=False)).level[RowKind.PERSON]
    )


def test_an_empty_index_matches_nothing() -> None:
    scale = background(np.empty((0, 16), np.float32), np.eye(16, dtype=np.float32)).of(TEXT)
    assert (scale.match, scale.spread[RowKind.PERSON]) == (math.inf, PRIOR_SPREAD)
    assert scale.verdict(99.0) is Verdict.NOTHING


def test_the_spread_is_not_moved_by_a_few_true_matches() -> None:
    random = np.random.default_rng(2)
    cosines = random.normal(0.1, 0.05, (500, 4)).astype(np.float32)
    cosines[:25] = 0.9
    assert spread(cosines) == pytest.approx(0.05, rel=0.15)
    assert spread(np.empty((0, 8), np.float32)) == PRIOR_SPREAD


@pytest.mark.parametrize(("score", "expected"), [(4, "match"), (3.5, "match"), (3, "maybe"), (2.4, "nothing")])
def test_verdict(score: float, expected: str) -> None:
    assert ScoreScale({}, {}, match=3.5, maybe=2.5).verdict(score) is Verdict(expected)


def test_a_track_is_told_from_others_and_a_frame_is_alone() -> None:
    row = hit(5, n=3).row
    assert track_of(row) == track_of(replace(row, id="x", time_ms=6, end_ms=6))
    frames: Sequence[Row] = [replace(row, kind=RowKind.FRAME, time_ms=t, start_ms=t, end_ms=t) for t in (5, 6)]
    assert len({track_of(frame) for frame in frames}) == 2


def test_usual_descriptions_are_many_and_of_their_language() -> None:
    for language in Language:
        made = calibration_sentences(language)
        assert len(made) == COUNT
        assert len(set(made)) > 0.95 * COUNT
        assert {language_of(text) for text in made} == {language}
        assert made == calibration_sentences(language)
    assert language_of("a man 穿红衣") is Language.ZH
    assert language_of("ein Mann in Rot") is Language.EN
