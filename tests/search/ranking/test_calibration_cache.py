"""When the calibration of an index is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.config import Settings
from search.ranking.calibration_cache import REMEASURE_GROWTH, CalibrationCache
from search.types import Box, Row, RowKind
from search.vector_store.memory import MemoryStore
from tests.support.fakes import ColourEmbedder

ROWS = 100


def add(store: MemoryStore, embedder: ColourEmbedder, first: int, count: int) -> None:
    for n in range(first, first + count):
        image = np.full((24, 12, 3), n % 256, np.uint8)
        row = Row(f"r{n}", "gate", "s", RowKind.PERSON, n, n, n, n, Box(0, 0, 12, 24), 640, 360)
        store.upsert([row], embedder.embed_images([image]))


@pytest.mark.parametrize(("grown", "is_new"), [(0, False), (9, False), (11, True), (-8, False), (-20, True)])
def test_it_is_measured_again_when_the_index_has_grown_or_shrunk(tmp_path: Path, grown: int, is_new: bool) -> None:
    embedder = ColourEmbedder()
    store = MemoryStore(dim=embedder.dim)
    add(store, embedder, 0, ROWS)
    cache = CalibrationCache(Settings(data_dir=tmp_path), embedder, store)
    first = cache.current(store.count())
    assert (cache.current(ROWS + grown) is not first) is is_new
    assert is_new is not (1 / REMEASURE_GROWTH <= 1 + grown / ROWS <= REMEASURE_GROWTH)


def test_it_tells_the_average_person_of_the_rows_there_were(tmp_path: Path) -> None:
    embedder = ColourEmbedder()
    store = MemoryStore(dim=embedder.dim)
    cache = CalibrationCache(Settings(data_dir=tmp_path), embedder, store)
    np.testing.assert_array_equal(cache.current(0).mean_person, np.zeros(embedder.dim, np.float32))
    add(store, embedder, 0, ROWS)
    expected = store.sample(ROWS)[1].mean(axis=0)
    np.testing.assert_allclose(cache.current(store.count()).mean_person, expected, atol=1e-6)
