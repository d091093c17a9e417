"""Killed at any moment and started again, the index ends with exactly the rows of an undisturbed run."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import numpy as np

from api.parts import open_parts
from search.config import Settings
from search.media import ffmpeg_path
from search.types import Row, Vectors
from tests.conftest import SAMPLES, xunren_process

KILLS = 20


def make_recordings(folder: Path) -> Path:
    """Pieces of the sample videos, so that a run has many moments to be killed at."""
    for camera in ("gate", "street"):
        (folder / camera).mkdir(parents=True)
        for n in range(3):
            source, piece = SAMPLES / camera / f"{camera}.mp4", folder / camera / f"{n}.mp4"
            cut = ["-ss", str(12 * n), "-t", "12", "-i", str(source), "-c", "copy", str(piece)]
            command = [ffmpeg_path(), "-v", "error", *cut]
            subprocess.run(command, check=True)
    return folder


def run_to_the_end(data_dir: Path, recordings: Path) -> float:
    began = time.monotonic()
    with xunren_process("index", recordings, "--data-dir", data_dir) as process:
        _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return time.monotonic() - began


def kill_within(seconds: float, data_dir: Path, recordings: Path) -> bool:
    """Start indexing and kill it after `seconds`. Returns whether it was still running."""
    with xunren_process("index", recordings, "--data-dir", data_dir) as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    return False


def rows_of(data_dir: Path) -> tuple[list[Row], Vectors]:
    """All rows by id, with their vectors, and a check that the catalogue agrees."""
    with open_parts(Settings(data_dir=data_dir)) as parts:
        rows, vectors = parts.store.sample(100_000)
        reports = parts.catalog.reports()
        assert parts.store.count() == len(rows) == sum(r.rows for r in reports)
        assert parts.catalog.states() == {"indexed": 6}
    order = sorted(range(len(rows)), key=lambda n: rows[n].id)
    return [rows[n] for n in order], vectors[order]


def test_killed_twenty_times_the_rows_are_the_same(tmp_path: Path) -> None:
    recordings = make_recordings(tmp_path / "videos")
    takes = run_to_the_end(tmp_path / "undisturbed", recordings)
    seed = random.randrange(10**6)
    print(f"an undisturbed run takes {takes:.1f} s; seed {seed}")
    moments = random.Random(seed)
    data_dir, killed, done = tmp_path / "killed-0", 0, 0
    finished: list[Path] = []
    while killed < KILLS:
        if kill_within(moments.uniform(0.3, 1.0) * takes, data_dir, recordings):
            killed += 1
        else:  # it came to its end between two kills: go on with a new index, and check this one too
            finished.append(data_dir)
            done += 1
            data_dir = tmp_path / f"killed-{done}"
    run_to_the_end(data_dir, recordings)
    expected, expected_vectors = rows_of(tmp_path / "undisturbed")
    assert len(expected) > 30
    for folder in {*finished, data_dir}:
        rows, vectors = rows_of(folder)
        assert rows == expected
        np.testing.assert_allclose(vectors, expected_vectors, atol=1e-4)
