"""Another model under load: does a search fail, does a row go missing, and how slow is it meanwhile.

`xunren serve` answers ten searches a second while recordings are added all the time; beside them a second index is
built, switched to, rolled back from and switched to again. The second model is the shipped one in another vector space.

    python -m benchmarks.reindex
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from api.composition import open_context
from api.reindex import status
from benchmarks.made_rows import LOOKS
from benchmarks.run import Metric, publish
from search.catalog import Catalog
from search.config import Settings
from tests.conftest import ENVIRON, SAMPLES, serving, xunren_process
from tests.support.turned import turned_model

USERS = 5


@dataclass(slots=True)
class Told:
    """Seconds of the answered searches by phase, and what went wrong."""

    phase: str = "before"
    seconds: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def search(self, url: str, number: int, pause_s: float) -> None:
        """One user, until stopped: `pause_s` between the beginnings of two searches, if the answers allow it."""
        with httpx.Client(base_url=url, timeout=120) as client:
            n = number
            while not self.stop.is_set():
                phase, began, fault = self.phase, time.perf_counter(), ""
                try:
                    answer = client.post("/api/search", json={"query": LOOKS[n % len(LOOKS)]})
                    fault = "" if answer.status_code == 200 and answer.json()["clips"] else answer.text[:200]
                except httpx.HTTPError as e:
                    fault = repr(e)
                took, n = time.perf_counter() - began, n + 1
                with self.lock:
                    self.seconds.setdefault(phase, []).append(took)
                    self.faults += [fault] if fault else []
                self.stop.wait(max(0.0, pause_s - took))


def arriving(data_dir: Path, folder: Path, stop: threading.Event, done: list[int]) -> None:
    """Recordings come, one after another, through the running server."""
    number = 0
    while not stop.is_set():
        number += 1
        copy = folder / f"live-{number}" / "square.mp4"
        copy.parent.mkdir(parents=True)
        copy.write_bytes((SAMPLES / "square" / "square.mp4").read_bytes() + b"\0\0\0\x08free" * number)
        words = ("index", copy, "--camera", f"live-{number}", "--start", f"2026-11-03T{number % 24:02}:00")
        with xunren_process(*words, "--data-dir", data_dir) as process:
            process.communicate()
            done.append(process.returncode)
        stop.wait(5.0)


def asked(url: str, what: str, body: dict[str, Any]) -> float:
    """Seconds that a step took."""
    began = time.perf_counter()
    httpx.post(f"{url}/api/reindex{what}", json=body, timeout=600).raise_for_status()
    return time.perf_counter() - began


def waited(catalog: Catalog, enough: Callable[[list[dict[str, Any]]], bool]) -> None:
    """Until the indexes are so."""
    until = time.monotonic() + 900
    while not enough(status(catalog)["indexes"]):
        if time.monotonic() > until:
            raise TimeoutError(status(catalog))
        time.sleep(0.5)


def measure(seconds: float) -> Iterator[Metric]:
    """The whole run."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir, model = Path(folder) / "data", turned_model(Path(folder) / "turned")
        with xunren_process("index", SAMPLES, "--data-dir", data_dir) as process:
            process.communicate()
        told, indexed = Told(), list[int]()
        with serving(data_dir) as (url, _), Catalog(Settings(data_dir=data_dir).catalog_address) as catalog:
            users = [threading.Thread(target=told.search, args=(url, n, USERS / 10)) for n in range(USERS)]
            live = threading.Thread(target=arriving, args=(data_dir, Path(folder) / "live", told.stop, indexed))
            for thread in (*users, live):
                thread.start()
            try:
                time.sleep(seconds)
                told.phase, began = "building", time.perf_counter()
                asked(url, "", {"model": model})
                waited(catalog, lambda found: any(index["state"] == "ready" for index in found))
                built = time.perf_counter() - began
                told.phase = "switching"
                took = [asked(url, what, {}) for what in ("/switch", "/rollback", "/switch")]
                told.phase = "after"
                time.sleep(seconds)
            finally:
                told.stop.set()
                for thread in (*users, live):
                    thread.join()
            waited(catalog, lambda found: not any(index["missing"] for index in found))
        missing, both = compared(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
    for fault in told.faults[:5]:
        print("fault:", fault)
    every = [one for found in told.seconds.values() for one in found]
    yield Metric("searches", len(every), "")
    yield Metric("searches that failed or found nothing", len(told.faults), "")
    yield Metric("rows that only one of the two indexes has", missing, "")
    yield Metric("rows in both", both, "")
    yield Metric("recordings indexed meanwhile", sum(code == 0 for code in indexed), "")
    yield Metric("`xunren index` that failed", sum(code != 0 for code in indexed), "")
    yield Metric("building", built, "s")
    for name, value in zip(("switch", "roll-back", "second switch"), took, strict=True):
        yield Metric(f"{name}, with verifying and loading", value, "s")
    for phase, found in told.seconds.items():
        yield Metric(f"searches {phase}", len(found), "")
        for percent in (50, 95):
            yield Metric(f"whole search over HTTP {phase}, p{percent}", float(np.percentile(found, percent)), "s")


def compared(data_dir: Path) -> tuple[int, int]:
    """How many rows only one of the indexes has, and how many both have."""
    with open_context(Settings(data_dir=data_dir)) as context:
        old, new = (index.store.ids() for index in context.indexes.written())
    return len(old ^ new), len(old & new)


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="before, and after")
    options = parser.parse_args()
    os.environ.update(ENVIRON)
    publish("reindex", vars(options), list(measure(options.seconds)))


if __name__ == "__main__":
    main()
