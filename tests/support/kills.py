"""Kills a command at a moment that is seen on the disk: in the catalogue's tables, or in the vectors' files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from search.media.clip_cutter import ffmpeg_path
from tests.conftest import SAMPLES, xunren_process

BETWEEN_S = 0.003
PIECES = 6


class DiskWatch:
    """What a running command has written so far."""

    def __init__(self, data_dir: Path) -> None:
        self._catalog, self._vectors = data_dir / "catalog.sqlite", data_dir / "vectors.db"
        self._last_vectors = self._vectors_state()
        self._last_catalog = self._catalog_state()
        self.catalog_changed = self.vectors_changed = False

    def sample(self) -> None:
        """Compare the files with those of the sample before."""
        vectors, catalog = self._vectors_state(), self._catalog_state()
        self.vectors_changed, self.catalog_changed = vectors != self._last_vectors, catalog != self._last_catalog
        self._last_vectors, self._last_catalog = vectors, catalog

    def count(self, table: str, where: str) -> int:
        """Return how many rows of a table are so; 0 while there is no such table."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self._catalog}?mode=ro", uri=True, timeout=5)) as db:
                return int(db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])  # noqa: S608
        except sqlite3.OperationalError:
            return 0

    def _catalog_state(self) -> list[tuple[str, int, int]]:
        return _states(sorted(self._catalog.parent.glob(self._catalog.name + "*")))

    def _vectors_state(self) -> list[tuple[str, int, int]]:
        """Walk rather than glob: a folder may go meanwhile."""
        return _states(sorted(Path(folder, name) for folder, _, names in os.walk(self._vectors) for name in names))


Moment = Callable[[DiskWatch], bool]


def is_killed_at(moment: Moment, data_dir: Path, *command: object) -> bool:
    """Run a command and kill it at a moment. Return whether it was still running then."""
    watch = DiskWatch(data_dir)
    with xunren_process(*command, "--data-dir", data_dir) as process:
        while process.poll() is None:
            watch.sample()
            if moment(watch):
                process.kill()
                process.wait()
                return process.returncode < 0
            time.sleep(BETWEEN_S)
        _, err = process.communicate()
    assert process.returncode == 0, err
    return False


def make_recordings(folder: Path) -> Path:
    """Cut the sample videos into `PIECES` files, so that a run has many moments to be killed at."""
    for camera in ("gate", "street"):
        (folder / camera).mkdir(parents=True)
        for n in range(PIECES // 2):
            source, piece = SAMPLES / camera / f"{camera}.mp4", folder / camera / f"{n}.mp4"
            cut = ["-ss", str(12 * n), "-t", "12", "-i", str(source), "-c", "copy", str(piece)]
            subprocess.run([ffmpeg_path(), "-v", "error", *cut], check=True)
    return folder


def _states(files: list[Path]) -> list[tuple[str, int, int]]:
    states = []
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            states.append((str(file), file.stat().st_mtime_ns, file.stat().st_size))
    return states
