"""The trail of a person: confirmed sightings in order of time, and whether each way can be walked in its time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.geo.reachability import SLACK_M, SLACK_MS, Point, distance_m

FASTER = 2.5
"""A person may have gone this many times as fast as usual: they ran, or somebody took them along."""
LAST_SEEN = 0
"""Number of the stop where the person was last seen; sightings are numbered from 1."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place where the person was, in degrees if known, and when, in Unix ms. `number` is the sighting's."""

    number: int
    time_ms: int
    camera_id: str = ""
    place: str = ""
    lat: float | None = None
    lon: float | None = None

    @property
    def point(self) -> Point | None:
        """Return where and when it was; None without coordinates."""
        return None if self.lat is None or self.lon is None else Point(self.lat, self.lon, self.time_ms)

    @property
    def name(self) -> str:
        """Return the name to display: the camera, the place or the coordinates."""
        where = "" if self.point is None else f"{self.lat:.5f}, {self.lon:.5f}"
        return self.camera_id or self.place or where or "an unknown place"


@dataclass(frozen=True, slots=True)
class Step:
    """The way from one stop to the next.

    `metres` is great-circle, None where a stop has no coordinates. `needed_mps` is the least speed of the person, with
    `SLACK_M` and `SLACK_MS` in their favour. `possible` is None where it is unknown; `why` is the reason unless it is
    True.
    """

    start: Stop
    end: Stop
    metres: float | None
    seconds: float
    needed_mps: float | None
    possible: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trail:
    """Stops in order of time, and the steps between them."""

    stops: tuple[Stop, ...]
    steps: tuple[Step, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """Return the points of the stops with coordinates."""
        return tuple(stop.point for stop in self.stops if stop.point)


def trail(stops: Iterable[Stop], speed_mps: float) -> Trail:
    """Return the trail of a person whose usual speed is `speed_mps`, metres a second."""
    ordered = tuple(sorted(stops, key=lambda s: (s.time_ms, s.number)))
    return Trail(ordered, tuple(step(a, b, speed_mps) for a, b in itertools.pairwise(ordered)))


def step(start: Stop, end: Stop, speed_mps: float) -> Step:
    """Return the step from `start` to `end`, which is not earlier."""
    seconds = (end.time_ms - start.time_ms) / 1000
    metres = _metres(start, end)
    if metres is None:
        lost = [stop.name for stop in (start, end) if stop.point is None]
        why = f"nobody can say: {' and '.join(lost)} {'has' if len(lost) == 1 else 'have'} no coordinates"
        return Step(start, end, None, seconds, None, None, why)
    needed = max(0.0, metres - SLACK_M) / (seconds + SLACK_MS / 1000)
    possible = needed <= FASTER * speed_mps
    why = "" if possible else _jump(start, end, metres, seconds, needed, speed_mps)
    return Step(start, end, metres, seconds, needed, possible, why)


def beside(trail: Trail, number: int, speed_mps: float) -> tuple[Stop, ...]:
    """Return a stop with the nearest ones before and after it that it can be reached from, those with coordinates.

    Raises:
        KeyError: there is no such stop.
    """
    index = next((at for at, stop in enumerate(trail.stops) if stop.number == number), None)
    if index is None:
        raise KeyError(number)
    stop = trail.stops[index]
    before = (s for s in reversed(trail.stops[:index]) if s.point and step(s, stop, speed_mps).possible is not False)
    after = (s for s in trail.stops[index + 1 :] if s.point and step(stop, s, speed_mps).possible is not False)
    chosen: Sequence[Stop | None] = (next(before, None), stop if stop.point else None, next(after, None))
    return tuple(s for s in chosen if s)


def _metres(start: Stop, end: Stop) -> float | None:
    if start.point and end.point:
        return distance_m(start.point.lat, start.point.lon, end.point.lat, end.point.lon)
    return 0.0 if start.camera_id and start.camera_id == end.camera_id else None


def _jump(start: Stop, end: Stop, metres: float, seconds: float, needed: float, speed_mps: float) -> str:
    if not seconds:
        return f"at {start.name} and {end.name} at the same moment, {_length(metres)} apart"
    return (
        f"{_length(metres)} from {start.name} to {end.name} in {_duration(seconds)}: that is at least {needed:.1f} m/s,"
        f" more than {FASTER:g} times the usual {speed_mps:.1f} m/s"
    )


def _length(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 995 else f"{metres / 1000:.1f} km"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest if not hours else 0, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "less than a second"
