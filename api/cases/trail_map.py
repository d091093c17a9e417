"""A trail as a map: cameras to scale, the sightings numbered and joined in order of time. Plain SVG.

The map is framed by the trail and the cameras near it.
Streets are there where one has map tiles of one's own (`api.cases.map_tiles`): nothing may be downloaded. North is up;
distances are metres on a plane, which is exact enough for a city.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from api.cases.map_tiles import Tiles
from search.config import Settings
from search.types import Camera

LEAST_WIDTH, SIDE, MARGIN, HEAD, FOOT = 420, 140, 50, 64, 50
"""Pixels: of the drawing, beside the stops, above and below them, of the title above and of the scale below."""
MOST_WIDE, MOST_HIGH = 700, 480
"""Pixels between the outermost places that the map is framed by."""
LEAST_SCALE_M = 0.6
"""A pixel is at least this long: a trail of a few metres does not fill the map."""
NEAR_M = (60.0, 250.0)
"""A camera is near if it is as far from a stop as half the trail is long, within these bounds."""
MOST_CAMERAS = 300
LAST_SEEN = "★"
"""Stands for the number of the place where the person was last seen, which is no sighting."""
_METRES = 111_195  # of a degree of latitude
_COLOURS = {True: "#1d6f42", False: "#c62828", None: "#8a8f98"}
_DASHES = {True: "", False: ' stroke-dasharray="9 6"', None: ' stroke-dasharray="2 5"'}
_FONT = 'font-family="system-ui, Noto Sans, Noto Sans CJK SC, sans-serif"'
_XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Plane:
    """Degrees to pixels; `lat` and `lon` are in the middle of the map."""

    lat: float
    lon: float
    scale: float  # pixels a metre
    width: float
    height: float
    head: float = HEAD

    @property
    def middle(self) -> _XY:
        return self.width / 2, self.head + (self.height - self.head - FOOT) / 2

    def xy(self, lat: float, lon: float) -> _XY:
        east, north = _metres(self.lat, self.lon, lat, lon)
        x, y = self.middle
        return x + east * self.scale, y - north * self.scale

    def place(self, x: float, y: float) -> _XY:
        """Return latitude and longitude of a pixel: `xy` the other way round."""
        east, north = (x - self.middle[0]) / self.scale, (self.middle[1] - y) / self.scale
        return self.lat + north / _METRES, self.lon + east / (_METRES * math.cos(math.radians(self.lat)))

    def shows(self, x: float, y: float) -> bool:
        return MARGIN <= x <= self.width - MARGIN and self.head <= y <= self.height - FOOT


@dataclass(frozen=True, slots=True)
class _Mark:
    """A stop of the trail with its number on the map: sightings count from 1 in order of time."""

    at: int  # in the trail, from 0
    number: str
    stop: Mapping[str, Any]

    @property
    def place(self) -> _XY | None:
        return None if self.stop["lat"] is None else (self.stop["lat"], self.stop["lon"])


def trail_svg(
    trail: Mapping[str, Any], cameras: Iterable[Camera], tiles: Tiles | None = None, *, words: bool = True
) -> str:
    """Draw the map of a trail (`api.cases.views.CaseView.trail`), on `tiles` if any.

    Args:
        trail: the trail.
        cameras: those that may be shown around it.
        tiles: what lies under the trail.
        words: False leaves out title and legend, for those who word them in another language.
    """
    marks = _marks(trail["stops"])
    placed = [mark for mark in marks if mark.place]
    shown = {mark.stop["camera"] for mark in placed}
    others = {c: (c.lat, c.lon) for c in cameras if c.lat is not None and c.lon is not None and c.id not in shown}
    places = [mark.place for mark in placed if mark.place]
    plane = _plane([*places, *_near(places, list(others.values()))], HEAD if words else 0)
    body = [
        *(_ground(plane, tiles) if tiles and placed else ()),
        *_cameras(plane, others),
        *_lines(plane, placed, trail["steps"]),
        *(line for place, there in _by_place(placed).items() for line in _marker(plane, plane.xy(*place), there)),
        *(_words(plane, trail, marks) if words else ()),
        *(_scale(plane) if placed else ()),
    ]
    size = f'width="{plane.width:.0f}" height="{plane.height:.0f}" viewBox="0 0 {plane.width:.0f} {plane.height:.0f}"'
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_FONT}>', paper, *body, "</svg>", ""])


def _marks(stops: Sequence[Mapping[str, Any]]) -> list[_Mark]:
    counted = itertools.count(1)
    return [_Mark(at, LAST_SEEN if s["sighting"] is None else str(next(counted)), s) for at, s in enumerate(stops)]


def tiles_of(settings: Settings) -> Tiles | None:
    """Return the tiles that the settings name; None: none. Raises `BadInput` where they name a folder without any."""
    return Tiles(Path(settings.map_tiles)) if settings.map_tiles else None


def _near(places: Sequence[_XY], cameras: Sequence[_XY]) -> list[_XY]:
    """Return the places of cameras that frame the map together with the trail."""
    if not places:
        return []
    long = math.hypot(*_extent(_middle(places), places))
    reach = min(max(NEAR_M[0], long / 2), NEAR_M[1])
    return [camera for camera in cameras if any(math.hypot(*_metres(*place, *camera)) <= reach for place in places)]


def _middle(places: Sequence[_XY]) -> _XY:
    lat, lon = ((min(values) + max(values)) / 2 for values in zip(*places, strict=True))
    return lat, lon


def _extent(middle: _XY, places: Sequence[_XY]) -> _XY:
    """Return how wide and how high the places lie around their middle, metres."""
    ends = [_metres(*middle, *place) for place in places]
    wide, high = (max(2 * abs(end[axis]) for end in ends) for axis in (0, 1))
    return wide, high


def _plane(places: Sequence[_XY], head: float) -> _Plane:
    """Return a plane on which all the places have room, and little more."""
    if not places:
        return _Plane(0, 0, 1, LEAST_WIDTH, head + FOOT + 40, head)
    middle = _middle(places)
    wide, high = _extent(middle, places)
    scale = 1 / max(LEAST_SCALE_M, wide / MOST_WIDE, high / MOST_HIGH)
    width = max(LEAST_WIDTH, wide * scale + 2 * SIDE)
    return _Plane(*middle, scale, width, head + FOOT + 2 * MARGIN + high * scale, head)


def _metres(lat0: float, lon0: float, lat: float, lon: float) -> _XY:
    """Return how far east and north a place lies, metres."""
    around = (lon - lon0 + 180) % 360 - 180  # the shorter way
    return around * _METRES * math.cos(math.radians(lat0)), (lat - lat0) * _METRES


def _ground(plane: _Plane, tiles: Tiles) -> Iterator[str]:
    """Yield the tiles, paler than they are: the trail is in front."""
    top, bottom = plane.head, plane.height - FOOT
    area = f'x="0" y="{top}" width="{plane.width:.0f}" height="{bottom - top:.1f}"'
    yield f'<clipPath id="ground"><rect {area}/></clipPath>'
    yield '<g clip-path="url(#ground)" opacity="0.6">'
    for tile in tiles.cover(plane.place(0, top), plane.place(plane.width, bottom), 1 / plane.scale):
        (x1, y1), (x2, y2) = plane.xy(*tile.north_west), plane.xy(*tile.south_east)
        place = f'x="{x1:.2f}" y="{y1:.2f}" width="{x2 - x1 + 0.5:.2f}" height="{y2 - y1 + 0.5:.2f}"'  # no seams
        yield f'<image {place} preserveAspectRatio="none" href="{tile.address}"/>'
    yield "</g>"
    if tiles.attribution:
        yield _text(plane.width / 2, plane.height - 6, tiles.attribution, size=10, colour="#6b7280")


def _cameras(plane: _Plane, cameras: Mapping[Camera, _XY]) -> Iterator[str]:
    """Yield the cameras without a sighting, nearest to the middle first."""
    placed = [(plane.xy(*place), camera) for camera, place in cameras.items()]
    inside = [item for item in placed if plane.shows(*item[0])]
    for (x, y), camera in sorted(inside, key=lambda i: (math.dist(i[0], plane.middle), i[1].id))[:MOST_CAMERAS]:
        yield f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="#9aa2ae"/>'
        yield _text(x, y + 20, camera.name or camera.id, size=12, colour="#6b7280")


def _by_place(marks: Sequence[_Mark]) -> dict[_XY, list[_Mark]]:
    places: dict[_XY, list[_Mark]] = {}
    for mark in marks:
        if mark.place:
            places.setdefault(mark.place, []).append(mark)
    return places


def _lines(plane: _Plane, marks: Sequence[_Mark], steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line from each stop to the next one on the map; over a stop that is not on it the way is unknown."""
    for before, after in pairwise(marks):
        if not before.place or not after.place:
            continue
        start, end = plane.xy(*before.place), plane.xy(*after.place)
        if math.dist(start, end) < 1:
            continue
        possible = steps[before.at]["possible"] if after.at == before.at + 1 else None
        colour, dash = _COLOURS[possible], _DASHES[possible]
        path, middle, angle = _bow(start, end)
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>'
        turned = f"translate({middle[0]:.1f} {middle[1]:.1f}) rotate({angle:.1f})"
        yield f'<path d="M -6 -5 L 6 0 L -6 5 Z" fill="{colour}" transform="{turned}"/>'


