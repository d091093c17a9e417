"""The search for a person as a whole: an operator who watches clips until the trail is complete.

The person was last seen where they first appear; all their later appearances are to be found. The operator watches
clips from the beginning of a list and no moment twice, knows the person when they see them (the rule of
``benchmarks/quality.py``), and stops when nothing is left to be found or `MOST` clips were watched. They use

- the list of the sentence alone;
- the same, and what is within reach of the last place comes first;
- marks: every right clip is marked, and the list is made anew;
- marks and follow: they begin where and when the person was last seen, and from each right clip they follow first, a
  page of what can be reached before and after it.

    python -m benchmarks.operators [--people N]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.city import OLD, City, Person, Rows, city_index, load_city
from benchmarks.run import Metric, publish
from search.config import Settings
from search.engine import SearchEngine
from search.geo import WALKING_MPS, Point, Reach
from search.query import Query
from search.ranking import track_of
from search.types import Clip, Filter, Row

MOST = 300
PAGE = 12
LAST_SEEN_MS = 120_000  # a witness is right about the time by so much


@dataclass(frozen=True, slots=True)
class Way:
    """How an operator works."""

    name: str
    reach: bool = False
    marks: bool = False
    follow: bool = False


WAYS = (
    Way("the list alone"),
    Way("with reach", reach=True),
    Way("with marks", marks=True),
    Way("with reach and marks", reach=True, marks=True),
    Way("with reach, marks and follow", reach=True, marks=True, follow=True),
)


@dataclass
class Operator:
    """One search for one person."""

    engine: SearchEngine
    city: City
    crops: Callable[[Row], Sequence[str]]
    person: Person
    text: str
    left: set[int]
    way: Way
    sightings: list[Clip] = field(default_factory=list)
    watched: int = 0
    seen: list[tuple[str, int, int]] = field(default_factory=list)

    def work(self) -> int:
        """Clips watched until nothing is left to be found, at most `MOST`."""
        if self.way.follow and (hit := self._watch(self._last_seen(), PAGE, any_of_them=True)):
            self._go_on(hit)
        while self.left and self.watched < MOST:
            hit = self._watch(self._list(), MOST)
            if hit is None:
                break
            self._go_on(hit)
        return self.watched if not self.left else MOST

    def _go_on(self, hit: Clip) -> None:
        """Follow from a sighting, and from those that are found so."""
        queue = [hit] if self.way.follow else []
        while queue and self.left and self.watched < MOST:
            start = queue.pop()
            while self.left and (found := self._watch(self._following(start), PAGE)) is not None:
                queue.append(found)

    def _watch(self, clips: Iterable[Clip], most: int, *, any_of_them: bool = False) -> Clip | None:
        """Watch until a clip shows something new of the person, which is confirmed; None: none of the first `most`."""
        fresh = 0
        for clip in clips:
            if any(
                camera == clip.camera_id and start <= clip.best.row.time_ms < end for camera, start, end in self.seen
            ):
                continue
            if fresh >= most or self.watched >= MOST:
                return None
            fresh += 1
            self.watched += 1
            self.seen.append((clip.camera_id, clip.start_ms, clip.end_ms))
            number = self.person.shown_by(clip)
            if number is not None:
                self.sightings.append(clip)
                if number in self.left or any_of_them:
                    self.left.discard(number)
                    return clip
        return None

    def _was_watched(self, clip: Clip) -> bool:
        at = clip.best.row.time_ms
        return any(camera == clip.camera_id and start <= at < end for camera, start, end in self.seen)

    def _list(self) -> Iterator[Clip]:
        like = tuple(clip.id for clip in self.sightings) if self.way.marks else ()
        reach = Reach(self._points(), WALKING_MPS) if self.way.reach else None
        return self._pages(Query(self.text, like=like, reach=reach, without=OLD))

    def _last_seen(self) -> Iterator[Clip]:
        first = self.person.appearances[0]
        start, end = first.start_ms - LAST_SEEN_MS, first.start_ms + LAST_SEEN_MS
        return self._pages(Query(self.text, Filter(cameras=(first.camera,), start_ms=start, end_ms=end), without=OLD))

    def _following(self, clip: Clip) -> Iterator[Clip]:
        like = tuple(self.crops(clip.best.row))
        reach = Reach(self._points(), WALKING_MPS, hard=True)
        return self._pages(Query(self.text, like=like, reach=reach, without=OLD))

    def _pages(self, query: Query) -> Iterator[Clip]:
        answer = self.engine.search(query)
        yield from answer.clips
        start = len(answer.clips)
        while answer.more and start < 2 * MOST:
            answer = self.engine.page(answer.id, start, PAGE)
            yield from answer.clips
            start += PAGE

    def _points(self) -> tuple[Point, ...]:
        first = self.person.appearances[0]
        where = [(first.camera, first.start_ms), *((c.camera_id, c.best.row.time_ms) for c in self.sightings)]
        return tuple(Point(self.city.cameras[id_]["lat"], self.city.cameras[id_]["lon"], at) for id_, at in where)


def trails(engine: SearchEngine, city: City, rows: Sequence[Row], people: Sequence[Person]) -> Iterator[Metric]:
    """Clips watched until the trail is complete, for each way of working and each language; short sentences."""
    tracks: dict[object, list[str]] = {}
    for row in rows:
        tracks.setdefault(track_of(row), []).append(row.id)
    to_find = [(person, set(range(1, len(person.appearances))) & findable(person, rows)) for person in people]
    to_find = [(person, left) for person, left in to_find if left]
    yield Metric("places to be found, mean", statistics.mean(len(left) for _, left in to_find), "")
    for lang in ("en", "zh"):
        for way in WAYS:
            done = [
                Operator(
                    engine, city, lambda row: tracks[track_of(row)], person, person.sentences[lang][-1], set(left), way
                )
                for person, left in to_find
            ]
            yield from _told(f"clips until the trail is complete, {way.name}, {lang}", [each.work() for each in done])


def _told(name: str, counts: Sequence[int]) -> list[Metric]:
    complete = 100 * sum(count < MOST for count in counts) / len(counts)
    found = [
        Metric(f"{name}: median", statistics.median(counts), ""),
        Metric(f"{name}: nine of ten", statistics.quantiles(counts, n=10)[-1], ""),
        Metric(f"{name}: mean", statistics.mean(counts), ""),
        Metric(f"{name}: complete before {MOST}", complete, "%"),
    ]
    print(*(f"{m.name} {m.value:.4g}" for m in found), sep="; ", flush=True)
    return found


def findable(person: Person, rows: Sequence[Row]) -> set[int]:
    """Numbers of the appearances of which there is a row: the others nobody can find."""
    found = set()
    for n, seen in enumerate(person.appearances):
        near = (
            r for r in rows if r.camera_id == seen.camera and r.start_ms <= seen.end_ms and r.end_ms >= seen.start_ms
        )
        if any(seen.has(row) for row in near):
            found.add(n)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=Settings().model)
    parser.add_argument("--people", type=int, default=150, help="search for so many of the 150")
    given = parser.parse_args(arguments)
    with city_index(given.model) as context:
        city = load_city()
        rows = Rows.of(context.store)
        engine = SearchEngine(context.settings, context.embedder, rows.store(), context.catalog)
        people = city.people[: given.people]
        metrics = list(trails(engine, city, rows.rows, people))
    publish("operators", {"model": given.model, "people": len(people), "rows": len(rows.rows)}, metrics)


if __name__ == "__main__":
    main()
