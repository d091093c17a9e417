"""A trail as a map: cameras where they stand, to scale, the stops numbered and joined in order of time. Plain SVG.

Streets are there where one has map tiles of one's own (`api.cases.map_tiles`): nothing may be downloaded. North is up;
distances are metres on a plane, which is exact enough for a city.
"""

from __future__ import annotations

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

WIDTH, MARGIN, HEAD, FOOT = 960, 70, 64, 56
LEAST_M = 200.0
"""The map shows at least so much around a stop."""
MOST_CAMERAS = 300
_METRES = 111_195  # of a degree of latitude
_COLOURS = {True: "#1d6f42", False: "#c62828", None: "#8a8f98"}
_DASHES = {True: "", False: ' stroke-dasharray="9 6"', None: ' stroke-dasharray="2 5"'}
_FONT = 'font-family="system-ui, Noto Sans, Noto Sans CJK SC, sans-serif"'
_XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Plane:
    """Degrees to pixels."""

    lat: float
    lon: float
    scale: float  # pixels a metre
    height: float

    def xy(self, lat: float, lon: float) -> _XY:
        east, north = _metres(self.lat, self.lon, lat, lon)
        middle = HEAD + (self.height - HEAD - FOOT) / 2
        return WIDTH / 2 + east * self.scale, middle - north * self.scale

    def place(self, x: float, y: float) -> _XY:
        """Return latitude and longitude of a pixel, the inverse of `xy`."""
        middle = HEAD + (self.height - HEAD - FOOT) / 2
        east, north = (x - WIDTH / 2) / self.scale, (middle - y) / self.scale
        return self.lat + north / _METRES, self.lon + east / (_METRES * math.cos(math.radians(self.lat)))

    def shows(self, x: float, y: float) -> bool:
        return MARGIN / 2 <= x <= WIDTH - MARGIN / 2 and HEAD <= y <= self.height - FOOT


def trail_svg(data: Mapping[str, Any], cameras: Iterable[Camera], tiles: Tiles | None = None) -> str:
    """Draw a trail (`api.cases.views.CaseView.trail`) with the cameras around, on `tiles` if any."""
    stops = [(at, stop) for at, stop in enumerate(data["stops"], start=1) if stop["lat"] is not None]
    plane = _plane([(stop["lat"], stop["lon"]) for _, stop in stops])
    places = _by_place(stops)
    on_map = {stop["camera"] for _, stop in stops}
    body = [
        *(_ground(plane, tiles) if tiles and stops else ()),
        *_cameras(plane, (camera for camera in cameras if camera.id not in on_map)),
        *_lines(plane, stops, data["steps"]),
        *(line for place, stops_there in places.items() for line in _marker(plane.xy(*place), stops_there)),
        *_words(plane, data),
    ]
    size = f'width="{WIDTH}" height="{plane.height:.0f}" viewBox="0 0 {WIDTH} {plane.height:.0f}"'
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_FONT}>', paper, *body, "</svg>", ""])


def tiles_of(settings: Settings) -> Tiles | None:
    """Return the tiles of the settings; None: none. Raises `BadInput` where they name a folder without any."""
    return Tiles(Path(settings.map_tiles)) if settings.map_tiles else None


def _plane(places: Sequence[_XY]) -> _Plane:
    """Return a plane on which all the places have room."""
    if not places:
        return _Plane(0, 0, 1, HEAD + FOOT + 40)
    lat, lon = ((min(v) + max(v)) / 2 for v in zip(*places, strict=True))
    ends = [_metres(lat, lon, *place) for place in places]
    wide, high = (max(2 * LEAST_M, *(2 * abs(end[axis]) for end in ends)) for axis in (0, 1))
    scale = min((WIDTH - 2 * MARGIN) / wide, 640 / high)
    return _Plane(lat, lon, scale, HEAD + FOOT + 2 * MARGIN + high * scale)


def _metres(lat0: float, lon0: float, lat: float, lon: float) -> _XY:
    """Return metres east and north of a place."""
    around = (lon - lon0 + 180) % 360 - 180  # the shorter way
    return around * _METRES * math.cos(math.radians(lat0)), (lat - lat0) * _METRES


def _ground(plane: _Plane, tiles: Tiles) -> Iterator[str]:
    """Yield the tiles, paler than they are: the trail is in front."""
    top, bottom = HEAD, plane.height - FOOT
    yield f'<clipPath id="ground"><rect x="0" y="{top}" width="{WIDTH}" height="{bottom - top:.1f}"/></clipPath>'
    yield '<g clip-path="url(#ground)" opacity="0.6">'
    for tile in tiles.cover(plane.place(0, top), plane.place(WIDTH, bottom), 1 / plane.scale):
        (x1, y1), (x2, y2) = plane.xy(*tile.north_west), plane.xy(*tile.south_east)
        place = f'x="{x1:.2f}" y="{y1:.2f}" width="{x2 - x1 + 0.5:.2f}" height="{y2 - y1 + 0.5:.2f}"'  # no seams
        yield f'<image {place} preserveAspectRatio="none" href="{tile.address}"/>'
    yield "</g>"
    if tiles.attribution:
        yield _text(WIDTH / 2, plane.height - 6, tiles.attribution, size=10, colour="#6b7280")


