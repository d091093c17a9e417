"""A trail as a map: numbered in order of time, framed by what it shows."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from api.cases.trail_map import LAST_SEEN, LEAST_WIDTH, MOST_WIDE, SIDE, trail_svg
from search.types import Camera

GATE, SQUARE = (31.2300, 121.4700), (31.2308, 121.4700)
SVG = "{http://www.w3.org/2000/svg}"


def stop(place: tuple[float, float] | None, sighting: int | None, second: int) -> dict[str, Any]:
    lat, lon = place or (None, None)
    time = f"2026-11-02T08:00:{second:02}+08:00"
    return {"sighting": sighting, "camera": f"c{second}", "name": "", "place": "", "lat": lat, "lon": lon, "time": time}


def trail(*stops: dict[str, Any]) -> dict[str, Any]:
    steps = [{"possible": True}] * (len(stops) - 1)
    return {"case": "2026-0001", "name": "x", "stops": list(stops), "steps": steps}


def texts(drawn: str) -> dict[str, tuple[float, float]]:
    """Return each text of a map and where it stands."""
    nodes = ElementTree.fromstring(drawn).iter(f"{SVG}text")  # noqa: S314 - our own
    return {node.text or "": (float(node.attrib["x"]), float(node.attrib["y"])) for node in nodes}


def size(drawn: str) -> tuple[float, float]:
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own
    return float(root.attrib["width"]), float(root.attrib["height"])


def test_sightings_count_from_one_and_the_place_last_seen_is_a_star() -> None:
    drawn = texts(trail_svg(trail(stop(GATE, None, 0), stop(GATE, 2, 20), stop(SQUARE, 1, 36)), []))
    assert f"{LAST_SEEN}, 1" in drawn, "the first sighting in time, although it was confirmed second"
    assert "2" in drawn
    assert "3" not in drawn
    assert drawn["2"][1] < drawn[f"{LAST_SEEN}, 1"][1], "north is up"
    assert "08:00:36" in drawn


def test_the_map_is_framed_by_the_trail_and_the_cameras_near_it() -> None:
    cameras = [Camera("near", lat=31.2304, lon=121.4704), Camera("far", lat=31.2500, lon=121.4900)]
    drawn = trail_svg(trail(stop(GATE, 1, 20), stop(SQUARE, 2, 36)), cameras)
    assert "near" in texts(drawn)
    assert "far" not in texts(drawn)
    wide, high = size(drawn)
    assert wide == LEAST_WIDTH
    between = texts(drawn)["1"][1] - texts(drawn)["2"][1]
    assert between > 0.35 * high, "little of the map is empty"


@pytest.mark.parametrize("far", [(31.30, 121.47), (31.23, 121.60)])
def test_a_long_trail_has_room(far: tuple[float, float]) -> None:
    drawn = trail_svg(trail(stop(GATE, 1, 20), stop(far, 2, 36)), [])
    (wide, high), places = size(drawn), texts(drawn)
    assert wide <= MOST_WIDE + 2 * SIDE
    for number in ("1", "2"):
        assert 50 < places[number][0] < wide - 50
        assert 50 < places[number][1] < high - 50


def test_without_words_nothing_of_a_language_is_left() -> None:
    told = trail(stop(GATE, None, 0), stop(None, 1, 20))
    assert any("last seen" in text for text in texts(trail_svg(told, [])))
    assert not any("last seen" in text or "not on the map" in text for text in texts(trail_svg(told, [], words=False)))
