"""How work grows with workers: 1 to N processes on Ray on this machine's cores, and with one killed every 30 s.

A Milvus server and a SQLite catalogue, the sample videos under as many camera names as `--copies` says. Every run
indexes the same recordings into an empty place; the clock runs from the first recording that is begun to the last that
is done, without the start of Ray and models. Rows of all runs must be equal.

    python -m benchmarks.scaling [--copies 12] [--workers 1 2] [--kill-s 30]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from api.composition import open_context
from api.jobs import open_executor
from api.runtime import AppContext
from benchmarks.run import Metric, publish
from indexer.importer import register
from search.config import Settings
from search.times import zone_of
from search.types import Segment
from tests.conftest import SAMPLES
from tests.support.milvus_server import running_milvus


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds from the first recording begun to the last done, rows, and how many workers were killed."""

    seconds: float
    rows: frozenset[str]
    killed: int


def measured(store_uri: str, films: Path, workers: int, kill_s: float) -> Run:
    """Index `films` by so many processes; `kill_s` > 0: with one killed so often."""
    with tempfile.TemporaryDirectory() as folder:
        s = Settings(
            data_dir=Path(folder), store_uri=store_uri, executor="ray", ray_workers=workers, workers=1, timezone="UTC"
        )
        with open_context(s) as context:
            for id_ in context.store.count_by_segment():  # of the run before
                context.store.delete_segment(id_)
            register(context.catalog, [films], camera_id=None, start_ms=None, zone=zone_of("UTC"), max_megapixels=17)
            return _run(context, kill_s)


def _run(context: AppContext, kill_s: float) -> Run:
    began: list[float] = []
    killed: list[int] = []

    def progress(_segment: Segment, _offset_ms: int) -> None:
        began.append(time.monotonic())

    with open_executor(context) as executor, _killing(kill_s, began, killed):
        reports = list(executor.run(progress))
        seconds = time.monotonic() - began[0]
    rows = frozenset(context.store.ids())
    if {str(report.state) for report in reports} != {"indexed"} or context.store.count() != len(rows):
        raise RuntimeError("not every recording is indexed, or some rows are there twice")
    return Run(seconds, rows, len(killed))


@contextlib.contextmanager
def _killing(kill_s: float, began: list[float], killed: list[int]) -> Iterator[None]:
    """Kill one of the workers every `kill_s` seconds after the first recording was begun."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.2):
            if began and time.monotonic() - began[0] > kill_s * (len(killed) + 1) and (there := _workers()):
                os.kill(there[len(killed) % len(there)], signal.SIGKILL)
                killed.append(1)

    thread = threading.Thread(target=kill, daemon=True)
    if kill_s:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if kill_s:
            thread.join()


def _workers() -> list[int]:
    found = []
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "ray::_Actor" in " ".join(one.cmdline()):
                found.append(one.pid)
    return found


def copied(folder: Path, copies: int) -> Path:
    """The sample videos under `copies` times as many camera names."""
    for film in sorted(SAMPLES.glob("*/*.mp4")):
        for n in range(copies):
            place = folder / f"{film.stem}-{n}"
            place.mkdir()
            shutil.copy2(film, place / film.name)
    return folder


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--copies", type=int, default=12, help="of each of the four sample videos, a minute each")
    parser.add_argument("--workers", type=int, nargs="+", default=list(range(1, (os.cpu_count() or 1) + 1)))
    parser.add_argument("--kill-s", type=float, default=30.0)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        films = Path(folder) / "films"
        films.mkdir()
        copied(films, given.copies)
        milvus = Path(folder) / "milvus"
        milvus.mkdir()
        with running_milvus(milvus) as store_uri:
            runs = {n: measured(store_uri, films, n, 0) for n in given.workers}
            most = max(given.workers)
            disturbed = measured(store_uri, films, most, given.kill_s)
    first = runs[given.workers[0]]
    equal = all(run.rows == first.rows for run in [*runs.values(), disturbed])
    metrics = [
        *(Metric(f"{n} workers: seconds", run.seconds, "s") for n, run in runs.items()),
        *(Metric(f"{n} workers: speed-up", first.seconds / run.seconds, "x") for n, run in runs.items()),
        Metric(f"{most} workers, one killed every {given.kill_s:g} s: seconds", disturbed.seconds, "s"),
        Metric("killed", disturbed.killed, ""),
        Metric("time lost by that", disturbed.seconds / runs[most].seconds - 1, "share"),
        Metric("rows", len(first.rows), ""),
        Metric("all runs have the same rows", float(equal), "1: yes"),
    ]
    publish("scaling", {"recordings": 4 * given.copies, "minutes": 4 * given.copies, "kill_s": given.kill_s}, metrics)


if __name__ == "__main__":
    main()
