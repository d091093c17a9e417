"""What a camera costs as its scene gets busier, from an empty street to a crowd: cost must grow with what happens.

The same street of the made city is filmed with 0 to N passers-by, by day, at night and in rain (grain, streaks, wet
lens; nobody there), and indexed by the product as an import. Recall is the share of the appearances (one person in
view once, as filmed) of which a crop was stored whose box covers half of the true one at that moment. The films hold
the frames that are looked at and no others, so the decoding here is that of key frames only.

    python -m benchmarks.busy --body training/work/body.npz [--minutes 15] [--walkers 0 5 20 80 240]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from api.composition import open_context
from api.jobs import open_threads
from benchmarks.city import WORK, Appearance
from benchmarks.run import Metric, publish
from indexer.importer import register
from search.config import Settings
from search.models import Embedder
from search.times import zone_of
from search.types import Image, RowKind, Vectors
from training.body import Body, load_body
from training.cast import Member
from training.city import PEOPLE, Boxes, Shot, _appearances, film, ground, shots
from training.city_map import Passing, passings
from training.city_people import citizens

FILMS = WORK / "busy"
SCENES = {"day": "main-street-1", "night": "bridge", "rain": "market-2"}
BUSY = 80
"""Passers-by in a quarter of an hour that count as a busy street, 320 an hour; night and rain get none and so many."""
QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one film: rows by kind, CPU seconds of embedding and of all, clock seconds of decoding and detecting."""

    hours: float
    frames: int
    people: int
    embed_s: float
    cpu_s: float
    clocks: dict[str, float]
    thumbnails: int
    found: int
    appearances: int


class Counted:
    """An embedder whose thread's CPU time is kept; with one torch thread that is all of it."""

    def __init__(self, inner: Embedder) -> None:
        self._start = inner.start_images  # on the CPU, where this measures, it does all
        self.cpu_s = 0.0

    def start_images(self, images: Sequence[Image]) -> Callable[[], Vectors]:
        began = time.thread_time()
        try:
            return self._start(images)
        finally:
            self.cpu_s += time.thread_time() - began


def crowd(shot: Shot, ways: Sequence[Passing], members: Sequence[Member], count: int, length_s: int) -> list[Passing]:
    """So many passings at random moments, on ways that the city's people take past this camera."""
    rng = np.random.default_rng(count)
    made = []
    for n in range(count):
        way, member = ways[int(rng.integers(len(ways)))], members[n % len(members)]
        start = round(float(rng.uniform(1, length_s - 35)), 2)
        made.append(replace(way, who=member.id, camera=shot.spot.id, start=start, end=start + way.end - way.start))
    return sorted(made, key=lambda way: way.start)


def make_film(body: Body, name: str, count: int, length_s: int) -> tuple[Path, list[Appearance]]:
    """The film with so many passers-by and who was to be seen; kept between runs."""
    folder = FILMS / f"{name}-{count}-{length_s}s"
    shot = next(s for s in shots() if s.spot.id == SCENES[name])
    path, truth = folder / shot.spot.id / f"{shot.spot.id}.mp4", folder / "boxes.json"
    if not truth.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        people = citizens(PEOPLE)
        members = [Member(c.id, c.person, (), (), c.speed) for c in people]
        ways = [w for w in passings(people, [ground(s) for s in shots()]) if w.camera == shot.spot.id]
        walks = crowd(shot, ways, members, count, length_s)
        boxes: Boxes = film(body, shot, walks, {m.id: m for m in members}, folder, length_s)
        truth.write_text(json.dumps(boxes))
    seen = [a for boxes in json.loads(truth.read_text()).values() for a in _appearances(shot.spot.id, boxes)]
    return path, [
        Appearance(a["camera"], a["start_ms"], a["end_ms"], {int(b[0]): tuple(b[1:]) for b in a["boxes"]}) for a in seen
    ]


