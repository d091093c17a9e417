from __future__ import annotations

import numpy as np

from search.ranking.query_vector import QueryParts, query_vector
from search.types import Vectors

DIM = 16
NONE: Vectors = np.empty((0, DIM), np.float32)


def unit(*rows: np.ndarray) -> Vectors:
    made = np.stack(rows)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


WHO, BAG, FACE, ALL = np.eye(DIM, dtype=np.float32)[:4]


def test_a_sentence_alone_is_its_own_vector() -> None:
    text = unit(WHO + BAG)
    np.testing.assert_allclose(query_vector(QueryParts(text, NONE, NONE), ALL), text[0], atol=1e-6)


def test_what_is_not_wanted_is_taken_off_and_what_both_say_stays() -> None:
    plain, with_bag = unit(WHO), unit(WHO + BAG)
    found = query_vector(QueryParts(plain, with_bag, NONE), ALL)
    assert found @ BAG < 0 < 0.9 < found @ WHO
    raw = query_vector(QueryParts(with_bag, NONE, NONE), ALL)
    assert found @ with_bag[0] < raw @ with_bag[0]


def test_pictures_count_by_what_sets_them_apart() -> None:
    """What all pictures share is no reason to find them all."""
    text, pictures = unit(WHO), unit(FACE + 2 * ALL, FACE + 2 * ALL)
    found = query_vector(QueryParts(text, NONE, pictures), unit(ALL)[0])
    assert found @ FACE > 0.2
    assert found @ WHO > 0.6
    assert abs(found @ ALL) < 0.15
    assert np.linalg.norm(found) == np.float32(1.0) or abs(np.linalg.norm(found) - 1) < 1e-6


def test_pictures_alone_are_their_middle() -> None:
    found = query_vector(QueryParts(NONE, NONE, unit(WHO, FACE)), ALL)
    np.testing.assert_allclose(found, unit(WHO + FACE)[0], atol=1e-6)
