"""Killed at any moment and started again, the index ends with exactly the rows of an undisturbed run.

Each round buys one moment (`ROUNDS`). They were 20 at random: most of those ended where nothing is written, before the
first file was opened or while one was decoded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from api.composition import open_context
from search.config import Settings
from search.types import Row, Vectors
from tests.conftest import xunren_process
from tests.support.kills import PIECES, DiskWatch, Moment, is_killed_at, make_recordings


def has_indexed(watch: DiskWatch, count: int) -> bool:
    return watch.count("segments", "state = 'indexed'") >= count


def writes_rows(after: int) -> Moment:
    """Return the moment when rows are written although the catalogue knows of `after` indexed segments only."""
    return lambda w: w.vectors_changed and has_indexed(w, after) and w.count("segments", "owner IS NOT NULL") > 0


ROUNDS: dict[str, Moment] = {
    "the catalogue is being made: half of its tables must not be taken for all": lambda w: w.catalog_changed,
    "the collection is being made: a folder without a schema is made again": lambda w: w.vectors_changed,
    "segments are registered and none is leased": lambda w: w.count("segments", "1") == PIECES,
    "the first rows are written and not reported: none may stand twice": writes_rows(0),
    "the same segment again: an attempt that failed twice is not given up": writes_rows(0),
    "the first segment is reported: it is not done again": lambda w: has_indexed(w, 1),
    "in the middle, between two segments": writes_rows(PIECES // 2),
    "near the end: the last segment is written and not reported": writes_rows(PIECES - 1),
    "all is reported, and what is written is not flushed": lambda w: has_indexed(w, PIECES),
}


def rows_of(data_dir: Path) -> tuple[list[Row], Vectors]:
    """Return all rows by id with their vectors, after a check that the catalogue agrees."""
    with open_context(Settings(data_dir=data_dir)) as context:
        rows, vectors = context.store.sample(100_000)
        reports = context.catalog.segments.reports()
        assert context.store.count() == len(rows) == sum(r.rows for r in reports)
        assert context.catalog.segments.states() == {"indexed": PIECES}
    order = sorted(range(len(rows)), key=lambda n: rows[n].id)
    return [rows[n] for n in order], vectors[order]


def index(data_dir: Path, recordings: Path) -> None:
    with xunren_process("index", recordings, "--data-dir", data_dir) as process:
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err


@pytest.mark.timeout(1800)  # on a busy machine
def test_killed_at_each_moment_the_rows_are_the_same(tmp_path: Path) -> None:
    recordings = make_recordings(tmp_path / "videos")
    index(tmp_path / "undisturbed", recordings)
    folders, missed = [tmp_path / "killed-0"], []
    for name, moment in ROUNDS.items():
        if not is_killed_at(moment, folders[-1], "index", recordings):
            missed.append(name)  # it ended first, so the rounds that are left need a new index
            folders.append(tmp_path / f"killed-{len(missed)}")
    assert len(missed) <= len(ROUNDS) // 3, missed
    index(folders[-1], recordings)
    expected, expected_vectors = rows_of(tmp_path / "undisturbed")
    assert len(expected) > 30
    for folder in folders:
        rows, vectors = rows_of(folder)
        assert rows == expected
        np.testing.assert_allclose(vectors, expected_vectors, atol=1e-4)
