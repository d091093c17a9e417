"""Map tiles of one's own under a trail: a folder ``ZOOM/X/Y.png`` (Web Mercator, 256 pixels), as map servers export it.

Nothing is fetched from anywhere. ``attribution.txt`` in the folder is what the map's makers want to be said.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from search.errors import BadInput

MOST_TILES = 64
_TILE_PX = 256
_EQUATOR_M = 40_075_016.7
_XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture (PNG) between its north-western and south-eastern corner, (lat, lon) in degrees."""

    png: bytes
    north_west: _XY
    south_east: _XY

    @property
    def address(self) -> str:
        """Return the image as a data address: an SVG that is shown as a picture may load nothing."""
        return f"data:image/png;base64,{b64encode(self.png).decode()}"


class Tiles:
    """A folder of tiles.

    Raises:
        BadInput: it has none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        zooms = folder.iterdir() if folder.is_dir() else ()
        self._zooms = sorted(int(one.name) for one in zooms if one.name.isdecimal() and one.is_dir())
        if not self._zooms:
            cure = "set map_tiles to a folder with ZOOM/X/Y.png in it, or leave it empty"
            raise BadInput(
                "there are no map tiles here", got=folder, expected="a folder of zooms such as 15/", cure=cure
            )

    @property
    def attribution(self) -> str:
        """Return whose map it is; empty where no file says so."""
        path = self._folder / "attribution.txt"
        return path.read_text("utf-8").strip() if path.is_file() else ""

    def cover(self, north_west: _XY, south_east: _XY, metres_per_pixel: float) -> Iterator[Tile]:
        """Yield the tiles between two corners, of the zoom that is sharp enough, at most `MOST_TILES`."""
        for zoom in reversed(self._fitting(north_west[0], metres_per_pixel)):
            (left, top), (right, bottom) = (_place(*corner, zoom) for corner in (north_west, south_east))
            columns, rows = range(int(left), int(right) + 1), range(int(top), int(bottom) + 1)
            if len(columns) * len(rows) <= MOST_TILES:
                for x in columns:
                    for y in rows:
                        yield from self._tile(zoom, x, y)
                return

    def _fitting(self, lat: float, metres_per_pixel: float) -> list[int]:
        """Return the zooms that are not needlessly sharp; if all are, the least sharp one."""
        across = _EQUATOR_M * math.cos(math.radians(lat)) / _TILE_PX
        needed = math.ceil(math.log2(across / metres_per_pixel))
        return [zoom for zoom in self._zooms if zoom <= needed] or self._zooms[:1]

    def _tile(self, zoom: int, x: int, y: int) -> Iterator[Tile]:
        path = self._folder / str(zoom) / str(x) / f"{y}.png"
        if path.is_file():
            yield Tile(path.read_bytes(), _corner(x, y, zoom), _corner(x + 1, y + 1, zoom))


def _place(lat: float, lon: float, zoom: int) -> _XY:
    """Return column and row of a place, counted in tiles from the north-western end of the map."""
    upward = math.asinh(math.tan(math.radians(lat)))
    return (lon + 180) / 360 * 2**zoom, (1 - upward / math.pi) / 2 * 2**zoom


def _corner(x: int, y: int, zoom: int) -> _XY:
    """Return latitude and longitude of a tile's north-western corner."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / 2**zoom)))), x / 2**zoom * 360 - 180