def cost(path: Path, appearances: Sequence[Appearance]) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        s = Settings(data_dir=Path(folder), torch_threads=1)
        with open_context(s) as context, open_threads(context) as executor:
            context.embedder.open()
            context.embedder.embed_images(
                [np.zeros((640, 360, 3), np.uint8)]
            )  # the first call is slower than the others
            counted = Counted(context.embedder)
            context.embedder.start_images = counted.start_images  # type: ignore[method-assign]
            zone, largest = zone_of("UTC"), s.max_megapixels
            register(context.catalog, [path], camera_id=None, start_ms=None, zone=zone, max_megapixels=largest)
            began = time.process_time()
            (report,) = executor.run()
            used = time.process_time() - began
            rows, _ = context.store.sample(10**6)
            crops = [row for row in rows if row.kind is RowKind.PERSON]
            found = sum(any(a.has(r) and a.start_ms <= r.time_ms <= a.end_ms for r in crops) for a in appearances)
            thumbnails = len({(row.segment_id, row.time_ms) for row in rows})
            hours = report.segment.duration_ms / 3_600_000
            clocks = executor.worker.stopwatch.seconds()
        people = len(crops)
        return Cost(hours, len(rows) - people, people, counted.cpu_s, used, clocks, thumbnails, found, len(appearances))


def metrics_of(name: str, c: Cost) -> list[Metric]:
    hour = 1 / c.hours
    found = [Metric(f"{name}: recall of appearances", 100 * c.found / c.appearances, "%")] if c.appearances else []
    return [
        Metric(f"{name}: appearances", c.appearances * hour, "1/h"),
        Metric(f"{name}: rows of people", c.people * hour, "1/h"),
        Metric(f"{name}: rows of whole frames", c.frames * hour, "1/h"),
        Metric(f"{name}: thumbnails", c.thumbnails * hour, "1/h"),
        Metric(f"{name}: CPU of embedding", c.embed_s * hour, "s/h"),
        Metric(f"{name}: decoding (clock of its thread)", c.clocks.get("decode", 0.0) * hour, "s/h"),
        Metric(f"{name}: detecting (clock of its thread)", c.clocks.get("detect", 0.0) * hour, "s/h"),
        Metric(f"{name}: CPU of all", c.cpu_s * hour, "s/h"),
        *found,
    ]


def against_busy(name: str, empty: Cost, busy: Cost) -> list[Metric]:
    rows = 100 * (empty.frames + empty.people) / (busy.frames + busy.people)
    return [
        Metric(f"{name}: rows of the empty street against the busy one", rows, "%"),
        Metric(f"{name}: embedding of the empty street against the busy one", 100 * empty.embed_s / busy.embed_s, "%"),
        Metric(f"{name}: all CPU of the empty street against the busy one", 100 * empty.cpu_s / busy.cpu_s, "%"),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--body", type=Path, required=True, help="see training/README.md")
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--walkers", type=int, nargs="+", default=[0, 5, 20, BUSY, 240], help="a quarter of an hour")
    parser.add_argument("--name", default="busy")
    given = parser.parse_args(arguments)
    length_s, body = 60 * given.minutes, load_body(given.body)
    wanted = [("day", n) for n in sorted({0, BUSY, *given.walkers})] + [
        (s, n) for s in ("night", "rain") for n in (0, BUSY)
    ]
    costs: dict[tuple[str, int], Cost] = {}
    for name, walkers in wanted:
        costs[name, walkers] = cost(*make_film(body, name, walkers * length_s // QUARTER_S, length_s))
        print(name, walkers, costs[name, walkers], flush=True)
    metrics = [m for (name, n), c in costs.items() for m in metrics_of(f"{name}, {4 * n} passers-by an hour", c)]
    metrics += [m for name in SCENES for m in against_busy(name, costs[name, 0], costs[name, BUSY])]
    parameters = {"minutes": given.minutes, "busy": 4 * BUSY, "interval_s": Settings().sample_interval_s,
                  "frame_interval_s": Settings().frame_interval_s, "model": Settings().model}  # fmt: skip
    publish(given.name, parameters, metrics)


if __name__ == "__main__":
    main()
