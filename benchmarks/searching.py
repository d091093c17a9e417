"""How long a search takes, of 10,000 to a million rows, on Milvus Lite and on a Milvus server, for 1, 10 and 50 users.

A search is the product's whole way from a sentence to JSON: `SearchEngine.search` and `Answer.as_dict`, with the
shipped model's text tower, over a made week of 200 cameras (`benchmarks.made_rows`) that was stored through the
product's own store and catalogue. It is timed as a whole and by its parts. Users are threads on one engine, each asking
again as soon as it is answered. Recall is the share of the exact best 100 rows (numpy over the same vectors) that the
store gives.

What was made is kept in `benchmarks/work/searching`, and so are the numbers of each store and size: a run measures what
it is asked to and publishes all there are.

    python -m benchmarks.searching [--rows 10000 100000 1000000] [--store lite|server|both] [--seconds 8]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import search.engine
from benchmarks import made_rows
from benchmarks.made_rows import CAMERAS, DAYS, END_MS, LOOKS, START_MS, City, camera_id
from benchmarks.run import Metric, publish
from search.catalog import Catalog
from search.config import Settings
from search.engine import SearchEngine
from search.errors import Unavailable, XunrenError
from search.models import make_embedder
from search.query import Query
from search.ranking import ClipAssembler
from search.times import zone_of
from search.types import Filter, Vectors
from search.vector_store import MilvusStore
from tests.support.milvus_server import running_milvus

WORK = Path(__file__).parent / "work" / "searching"
USERS = (1, 10, 50)
STORES = ("lite", "server")
HOUR_MS = 3_600_000
TOP = 100
ASKED = 20  # sentences whose rows are compared with the exact ones
FILTERS = ("no filter", "one camera", "one hour", "5 % of the cameras")
PARTS = ("text tower", "store", "catalogue and joining", "coverage", "JSON")
_PIECE = "exact.json"


# what is asked ------------------------------------------------------------------------------------------------------


def made_filter(kind: str, r: random.Random) -> Filter:
    if kind == "one camera":
        return Filter(cameras=(camera_id(r.randrange(CAMERAS)),))
    if kind == "one hour":
        start = r.randrange(START_MS, END_MS - HOUR_MS)
        return Filter(start_ms=start, end_ms=start + HOUR_MS)
    if kind == "5 % of the cameras":
        return Filter(cameras=tuple(map(camera_id, sorted(r.sample(range(CAMERAS), CAMERAS // 20)))))
    return Filter()


def asked_filters() -> Iterator[tuple[str, int, Filter]]:
    """(kind, number of the look, filter) of the searches whose rows are compared."""
    r = random.Random(1)
    for kind in FILTERS:
        for n in range(ASKED):
            yield kind, 23 * n % len(LOOKS), made_filter(kind, r)


def exact_scores(city: City) -> list[list[float]]:
    """For each of `asked_filters` the cosines of the best `TOP` rows, by numpy; best first."""
    asked = list(asked_filters())
    queries = city.looks[[look for _, look, _ in asked]]
    best: list[Vectors] = [np.empty(0, np.float32)] * len(asked)
    for piece in city:
        if not piece.rows:
            continue
        life = np.array([(row.start_ms, row.end_ms) for row in piece.rows])
        cosines = piece.vectors @ queries.T
        for n, (_, _, where) in enumerate(asked):
            if where.cameras and piece.rows[0].camera_id not in where.cameras:
                continue
            fits = (life[:, 1] >= (where.start_ms or 0)) & (life[:, 0] < (where.end_ms or END_MS))
            best[n] = np.sort(np.concatenate([best[n], cosines[fits, n]]))[::-1][:TOP]
    return [scores.tolist() for scores in best]


def recall(store: MilvusStore, city: City, exact: Sequence[Sequence[float]]) -> dict[str, float]:
    """By kind of filter: the share of the exact best rows that the store gives; a row is known by its cosine."""
    right: defaultdict[str, list[float]] = defaultdict(list)
    for (kind, look, where), scores in zip(asked_filters(), exact, strict=True):
        if scores:
            floor = scores[-1] - 1e-5
            found = sum(hit.score >= floor for hit in store.search(city.looks[look], len(scores), where))
            right[kind].append(found / len(scores))
    return {kind: statistics.fmean(shares) for kind, shares in right.items()}


# timing -------------------------------------------------------------------------------------------------------------


class Watch:
    """Seconds that this thread has spent in each part of its search."""

    def __init__(self) -> None:
        self._mine = threading.local()

    def timed(self, owner: Any, name: str, part: str) -> None:
        """Count the time of `owner`'s function `name` as `part`'s from now on."""
        function: Callable[..., Any] = getattr(owner, name)

        def counted(*args: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                self.add(part, time.perf_counter() - began)

        setattr(owner, name, counted)

    def add(self, part: str, seconds: float) -> None:
        spent = self._spent()
        spent[part] = spent.get(part, 0.0) + seconds

    def taken(self) -> dict[str, float]:
        """What was counted since the last time."""
        spent, self._mine.spent = self._spent(), {}
        return spent

    def _spent(self) -> dict[str, float]:
        if not hasattr(self._mine, "spent"):
            self._mine.spent = {}
        spent: dict[str, float] = self._mine.spent
        return spent


@dataclass(slots=True)
class Times:
    """Of searches: seconds as a whole and by part, and how many failed."""

    whole: list[float] = field(default_factory=list)
    parts: list[dict[str, float]] = field(default_factory=list)
    errors: int = 0


def ask(engine: SearchEngine, watch: Watch, kind: str, users: int, seconds: float) -> Times:
    """So many users for so many seconds; each asks at least once."""
    times, until, zone = Times(), time.monotonic() + seconds, zone_of("UTC")

    def one(r: random.Random) -> None:
        began = time.perf_counter()
        answer = engine.search(Query(r.choice(LOOKS), made_filter(kind, r)))
        written = time.perf_counter()
        json.dumps(answer.as_dict(zone, lambda clip: f"/api/thumbnails/{clip.id}.jpg"), ensure_ascii=False)
        ended = time.perf_counter()
        watch.add("JSON", ended - written)
        times.whole.append(ended - began)
        times.parts.append(watch.taken())

    def user(number: int) -> None:
        r = random.Random(f"{kind} {users} {number}")
        while True:
            try:
                one(r)
            except XunrenError as e:
                times.errors += 1
                print(kind, users, "users:", e)
            if time.monotonic() >= until:
                return

    threads = [threading.Thread(target=user, args=(n,)) for n in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def timings(engine: SearchEngine, watch: Watch, name: str, seconds: float) -> Iterator[Metric]:
    for kind in FILTERS:
        ask(engine, watch, kind, 1, 0)
        for users in USERS:
            times = ask(engine, watch, kind, users, seconds)
            label = f"{name}, {kind}, {users} user{'s' if users > 1 else ''}"
            for percent in (50, 95, 99):
                yield Metric(f"{label}: p{percent}", 1000 * float(np.percentile(times.whole, percent)), "ms")
            yield Metric(f"{label}: searches", len(times.whole) / max(seconds, sum(times.whole) / users), "/s")
            yield Metric(f"{label}: errors", times.errors, "")
            if users == 1:
                yield from _by_part(label, times)


def _by_part(label: str, times: Times) -> Iterator[Metric]:
    for part in PARTS:
        yield Metric(f"{label}: {part}, p50", 1000 * statistics.median(p.get(part, 0) for p in times.parts), "ms")
    ratios = [w / (p["store"] + p["text tower"]) for w, p in zip(times.whole, times.parts, strict=True)]
    yield Metric(f"{label}: whole / (store + text tower), p50", statistics.median(ratios), "")


# one store of one size ----------------------------------------------------------------------------------------------


@contextmanager
def address_of(kind: str, folder: Path) -> Iterator[str]:
    if kind == "lite":
        yield str(folder / "vectors.db")
        return
    home = folder / "server"
    home.mkdir(exist_ok=True)
    with running_milvus(home, keep=True) as address:
        yield address


def measured(kind: str, rows: int, seconds: float) -> list[Metric]:
    """All numbers of one store of one size; in a process of its own, for its memory."""
    folder = WORK / str(rows)
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(data_dir=folder)
    embedder = make_embedder(settings)
    city = City(rows, embedder.embed_texts(LOOKS))
    name, watch = f"{kind}, {rows:,} rows", Watch()
    with address_of(kind, folder) as address, Catalog(settings.catalog_address) as catalog:
        began = time.monotonic()
        with MilvusStore(address, collection="xunren", dim=city.looks.shape[1]) as store:
            opened = time.monotonic() - began
            _make(city, store, catalog, folder)
            made_rows.recording(catalog)
            engine = SearchEngine(settings, embedder, store, catalog)
            engine.warm_up()
            found = recall(store, city, json.loads((folder / _PIECE).read_text()))
            metrics = [Metric(f"{name}: open", opened, "s"), Metric(f"{name}: load before", os.getloadavg()[0], "")]
            metrics += [Metric(f"{name}, {part}: recall at {TOP}", share, "") for part, share in found.items()]
            for owner, call, part in (
                *((store, call, "store") for call in ("search", "count", "get")),
                (embedder, "embed_texts", "text tower"),
                (ClipAssembler, "clips", "catalogue and joining"),
                (search.engine, "answer_gaps", "coverage"),
            ):
                watch.timed(owner, call, part)
            metrics += timings(engine, watch, name, seconds)
            return [*metrics, Metric(f"{name}: memory of this process", _mib(psutil.Process()), "MiB"), *_server(name)]


def _make(city: City, store: MilvusStore, catalog: Catalog, folder: Path) -> None:
    """What is not there yet: the catalogue, the rows, and the exact answers."""
    if not (folder / "catalogue").exists():
        made_rows.fill_catalogue(city, catalog)
        (folder / "catalogue").touch()
    for stored in made_rows.fill(city, store, _there(store)):
        print(f"{stored:,} rows stored", flush=True)
    if not (folder / _PIECE).exists():
        (folder / _PIECE).write_text(json.dumps(exact_scores(city)))


def _there(store: MilvusStore) -> int:
    """How many rows are stored; a server that was just started reads its log first, for minutes."""
    for _ in range(9):
        try:
            return store.count()
        except Unavailable as e:
            print(e, flush=True)
    return store.count()


def _server(name: str) -> list[Metric]:
    children = psutil.Process().children(recursive=True)
    mib = sum(_mib(child) for child in children if "milvus" in " ".join(child.cmdline()))
    return [Metric(f"{name}: memory of the server", mib, "MiB")] if mib else []


def _mib(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 2**20)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--store", choices=(*STORES, "both"), default="both")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each filter and number of users")
    given = parser.parse_args(arguments)
    for rows in given.rows:
        for kind in STORES if given.store == "both" else (given.store,):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
                metrics = alone.submit(measured, kind, rows, given.seconds).result()
            (WORK / str(rows) / f"{kind}.json").write_text(json.dumps([asdict(m) for m in metrics]))
    files = sorted(WORK.glob("*/*.json"), key=lambda file: (int(file.parent.name), file.name))
    all_metrics = [Metric(**m) for f in files if f.stem in STORES for m in json.loads(f.read_text())]
    publish("searching", {"cameras": CAMERAS, "days": DAYS, "seconds": given.seconds, "users": USERS}, all_metrics)


if __name__ == "__main__":
    main()