def _cameras(plane: _Plane, cameras: Iterable[Camera]) -> Iterator[str]:
    """Yield the cameras without a sighting, nearest to the middle first."""
    placed = [(plane.xy(c.lat, c.lon), c) for c in cameras if c.lat is not None and c.lon is not None]
    inside = [item for item in placed if plane.shows(*item[0])]
    middle = plane.xy(plane.lat, plane.lon)
    for (x, y), camera in sorted(inside, key=lambda item: (math.dist(item[0], middle), item[1].id))[:MOST_CAMERAS]:
        yield f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="#b6bcc6"/>'
        yield _text(x, y + 18, camera.name or camera.id, size=11, colour="#6b7280")


def _by_place(stops: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[_XY, list[tuple[int, Mapping[str, Any]]]]:
    places: dict[_XY, list[tuple[int, Mapping[str, Any]]]] = {}
    for at, stop in stops:
        places.setdefault((stop["lat"], stop["lon"]), []).append((at, stop))
    return places


def _lines(
    plane: _Plane, stops: Sequence[tuple[int, Mapping[str, Any]]], steps: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield lines from each stop to the next one on the map; a gap between them has no known way."""
    for (before, a), (after, b) in pairwise(stops):
        start, end = plane.xy(a["lat"], a["lon"]), plane.xy(b["lat"], b["lon"])
        if math.dist(start, end) < 1:
            continue
        possible = steps[before - 1]["possible"] if after == before + 1 else None
        colour, dash = _COLOURS[possible], _DASHES[possible]
        path, middle, angle = _bow(start, end)
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>'
        turned = f"translate({middle[0]:.1f} {middle[1]:.1f}) rotate({angle:.1f})"
        yield f'<path d="M -6 -5 L 6 0 L -6 5 Z" fill="{colour}" transform="{turned}"/>'


def _bow(start: _XY, end: _XY) -> tuple[str, _XY, float]:
    """Return a curve a little to one side, so that there and back are two lines; its middle and direction."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    middle = (start[0] + end[0]) / 2 - 0.12 * dy, (start[1] + end[1]) / 2 + 0.12 * dx
    path = f"M {start[0]:.1f} {start[1]:.1f} Q {middle[0]:.1f} {middle[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    on_curve = (start[0] + end[0]) / 4 + middle[0] / 2, (start[1] + end[1]) / 4 + middle[1] / 2
    return path, on_curve, math.degrees(math.atan2(dy, dx))


def _marker(at: _XY, stops: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield one place with the numbers and times of all stops there."""
    numbers = ", ".join(str(number) for number, _ in stops)
    wide = max(26.0, 12 + 8 * len(numbers))
    x, y = at
    corner = f'x="{x - wide / 2:.1f}" y="{y - 13:.1f}" width="{wide:.1f}" height="26" rx="13"'
    yield f'<rect {corner} fill="#1f4e8c" stroke="#ffffff" stroke-width="2"/>'
    yield _text(x, y + 5, numbers, size=14, colour="#ffffff", bold=True, halo=False)
    first = stops[0][1]
    name = first["name"] or first["camera"] or first["place"] or "last seen"
    yield _text(x, y + 30, name, size=13, bold=True)
    times = [stop["time"][11:16] + (" last seen" if stop["sighting"] is None else "") for _, stop in stops]
    yield _text(x, y + 46, ", ".join(times), size=11, colour="#374151")


def _words(plane: _Plane, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the title, the stops that are not on the map, north, and the scale."""
    yield _text(24, 32, f"{data['case']}  {data['name']}", size=18, bold=True, anchor="start")
    days = sorted({stop["time"][:10] for stop in data["stops"]})
    span = " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))
    lost = [
        f"{at} ({stop['camera'] or stop['place']})"
        for at, stop in enumerate(data["stops"], start=1)
        if stop["lat"] is None
    ]
    missing = f"   not on the map: {', '.join(lost)}" if lost else ""
    yield _text(24, 52, f"{span}{missing}", size=12, colour="#374151", anchor="start")
    if any(step["possible"] is False for step in data["steps"]):
        colour = _COLOURS[False]
        yield _text(WIDTH - 24, 32, "dashed red: impossible in the time", size=12, colour=colour, anchor="end")
    if len(lost) < len(data["stops"]):
        yield from _scale(plane)


def _scale(plane: _Plane) -> Iterator[str]:
    length = _round_length(WIDTH / 4 / plane.scale)
    y, end = plane.height - 24, 24 + length * plane.scale
    yield f'<path d="M 24 {y - 6:.1f} V {y:.1f} H {end:.1f} V {y - 6:.1f}" fill="none" stroke="#111827"/>'
    yield _text(end + 8, y + 2, f"{length:g} m" if length < 1000 else f"{length / 1000:g} km", size=12, anchor="start")
    yield _text(WIDTH - 32, plane.height - 22, "↑ N", size=13, bold=True)


def _round_length(most: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20 ... that is not more."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(n * power for n in (5, 2, 1) if n * power <= most)


def _text(
    x: float, y: float, words: str, *, size: int, colour: str = "#111827", bold: bool = False, anchor: str = "middle",
    halo: bool = True,
) -> str:  # fmt: skip
    text = escape("".join(c if c.isprintable() else " " for c in words))
    weight = ' font-weight="600"' if bold else ""
    light = ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' if halo else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}"{weight}{light}>{text}</text>'
