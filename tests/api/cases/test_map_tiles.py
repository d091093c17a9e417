"""Map tiles of one's own under a trail."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import expect

from api.cases.map_tiles import MOST_TILES, Tiles
from api.cases.trail_map import tiles_of, trail_svg
from api.runtime.context import AppContext
from api.web.server import serve
from search.config import Settings
from search.errors import BadInput
from tests.support.accounts import PASSWORD, sign_in, town, town_server
from tests.support.browser import chromium, watched_page

GATE, STREET = (31.2300, 121.4700), (31.2312, 121.4708)
SVG = "{http://www.w3.org/2000/svg}"


def column_and_row(lat: float, lon: float, zoom: int) -> tuple[int, int]:
    """As OpenStreetMap's wiki writes it."""
    rad = math.radians(lat)
    return int((lon + 180) / 360 * 2**zoom), int(
        (1 - math.log(math.tan(rad) + 1 / math.cos(rad)) / math.pi) / 2 * 2**zoom
    )


def make_tiles(folder: Path, zooms: range) -> Path:
    """Around the gate, each in a colour that says where it is."""
    for zoom in zooms:
        x0, y0 = column_and_row(*GATE, zoom)
        for x in range(x0 - 4, x0 + 5):
            for y in range(y0 - 4, y0 + 5):
                path = folder / str(zoom) / str(x) / f"{y}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (256, 256), (zoom * 10, x % 256, y % 256)).save(path)
    (folder / "attribution.txt").write_text("© the town's surveyors\n", "utf-8")
    return folder


def told(*places: tuple[float, float]) -> dict[str, Any]:
    stops = [
        {
            "sighting": n,
            "camera": f"c{n}",
            "name": "",
            "place": "",
            "lat": lat,
            "lon": lon,
            "time": f"2026-11-02T08:0{n}",
        }
        for n, (lat, lon) in enumerate(places, start=1)
    ]
    return {"case": "2026-0001", "name": "x", "stops": stops, "steps": [{"possible": True}] * (len(stops) - 1)}


def ground(drawn: str) -> list[tuple[tuple[int, ...], tuple[float, float, float, float]]]:
    """(colour, left, top, right, bottom) of each tile of a map."""
    found = []
    for node in ElementTree.fromstring(drawn).iter(f"{SVG}image"):  # noqa: S314 - our own
        picture = Image.open(io.BytesIO(base64.b64decode(node.attrib["href"].partition(",")[2])))
        x, y, width, height = (float(node.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((picture.getpixel((9, 9)), (x, y, x + width, y + height)))
    return found  # type: ignore[return-value]


def test_each_stop_stands_on_its_own_tile(tmp_path: Path) -> None:
    drawn = trail_svg(told(GATE, STREET), [], Tiles(make_tiles(tmp_path, range(15, 18))))
    tiles = ground(drawn)
    assert 1 < len(tiles) <= MOST_TILES
    numbers = {node.text: node for node in ElementTree.fromstring(drawn).iter(f"{SVG}text")}  # noqa: S314 - our own
    for number, place in (("1", GATE), ("2", STREET)):
        x, y = float(numbers[number].attrib["x"]), float(numbers[number].attrib["y"]) - 5
        under = {colour for colour, (left, top, right, bottom) in tiles if left <= x <= right and top <= y <= bottom}
        zoom = tiles[0][0][0] // 10
        column, row = column_and_row(*place, zoom)
        assert (zoom * 10, column % 256, row % 256) in under
    assert "surveyors" in drawn


def test_the_zoom_is_sharp_enough_and_no_sharper(tmp_path: Path) -> None:
    make_tiles(tmp_path, range(12, 19))
    near = ground(trail_svg(told(GATE), [], Tiles(tmp_path)))
    far = ground(trail_svg(told(GATE, (31.30, 121.60)), [], Tiles(tmp_path)))
    assert near[0][0][0] > far[0][0][0], "of a walk across the city fewer details"
    for _, (left, _, right, _) in near:
        assert 100 < right - left <= 257


def test_what_lies_beyond_the_tiles_is_white(tmp_path: Path) -> None:
    assert ground(trail_svg(told((50.0, 7.0)), [], Tiles(make_tiles(tmp_path, range(15, 16))))) == []


def test_a_folder_without_tiles_is_refused_at_the_start(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, map_tiles=str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="no map tiles"):
        serve(settings, insecure=False, on_start=lambda *_: pytest.fail("it started"))
    assert tiles_of(settings.model_copy(update={"map_tiles": ""})) is None


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    tiles = make_tiles(tmp_path_factory.mktemp("tiles"), range(15, 18))
    with town(tmp_path_factory.mktemp("town"), map_tiles=str(tiles)) as context:
        gate = context.catalog.cameras.get("gate")
        context.catalog.cameras.add(replace(gate, lat=GATE[0], lon=GATE[1]))
        yield context


def test_a_browser_shows_them(context: AppContext) -> None:
    with town_server(context) as url, chromium() as browser, watched_page(browser, url) as watched:
        seen = {"camera": "gate", "time": 1_600_000_000_000}
        case = sign_in(url, "oscar").post("/api/cases", json={"name": "x", "queries": ["x"], "last_seen": seen}).json()
        page = watched.page
        page.goto("/")
        page.get_by_label("Name").fill("oscar")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#account")).to_contain_text("oscar")
        page.goto(f"/#case-{case['id']}")
        page.locator(".trail-map").wait_for()
        watched.until("document.querySelector('.trail-map').naturalWidth > 100")
        pixel = page.locator(".trail-map").evaluate(
            """(map) => { const canvas = document.createElement('canvas'); canvas.width = map.naturalWidth;
            canvas.height = map.naturalHeight; const pen = canvas.getContext('2d'); pen.drawImage(map, 0, 0);
            return [...pen.getImageData(canvas.width / 4, 10, 1, 1).data]; }"""
        )
        assert max(pixel[:3]) - min(pixel[:3]) > 20, "a tile's colour, not white"
        watched.check()
