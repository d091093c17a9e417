"""Killed at any moment and started again, the index ends with exactly the rows of an undisturbed run."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
from pathlib import Path

import numpy as np

from api.composition import open_context
from search.config import Settings
from search.media.clip_cutter import ffmpeg_path
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


class Watch:
    """Counts the changes of the catalogue's and the vectors' files, which are the moments that matter."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._last: set[tuple[str, int, int]] = set()
        self.changes = 0

    def look(self) -> None:
        now = set()
        below = (Path(folder, name) for folder, _, names in os.walk(self._data_dir / "vectors.db") for name in names)
        for file in (*self._data_dir.glob("catalog*"), *below):  # os.walk: a folder may go while it is looked into
            with contextlib.suppress(FileNotFoundError):
                now.add((str(file), file.stat().st_mtime_ns, file.stat().st_size))
        self.changes += now != self._last
        self._last = now


def run_to_the_end(data_dir: Path, recordings: Path) -> tuple[float, int]:
    """Index undisturbed. Returns the seconds that it took, and the changes that were seen."""
    watch, began = Watch(data_dir), time.monotonic()
    with xunren_process("index", recordings, "--data-dir", data_dir) as process:
        while process.poll() is None and time.monotonic() - began < 240:
            watch.look()
            time.sleep(0.003)
        _, err = process.communicate(timeout=1)
    assert process.returncode == 0, err
    return time.monotonic() - began, watch.changes


def killed_within(seconds: float, changes: int, data_dir: Path, recordings: Path) -> bool:
    """Start indexing and kill it after `seconds` or so many `changes`. Returns whether it was still running."""
    watch, began = Watch(data_dir), time.monotonic()
    with xunren_process("index", recordings, "--data-dir", data_dir) as process:
        while process.poll() is None:
            watch.look()
            if watch.changes >= changes or time.monotonic() - began >= seconds:
                process.kill()
                return True
            time.sleep(0.003)
    return False


def rows_of(data_dir: Path) -> tuple[list[Row], Vectors]:
    """All rows by id, with their vectors, and a check that the catalogue agrees."""
    with open_context(Settings(data_dir=data_dir)) as context:
        rows, vectors = context.store.sample(100_000)
        reports = context.catalog.segments.reports()
        assert context.store.count() == len(rows) == sum(r.rows for r in reports)
        assert context.catalog.segments.states() == {"indexed": 6}
    order = sorted(range(len(rows)), key=lambda n: rows[n].id)
    return [rows[n] for n in order], vectors[order]


def test_killed_twenty_times_the_rows_are_the_same(tmp_path: Path) -> None:
    recordings = make_recordings(tmp_path / "videos")
    takes, changes = run_to_the_end(tmp_path / "undisturbed", recordings)
    seed = random.randrange(10**6)
    print(f"an undisturbed run takes {takes:.1f} s and {changes} changes; seed {seed}")
    moments = random.Random(seed)
    data_dir, killed, done = tmp_path / "killed-0", 0, 0
    finished: list[Path] = []
    while killed < KILLS:
        by_time = (moments.uniform(0.3, 1.0) * takes, 10**9)
        by_change = (10 * takes, moments.randint(1, changes // 2))
        if killed_within(*(by_change if killed % 3 else by_time), data_dir, recordings):
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
