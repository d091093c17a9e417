"""Places in sentences, against a small town's cameras, and a city's."""

from __future__ import annotations

from functools import partial

import pytest

from search.parsing import gazetteer as gazetteer_module
from search.parsing.gazetteer import MOST_CAMERAS, Gazetteer, gazetteer
from search.parsing.normalize import flat
from search.parsing.place_names import find_places
from search.types import Camera
from tests.support.waiting import quickest

METRE = 1 / 111_195  # degrees of latitude
TOWN = (
    Camera("gate", "North Gate 北门", "Longcheng 龙城区", 22.7, 114.2),
    Camera("market-3", "市场3号", "Longcheng 龙城区", 22.7 + 200 * METRE, 114.2),
    Camera("market-04", "Market Street", "Pinghu 平湖", 22.7 + 300 * METRE, 114.2),
    Camera("stn", "Central Station 火车站", "Pinghu 平湖"),
    Camera("red", "Red Square", "Pinghu 平湖"),
    Camera("street", "", "Old Town"),
    Camera("back", "Back Road"),
    Camera("bike", "Bicycle 自行车"),
)


def read(text: str) -> list[tuple[str, str]]:
    """Words of each place, and the cameras that it means, with a space between."""
    return [(text[p.start : p.end], " ".join(p.cameras)) for p in find_places(flat(text), TOWN)]


@pytest.mark.parametrize(
    ("text", "words", "cameras"),
    [
        ("a man near the north gate", "near the north gate", "gate market-3"),
        ("near North Gate, a man", "near North Gate", "gate market-3"),
        ("at the NORTH-GATE", "at the NORTH-GATE", "gate"),
        ("at the gate", "at the gate", "gate"),
        ("at the gate camera", "at the gate camera", "gate"),
        ("outside the gate with a bag", "outside the gate", "gate"),
        ("at market-3", "at market-3", "market-3"),
        ("market 3, a woman", "market 3", "market-3"),
        ("a woman Market_3 in red", "Market_3", "market-3"),
        ("at market-4", "at market-4", "market-04"),
        ("on market street in a hat", "on market street", "market-04"),
        ("in Longcheng district", "in Longcheng district", "gate market-3"),
        ("in Longcheng", "in Longcheng", "gate market-3"),
        ("a boy in pinghu area", "in pinghu area", "market-04 stn red"),
        ("Longcheng, a man in black", "Longcheng", "gate market-3"),
        ("by the station", "by the station", "stn"),
        ("in front of the central station", "in front of the central station", "stn"),
        ("central station woman", "central station", "stn"),
        ("in red square", "in red square", "red"),
        ("in the old town in a hat", "in the old town", "street"),
        ("walking on the street", "on the street", "street market-04"),
        ("在北门附近", "在北门附近", "gate market-3"),
        ("北门的女人", "北门", "gate"),
        ("在北门穿红衣的女人", "在北门", "gate"),
        ("北门附近的女人", "北门附近", "gate market-3"),
        ("靠近北门的男人", "靠近北门", "gate market-3"),
        ("龙城区的女人", "龙城区", "gate market-3"),
        ("在龙城的女人", "在龙城", "gate market-3"),
        ("出现在平湖的人", "出现在平湖", "market-04 stn red"),
        ("火车站旁边", "火车站旁边", "stn"),
        ("女人在火车站里面", "在火车站里面", "stn"),
        ("女人火车站周围", "火车站周围", "stn"),
        ("在市场3号摄像头", "在市场3号摄像头", "market-3"),
        ("市场3号，女人", "市场3号", "market-3"),
        ("在市場３號", "在市場３號", "market-3"),
        ("在market-3附近的男人", "在market-3附近", "gate market-3 market-04"),
        ("从火车站出来的老人", "从火车站", "stn"),
        ("经过北门", "经过北门", "gate"),
    ],
)
def test_places_of_cameras(text: str, words: str, cameras: str) -> None:
    found = read(text)
    assert [said for said, _ in found] == [words]
    assert sorted(found[0][1].split()) == sorted(cameras.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("near the bridge", "near the bridge"),
        ("a man near the bridge with a hat", "near the bridge"),
        ("at the old stone bridge", "at the old stone bridge"),
        ("in the park wearing a hat", "in the park"),
        ("next to the hospital, in red", "next to the hospital"),
        ("by the bus stop", "by the bus stop"),
        ("not at the north gate", "not at the north gate"),
        ("在学校门口", "在学校门口"),
        ("在龙华医院的女人", "在龙华医院"),
        ("医院附近的女人", "医院附近"),
        ("女人在路口", "在路口"),
        ("站在路边的人", "在路边"),
        ("穿红衣的女人，公园旁边", "公园旁边"),
        ("不在北门", "不在北门"),
        ("位于中心广场", "位于中心广场"),
    ],
)
def test_places_that_are_no_cameras_are_unclear(text: str, words: str) -> None:
    assert read(text) == [(words, "")]