def _bow(start: _XY, end: _XY) -> tuple[str, _XY, float]:
    """Return a curve beside the line, so that there and back are two lines, its middle and its direction there."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    middle = (start[0] + end[0]) / 2 - 0.12 * dy, (start[1] + end[1]) / 2 + 0.12 * dx
    path = f"M {start[0]:.1f} {start[1]:.1f} Q {middle[0]:.1f} {middle[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    on_curve = (start[0] + end[0]) / 4 + middle[0] / 2, (start[1] + end[1]) / 4 + middle[1] / 2
    return path, on_curve, math.degrees(math.atan2(dy, dx))


def _marker(plane: _Plane, at: _XY, marks: Sequence[_Mark]) -> Iterator[str]:
    """Yield one place with the numbers and times of all stops there; its words stand outwards, off the lines."""
    numbers = ", ".join(mark.number for mark in marks)
    wide = max(28.0, 12 + 9 * len(numbers))
    x, y = at
    corner = f'x="{x - wide / 2:.1f}" y="{y - 14:.1f}" width="{wide:.1f}" height="28" rx="14"'
    yield f'<rect {corner} fill="#1f4e8c" stroke="#ffffff" stroke-width="2"/>'
    yield _text(x, y + 5, numbers, size=15, colour="#ffffff", bold=True, halo=False)
    first = marks[0].stop
    right = x >= plane.middle[0] - 1
    aside, anchor = (x + wide / 2 + 6, "start") if right else (x - wide / 2 - 6, "end")
    name = first["name"] or first["camera"] or first["place"] or ""
    yield _text(aside, y - 2, name, size=14, bold=True, anchor=anchor)
    times = ", ".join(mark.stop["time"][11:19] for mark in marks)
    yield _text(aside, y + 14, times, size=13, colour="#374151", anchor=anchor)


def _words(plane: _Plane, trail: Mapping[str, Any], marks: Sequence[_Mark]) -> Iterator[str]:
    """Yield title, days, and what the signs mean."""
    yield _text(24, 32, f"{trail['case']}  {trail['name']}", size=18, bold=True, anchor="start")
    days = sorted({stop["time"][:10] for stop in trail["stops"]})
    lost = [f"{mark.number} ({mark.stop['camera'] or mark.stop['place']})" for mark in marks if not mark.place]
    facts = [" to ".join(dict.fromkeys([*days[:1], *days[-1:]]))]
    if any(mark.number == LAST_SEEN for mark in marks):
        facts.append(f"{LAST_SEEN} last seen")
    if lost:
        facts.append(f"not on the map: {', '.join(lost)}")
    yield _text(24, 52, "   ".join(facts), size=12, colour="#374151", anchor="start")
    if any(step["possible"] is False for step in trail["steps"]):
        legend = "dashed red: impossible in the time"
        yield _text(plane.width - 24, 32, legend, size=12, colour=_COLOURS[False], anchor="end")


def _scale(plane: _Plane) -> Iterator[str]:
    length = _round_length(plane.width / 4 / plane.scale)
    y, end = plane.height - 24, 24 + length * plane.scale
    yield f'<path d="M 24 {y - 6:.1f} V {y:.1f} H {end:.1f} V {y - 6:.1f}" fill="none" stroke="#111827"/>'
    yield _text(end + 8, y + 2, f"{length:g} m" if length < 1000 else f"{length / 1000:g} km", size=12, anchor="start")
    yield _text(plane.width - 32, plane.height - 22, "↑ N", size=13, bold=True)


def _round_length(most: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20 ... that is not more."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(n * power for n in (5, 2, 1) if n * power <= most)


def _text(
    x: float, y: float, words: str, *, size: int, colour: str = "#111827", bold: bool = False, anchor: str = "middle",
    halo: bool = True,
) -> str:  # fmt: skip
    shown = escape("".join(c if c.isprintable() else " " for c in words))
    weight = ' font-weight="600"' if bold else ""
    light = ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' if halo else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}"{weight}{light}>{shown}</text>'
