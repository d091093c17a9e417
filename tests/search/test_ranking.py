from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.ranking import PRIOR_SPREAD, Background, spread, verdict
from search.types import Hit, Kind, Vectors, Verdict
from tests.search.test_clips import hit


def unit(rows: np.ndarray) -> Vectors:
    vectors: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def of_kind(kind: Kind, cosine: float) -> Hit:
    made = hit(1, cosine)
    return replace(made, row=replace(made.row, kind=kind, id=kind.value))


def test_kinds_with_different_levels_come_on_one_scale() -> None:
    """Person rows that all score high do not hide a frame row that stands out."""
    random = np.random.default_rng(1)
    query = unit(random.normal(size=(1, 64)))[0]
    noise = unit(random.normal(size=(400, 64)))
    rows = {Kind.PERSON: unit(noise + 0.5 * query), Kind.FRAME: noise}  # every person scores about 0.45
    background = Background.measured(rows.__getitem__, unit(random.normal(size=(20, 64))))
    first, second = background.scale([of_kind(Kind.PERSON, 0.5), of_kind(Kind.FRAME, 0.5)], query)
    assert first.row.kind is Kind.FRAME
    assert first.score > 3 > second.score


def test_the_order_within_a_kind_is_the_cosines() -> None:
    random = np.random.default_rng(3)
    rows = unit(random.normal(size=(50, 16)))
    background = Background.measured(lambda _: rows, rows[:5])
    scaled = background.scale([of_kind(Kind.PERSON, c) for c in (0.1, 0.9, 0.4)], rows[0])
    assert [h.score for h in scaled] == sorted((h.score for h in scaled), reverse=True)
    assert scaled[0].score - scaled[1].score == pytest.approx((0.9 - 0.4) / background.spread[Kind.PERSON])


def test_a_sentence_that_varies_little_gets_no_high_score_by_that() -> None:
    """What is nowhere to be seen scores about the same on all rows; the best of them is no match."""
    random = np.random.default_rng(4)
    rows = unit(np.concatenate([random.normal(size=(300, 16)), np.zeros((300, 1))], axis=1))
    nowhere = np.eye(17, dtype=np.float32)[16]
    nearly = unit((nowhere + 0.02 * np.append(random.normal(size=16), 0)).reshape(1, -1))[0]
    background = Background.measured(lambda _: rows, unit(random.normal(size=(20, 17))))
    best = max(float(c) for c in rows @ nearly)
    assert background.scale([of_kind(Kind.PERSON, best)], nearly)[0].score < 1


def test_the_spread_of_nothing_is_the_prior() -> None:
    assert spread(np.empty((0, 8), np.float32)) == PRIOR_SPREAD


def test_the_spread_is_not_moved_by_a_few_true_matches() -> None:
    random = np.random.default_rng(2)
    cosines = random.normal(0.1, 0.05, (500, 4)).astype(np.float32)
    cosines[:25] = 0.9
    assert spread(cosines) == pytest.approx(0.05, rel=0.15)


@pytest.mark.parametrize(("score", "expected"), [(4, "match"), (3.5, "match"), (3, "maybe"), (2.4, "nothing")])
def test_verdict(score: float, expected: str) -> None:
    assert verdict(score, match=3.5, maybe=2.5) is Verdict(expected)
