"""Reach of a person: a circle around the place where they were seen, which widens with time.

A person was at one or more points (last seen, confirmed sightings). Between two points they must have walked from one
to the other; before the first and after the last the circle is open. Distances are great-circle; streets are longer, so
the circle is rather too wide.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from search.errors import BadInput
from search.types import MAX_TIME_MS, Camera, Clip, Window, check_time_ms

WALKING_MPS, RIDING_MPS = 1.4, 5.0
SLACK_M = 120.0
"""A camera sees some way down its street, and a place "at the school" is not a point."""
SLACK_MS = 60_000
"""Clocks differ, and "about three" is not a second."""
MOST_OFF = 3.0
"""Largest penalty on a score for being out of reach."""

_EARTH_M = 6_371_000.0
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Point:
    """Place of a person in degrees, and time in Unix ms."""

    lat: float
    lon: float
    time_ms: int

    def __post_init__(self) -> None:
        check_time_ms(self.time_ms, "the time of a place")
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise BadInput("not a place on earth", got=(self.lat, self.lon), expected="latitude ±90, longitude ±180")


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the great-circle distance in metres of two places in degrees (haversine formula)."""
    a, b = math.radians(lat1), math.radians(lat2)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))


@dataclass(frozen=True, slots=True)
class Reach:
    """Points in order of time, the speed of the person (metres a second), and the places of the cameras.

    `hard`: clips out of reach are left out. A camera without coordinates counts as within reach.
    """

    points: tuple[Point, ...]
    speed_mps: float = WALKING_MPS
    hard: bool = False
    places: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not self.points:
            raise BadInput("nobody knows where the person was", cure="give a place and a time where they were seen")
        if not 0.1 <= self.speed_mps <= 60:
            raise BadInput("not a speed of a person", got=self.speed_mps, expected="0.1 to 60 m/s; walking is 1.4")
        object.__setattr__(self, "points", tuple(sorted(self.points, key=lambda p: (p.time_ms, p.lat, p.lon))))

    def off(self, camera_id: str, start_ms: int, end_ms: int) -> float:
        """Return the penalty on a score: 0 within reach, down to minus `MOST_OFF` beyond it.

        Args:
            camera_id: camera that shows a person.
            start_ms: Unix ms from which it shows them.
            end_ms: Unix ms until which it shows them; they need to be within reach at some moment.
        """
        place = self.places.get(camera_id)
        if place is None:
            return 0.0
        stretches = self._stretches(start_ms, end_ms)
        return 0.0 - min(MOST_OFF, *(self._excess(*stretch, place, start_ms, end_ms) for stretch in stretches))

    def windows(self, cameras: Iterable[str]) -> tuple[Window, ...]:
        """Return the cameras and times within reach, rather too many, for the filter of the vector search."""
        rings: dict[_Span, list[str]] = {}
        for camera_id in cameras:
            for span in self._spans(self.places.get(camera_id)):
                rings.setdefault(span, []).append(camera_id)
        return tuple(Window(tuple(names), *span) for span, names in sorted(rings.items()))

    def _stretches(self, start_ms: int, end_ms: int) -> Iterator[tuple[Point | None, Point | None]]:
        """Yield the points before and after each part of a time; a point in its middle divides it."""
        for before, after in itertools.pairwise((None, *self.points, None)):
            if (before is None or before.time_ms <= end_ms) and (after is None or after.time_ms >= start_ms):
                yield before, after

    def _excess(
        self, before: Point | None, after: Point | None, place: tuple[float, float], start_ms: int, end_ms: int
    ) -> float:
        """Return how much too far a place is at the best moment of a stretch, in doublings of what can be walked."""
        if before is None or after is None:
            return max(self._too_far(p, place, end_ms if before else start_ms) for p in (before, after) if p)
        far_before, far_after = self._far(before, place), self._far(after, place)
        even = far_before * (after.time_ms + SLACK_MS) + far_after * (before.time_ms - SLACK_MS)
        moment = even / (far_before + far_after)  # as much too far from the one as from the other
        moment = min(max(moment, start_ms, before.time_ms), end_ms, after.time_ms)
        return max(self._too_far(before, place, moment), self._too_far(after, place, moment))

    def _too_far(self, point: Point, place: tuple[float, float], moment_ms: float) -> float:
        gap_ms = abs(moment_ms - point.time_ms) + SLACK_MS
        return max(0.0, math.log2(self._far(point, place) / (self.speed_mps * gap_ms / 1000)))

    def _far(self, point: Point, place: tuple[float, float]) -> float:
        """Return the distance in metres less the slack, at least one."""
        return max(1.0, distance_m(point.lat, point.lon, *place) - SLACK_M)

    def _spans(self, place: tuple[float, float] | None) -> list[_Span]:
        """Return the times at which the person can be at a place, rounded outwards so that many cameras share them."""
        if place is None:
            return [(0, MAX_TIME_MS)]
        needs = [self._needed_ms(point, place) for point in self.points]
        first, last = self.points[0], self.points[-1]
        spans = [(0, first.time_ms - needs[0]), (last.time_ms + needs[-1], MAX_TIME_MS)]
        for (a, need_a), (b, need_b) in itertools.pairwise(zip(self.points, needs, strict=True)):
            spans.append((a.time_ms + need_a, b.time_ms - need_b))
        clamped = [(max(0, start), min(end + 1, MAX_TIME_MS)) for start, end in spans]  # a window's end is exclusive
        return [(start, end) for start, end in clamped if start < end]

    def _needed_ms(self, point: Point, place: tuple[float, float]) -> int:
        """Return the time to get there, less the slack, rounded down to one of a few values in each doubling."""
        needed = 1000 * self._far(point, place) / self.speed_mps - SLACK_MS
        if needed <= SLACK_MS:
            return -SLACK_MS
        step = 2 ** (math.floor(math.log2(needed)) - 2)
        return int(needed // step * step)


def reachable(clips: Iterable[Clip], reach: Reach) -> list[Clip]:
    """Return the clips with the penalty for being out of reach; with a hard reach, only those within it."""
    scored = [replace(clip, reach=reach.off(clip.camera_id, clip.start_ms, clip.end_ms)) for clip in clips]
    return [clip for clip in scored if not (reach.hard and clip.reach)]


def located(reach: Reach, cameras: Iterable[Camera]) -> Reach:
    """Return `reach` with the places of `cameras`, of those that have coordinates."""
    return replace(reach, places=places_of(cameras))


def places_of(cameras: Iterable[Camera]) -> dict[str, tuple[float, float]]:
    """Return camera id -> (latitude, longitude) of the cameras that have coordinates."""
    return {c.id: (c.lat, c.lon) for c in cameras if c.lat is not None and c.lon is not None}
