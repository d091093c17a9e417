"""Many users of one town search at once while recordings are being indexed: is anything lost, and how slow is it.

Each user signs in, opens a case and searches it as the page does, over HTTP; beside them recordings are added to the
index all the time. Afterwards the record must hold one entry for every answer that anybody got, and its chain must be
whole. Numbers of a small shared machine: read them beside the number of cores.

    python -m benchmarks.users --users 50 --seconds 300
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from api.accounts import FULL_SCOPE, AccountInput, AccountStore, UserRole
from api.audit import AuditFilter, AuditLog
from benchmarks.made_rows import LOOKS
from benchmarks.run import Metric, publish
from search.catalog import Catalog
from search.config import Settings
from tests.conftest import ENVIRON, SAMPLES, serving, xunren_process

PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that go away with the folder
TOWN = {name: value for name, value in ENVIRON.items() if name not in ("XUNREN_ACCOUNTS", "XUNREN_REQUIRE_CASE")}
INDEX_EVERY_S = 10.0


@dataclass(slots=True)
class Told:
    """What all users were answered."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    answers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, took_s: float, response: httpx.Response) -> None:
        with self.lock:
            self.seconds.append(took_s)
            self.statuses[response.status_code] += 1
            if response.status_code == 200:
                self.answers.append(response.json()["id"])
            else:
                self.faults.append(response.text[:200])


def user(url: str, number: int, until: float, told: Told) -> None:
    """One operator."""
    r = random.Random(number)
    with httpx.Client(base_url=url, timeout=120) as client:
        signed = client.post("/api/login", json={"name": f"user-{number}", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = signed.json()["csrf"]
        case = client.post("/api/cases", json={"name": f"person {number}", "queries": ["red"]}).json()["id"]
        while time.monotonic() < until:
            body = {"query": r.choice(LOOKS), "case": case, "reason": "report no. 17"}
            began = time.perf_counter()
            try:
                response = client.post("/api/search", json=body)
            except httpx.HTTPError as e:
                with told.lock:
                    told.faults.append(repr(e))
                continue
            told.add(time.perf_counter() - began, response)


@contextmanager
def live_indexing(data_dir: Path, folder: Path) -> Iterator[list[int]]:
    """Recordings are added through the running server; the list has the exit status of each `xunren index`."""
    stop, done = threading.Event(), list[int]()

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            copy = folder / f"live-{number}" / "square.mp4"
            copy.parent.mkdir(parents=True)
            data = (SAMPLES / "square" / "square.mp4").read_bytes()
            copy.write_bytes(data + b"\0\0\0\x08free" * number)  # another content, the same pictures
            start = f"2026-11-03T{number % 24:02}:00"
            words = ("--data-dir", data_dir, "index", copy, "--camera", f"live-{number}", "--start", start)
            with xunren_process(*words, environ=TOWN) as process:
                process.communicate()
                done.append(process.returncode)
            stop.wait(INDEX_EVERY_S)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def measure(users: int, seconds: float) -> Iterator[Metric]:
    """The whole run."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        with xunren_process("--data-dir", data_dir, "index", SAMPLES, environ=TOWN) as process:
            process.communicate()
        with Catalog(Settings(data_dir=data_dir).catalog_address) as catalog:
            accounts = AccountStore(catalog)
            for number in range(users):
                accounts.add(AccountInput(f"user-{number}", frozenset({UserRole.OPERATOR}), FULL_SCOPE), PASSWORD)
        told = Told()
        with serving(data_dir, TOWN) as (url, _), live_indexing(data_dir, Path(folder) / "live") as indexed:
            until = time.monotonic() + seconds
            threads = [threading.Thread(target=user, args=(url, n, until, told)) for n in range(users)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with Catalog(Settings(data_dir=data_dir).catalog_address) as catalog:
            audit_log = AuditLog(catalog)
            head = audit_log.verify()
            kept = set(_answers(audit_log))
        shutil.rmtree(data_dir, ignore_errors=True)
    for fault in told.faults[:5]:
        print("fault:", fault)
    yield Metric("users", users, "")
    yield Metric("searches answered", told.statuses[200], "")
    yield Metric("searches a second", told.statuses[200] / seconds, "/s")
    yield Metric("errors", len(told.faults), "")
    for percent in (50, 95, 99):
        yield Metric(f"whole search over HTTP, p{percent}", float(np.percentile(told.seconds, percent)), "s")
    yield Metric("recordings indexed beside", sum(status == 0 for status in indexed), "")
    yield Metric("`xunren index` that failed", sum(status != 0 for status in indexed), "")
    yield Metric("entries of the record, chain whole", head.number, "")
    yield Metric("answers without an entry", len(set(told.answers) - kept), "")


def _answers(audit_log: AuditLog) -> Iterator[str]:
    before = None
    while found := audit_log.find(AuditFilter(action="search", before=before, limit=1000)):
        yield from (entry.act.details["shown"]["answer"] for entry in found if "shown" in entry.act.details)
        before = found[-1].number


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    publish("users", vars(options), list(measure(options.users, options.seconds)))


if __name__ == "__main__":
    main()
