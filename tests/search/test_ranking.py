from __future__ import annotations

import numpy as np
import pytest

from search.ranking import PRIOR_SPREAD, Background, level, rescale, verdict
from search.types import Hit, Kind, Vectors, Verdict
from tests.search.test_clips import hit


def unit(rows: np.ndarray) -> Vectors:
    vectors: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def test_kinds_with_different_levels_come_on_one_scale() -> None:
    """Person rows that all score high do not hide a frame row that stands out."""
    random = np.random.default_rng(1)
    query = unit(random.normal(size=(1, 64)))[0]
    noise = unit(random.normal(size=(400, 64)))
    people = unit(noise + 0.5 * query)  # every person scores about 0.45
    background = Background({Kind.PERSON: people, Kind.FRAME: noise})
    person, frame = hit(1, 0.5), hit(2, 0.5)
    frame = Hit(type(frame.row)(**{f: getattr(frame.row, f) for f in frame.row.__slots__} | {"kind": Kind.FRAME}), 0.5)
    first, second = rescale([person, frame], query, background)
    assert first.row.kind is Kind.FRAME
    assert first.score > 3 > second.score


def test_level_of_nothing_is_the_prior() -> None:
    assert level(np.empty(0, np.float32)).spread == pytest.approx(PRIOR_SPREAD)


def test_level_is_not_moved_by_a_few_true_matches() -> None:
    random = np.random.default_rng(2)
    cosines = random.normal(0.1, 0.05, 500).astype(np.float32)
    with_matches = np.concatenate([cosines, np.full(25, 0.9, np.float32)])
    assert level(with_matches).median == pytest.approx(level(cosines).median, abs=0.01)
    assert level(with_matches).spread == pytest.approx(0.05, rel=0.25)


@pytest.mark.parametrize(("score", "expected"), [(4, "match"), (3.5, "match"), (3, "maybe"), (2.4, "nothing")])
def test_verdict(score: float, expected: str) -> None:
    assert verdict(score, match=3.5, maybe=2.5) is Verdict(expected)
