"""Which rows are looked at: no camera hides the others."""

from __future__ import annotations

import numpy as np

from search.ranking.retrieval import best_rows
from search.types import Box, Filter, Row, RowKind, Vectors, Window
from search.vector_store.memory import MemoryStore

DIM = 8
PEOPLE = Filter(kinds=(RowKind.PERSON,))


def filled(cameras: dict[str, tuple[int, float]]) -> MemoryStore:
    """A store with so many rows of each camera, which lie so near to the query."""
    store = MemoryStore(dim=DIM)
    for camera, (count, near) in cameras.items():
        rows = [
            Row(f"{camera}{n}", camera, camera, RowKind.PERSON, n, n, n, n, Box(0, 0, 1, 1), 2, 2) for n in range(count)
        ]
        vectors = np.tile(np.array([near, (1 - near**2) ** 0.5, *[0] * (DIM - 2)], np.float32), (count, 1))
        store.upsert(rows, vectors)
    return store


QUERY: Vectors = np.eye(DIM, dtype=np.float32)[0]


def test_a_crowded_camera_does_not_hide_the_others() -> None:
    store = filled({"busy": (500, 0.9), "a": (3, 0.5), "b": (2, 0.4)})
    found = best_rows(store, QUERY, 50, [PEOPLE])
    assert {hit.row.camera_id for hit in found} == {"busy", "a", "b"}
    assert len({hit.row.id for hit in found}) == len(found)


def test_a_camera_that_was_asked_for_is_not_left_out() -> None:
    store = filled({"busy": (500, 0.9), "a": (3, 0.5)})
    found = best_rows(store, QUERY, 50, [Filter(cameras=("busy",), kinds=(RowKind.PERSON,))])
    assert len(found) == 50


def test_every_filter_has_its_best_rows() -> None:
    store = filled({"far": (500, 0.9), "near": (5, 0.3)})
    near = Filter(kinds=(RowKind.PERSON,), windows=(Window(("near",), 0, 10),))
    found = best_rows(store, QUERY, 20, [near, PEOPLE])
    assert sum(hit.row.camera_id == "near" for hit in found) == 5