@pytest.mark.parametrize(
    "text",
    [
        "a man at the back", "with a bag in the hand", "in red", "in a red coat", "in a blue coat", "on a bicycle",
        "by bike",
        "on the left", "a gate", "a street musician", "a square bag", "gateway", "a man in school uniform",
        "in a station wagon", "in a park ranger uniform", "in the middle", "at 3", "a bag from behind",
        "in his hands",
        "in jeans", "red", "a red bicycle", "in khaki", "by car", "a man with a school bag", "in a square hat",
        "on foot",
        "in the back", "back", "red coat", "the road", "stop", "in front", "a stn", "from the footage",
        "在跑", "在打电话", "在走路", "在逛街", "在站着的人", "在骑自行车", "手里拿着包", "自行车旁边的人",
        "小孩旁边", "出门时", "门",
        "路人", "在一起", "看到一个门", "红色上衣", "40岁左右", "正在门口站着的人"[:2], "从背后", "在他身旁", "市场",
        "在", "附近", "",
    ],
)  # fmt: skip
def test_no_places(text: str) -> None:
    assert read(text) == []


def test_without_cameras_a_place_is_unclear() -> None:
    assert [p.cameras for p in find_places("a man at the north gate", ())] == [()]


def test_near_reaches_250_metres() -> None:
    cameras = [
        Camera(f"c{d}", "Harbour Gate" if not d else "", "", 22.7 + d * METRE, 114.2) for d in (0, 249, 251, -249)
    ]
    for text, found in (("near harbour gate", ["c0", "c249", "c-249"]), ("at harbour gate", ["c0"])):
        assert sorted(find_places(text, cameras)[0].cameras) == sorted(found)


def test_too_many_cameras_are_unclear() -> None:
    cameras = [Camera(f"c{n}", "", "Longhua") for n in range(MOST_CAMERAS + 1)]
    assert find_places("in longhua", cameras)[0].cameras == ()
    assert len(find_places("in longhua", cameras[1:])[0].cameras) == MOST_CAMERAS


def test_the_same_cameras_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Counted(Gazetteer):
        def __init__(self, cameras: tuple[Camera, ...]) -> None:
            made.append(len(cameras))
            super().__init__(cameras)

    monkeypatch.setattr(gazetteer_module, "Gazetteer", Counted)
    monkeypatch.setattr(gazetteer_module, "_kept", None)
    for cameras in (TOWN, TOWN, tuple(TOWN), TOWN[:2], TOWN[:2]):
        gazetteer(cameras)
    assert made == [len(TOWN), 2]


def test_a_city_is_read_fast_enough() -> None:
    """A sentence costs less than reading all the names once, which is kept: it does not go through every camera."""
    cameras = [
        Camera(
            f"cam-{n:06d}",
            f"{'东南西北'[n % 4]}门{n % 900}号路口 Street {n % 700}",
            f"District {n % 9}",
            22 + n * 1e-5,
            114,
        )
        for n in range(40_000)
    ]
    once = quickest(lambda: gazetteer_module.Gazetteer(cameras), 2)
    gazetteer(cameras)
    for text in (
        "a man in red",
        "near street 55",
        "在南门附近",
        "在东门88号路口附近的女人",
        "at cam-000123",
        "in the street " * 20,
    ):
        assert quickest(partial(find_places, text, cameras), 2) < once
    assert find_places("at cam-000123", cameras)[0].cameras == ("cam-000123",)
