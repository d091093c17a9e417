"""The four cameras of the sample videos: what they look at and who walks through, when and where."""

from __future__ import annotations

from dataclasses import dataclass

from training.places import Thing, bench, car, lamp, planter, table, tree
from training.scenes import RGB, Ball, Box, Place
from training.view import View


@dataclass(frozen=True)
class Walk:
    """``who`` enters at second ``start`` and follows way-points (x, y, pause in seconds), metres on the ground."""

    who: str
    start: float
    points: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Stage:
    camera: str
    offset_s: float
    place: Place
    view: View
    walks: tuple[Walk, ...]
    lamps: tuple[tuple[float, float], ...] = ()
    """Street lamps on the ground plane: given, it is night and they are the light."""


def _view(pitch: float = 0.19, focal: float = 950.0, high: float = 3.2, yaw: float = 0.0) -> View:
    return View(1280, 720, focal, (0.0, 0.0, high), yaw, pitch)


def _gate() -> Stage:
    brick: RGB = (0.56, 0.40, 0.33)
    stone: RGB = (0.66, 0.64, 0.60)
    things: list[Thing] = [
        Box((-30, 16, 0), (-4.6, 16.4, 2.5), brick, "brick"),
        Box((4.6, 16, 0), (30, 16.4, 2.5), brick, "brick"),
    ]
    for x in (-4.6, 3.8):
        things += [
            Box((x, 15.7, 0), (x + 0.8, 16.5, 3.5), stone),
            Box((x - 0.1, 15.6, 3.5), (x + 0.9, 16.6, 3.75), (0.5, 0.48, 0.46)),
        ]
    things += [
        Box((5.4, 12.2, 0), (7.6, 14.2, 2.5), (0.80, 0.80, 0.77)),
        Box((5.6, 12.15, 1.0), (7.4, 12.3, 2.0), (0.22, 0.27, 0.32)),
        Box((5.1, 11.9, 2.5), (7.9, 14.5, 2.7), (0.35, 0.42, 0.50)),
    ]
    things += [Box((-40, 34, 0), (40, 40, 15), (0.74, 0.70, 0.63), "windows")]
    things += [
        *tree(-9, 19, 5.5, 2.2),
        *tree(9.5, 20, 5.8, 2.3),
        *tree(-14, 23, 6, 2.4),
        *planter(-6.0, 14.6),
        *lamp(-4.2, 14.8),
    ]
    patches = (
        (-3.6, 0.0, 3.6, 60.0, "asphalt", (0.44, 0.44, 0.45)),
        (-60.0, 16.2, -3.6, 60.0, "grass", (0.36, 0.45, 0.26)),
        (3.6, 16.2, 60.0, 60.0, "grass", (0.36, 0.45, 0.26)),
    )
    place = Place("paving", (0.68, 0.66, 0.62), tuple(things), (-0.55, -0.55, 0.85), 0.58, seed=11, patches=patches)
    walks = (
        Walk("red-coat-man", 5, ((0.5, 24, 0), (-0.5, 13, 0), (1.5, 8.5, 1.0), (8.5, 7.5, 0))),
        Walk("worker", 8, ((-9.5, 10.5, 0), (-2.5, 10, 2.5), (-1.5, 9, 0), (-7.5, 7.5, 0))),
        Walk("brown-jacket-man", 20.5, ((8.6, 9.2, 0), (3.8, 10.2, 3.0), (-0.6, 17, 0), (-0.5, 29, 0))),
        Walk("yellow-coat-woman", 29, ((-8.2, 8.2, 0), (-2, 7.6, 0), (2.5, 9.0, 1.0), (10.2, 10.4, 0))),
        Walk("green-umbrella-woman", 41, ((1.2, 26, 0), (0.8, 14, 0), (-1.5, 9.5, 0), (-8.4, 8.0, 0))),
        Walk("red-coat-twin", 33, ((-8.0, 9.8, 0), (-1.5, 9.4, 1.0), (3.0, 8.2, 0), (9.0, 8.6, 0))),
        Walk("pink-girl", 37, ((8.6, 8.0, 0), (2.0, 8.8, 0), (-8.6, 9.2, 0))),
        Walk("black-suit-man", 38, ((-0.6, 25, 0), (-0.2, 12, 0), (2.4, 9.6, 0), (9.4, 9.8, 0))),
    )
    return Stage("gate", 0.0, place, _view(), walks)


def _square() -> Stage:
    things: list[Thing] = [
        Box((-45, 30, 0), (-6, 38, 12), (0.70, 0.64, 0.55), "windows"),
        Box((-6, 33, 0), (45, 40, 16), (0.63, 0.65, 0.67), "windows"),
    ]
    things += [
        Box((-2.2, 17.8, 0), (2.2, 22.2, 0.55), (0.72, 0.70, 0.66)),
        Box((-1.9, 18.1, 0.50), (1.9, 21.9, 0.57), (0.42, 0.55, 0.62)),
        Box((-0.25, 19.75, 0), (0.25, 20.25, 1.9), (0.70, 0.68, 0.64)),
        Ball((0, 20, 2.0), (0.5, 0.5, 0.3), (0.70, 0.68, 0.64), "plain"),
    ]
    things += [
        *bench(-5.2, 12.6),
        *bench(5.4, 12.8),
        *planter(-7.6, 12.8),
        *planter(7.8, 13.0),
        *tree(-9.5, 18, 5.2, 2.0),
        *tree(9.8, 18.5, 5.4, 2.1),
        *tree(15, 24, 6, 2.4),
        *tree(-16, 24, 6, 2.4),
        *lamp(-3.6, 15.4),
        *lamp(3.8, 15.6),
    ]
    place = Place("paving", (0.74, 0.70, 0.64), tuple(things), (0.65, -0.35, 0.8), 0.58, seed=23)
    walks = (
        Walk("orange-child", 4, ((-7.6, 7.4, 0), (-2.5, 8.2, 1.5), (0.5, 6.8, 0), (7.0, 7.2, 0))),
        Walk("red-coat-man", 12, ((-9.5, 10.5, 0), (-1, 9.6, 1.0), (4, 10.6, 0), (10, 10.6, 0))),
        Walk("pink-girl", 24, ((8.4, 8.8, 0), (3, 8.0, 1.5), (-1, 9.4, 0), (-8.8, 9.0, 0))),
        Walk("grey-coat-woman", 30, ((9.6, 10.8, 0), (2.5, 10.2, 0), (-2.5, 7.6, 1.0), (-7.6, 6.8, 0))),
        Walk("red-dress-woman", 43, ((-8.6, 8.4, 0), (-2, 9.0, 1.5), (2.0, 8.2, 0), (8.8, 9.2, 0))),
        Walk("white-shirt-shorts-man", 17, ((9.0, 9.6, 0), (1.0, 8.6, 0.8), (-8.8, 8.4, 0))),
        Walk("purple-sweater-woman", 26, ((-9.0, 9.8, 0), (0.5, 10.4, 0), (9.2, 9.6, 0))),
        Walk("red-coat-twin", 33, ((8.8, 7.6, 0), (2.0, 8.6, 1.0), (-3.0, 8.0, 0), (-8.6, 7.8, 0))),
        Walk("worker", 37, ((-9.2, 10.8, 0), (0.0, 11.0, 0), (9.6, 11.0, 0))),
    )
    return Stage("square", 20.0, place, _view(0.185, 930, 3.3), walks)


def _street() -> Stage:
    things: list[Thing] = [
        Box((-45, 17.5, 0), (1.0, 26, 9), (0.69, 0.60, 0.50), "shop"),
        Box((1.0, 17.2, 0), (45, 26, 11), (0.62, 0.64, 0.63), "shop"),
    ]
    things += [
        *car(-6.2, 13.4, (0.20, 0.28, 0.42)),
        *car(0.6, 13.5, (0.75, 0.76, 0.77)),
        *car(7.6, 13.4, (0.30, 0.31, 0.32), van=True),
    ]
    things += [*tree(-10, 15.6, 4.9, 1.5), *tree(4.1, 15.7, 4.8, 1.4), *lamp(-2.9, 15.3), *lamp(10.9, 15.3)]
    patches = (
        (-60.0, 9.8, 60.0, 15.0, "asphalt", (0.43, 0.43, 0.45)),
        (-60.0, 9.6, 60.0, 9.8, "plain", (0.68, 0.67, 0.64)),
        (-60.0, 15.0, 60.0, 15.2, "plain", (0.68, 0.67, 0.64)),
    )
    place = Place("paving", (0.66, 0.64, 0.61), tuple(things), (-0.5, -0.6, 0.75), 0.6, seed=37, patches=patches)
    walks = (
        Walk("blue-jacket-suitcase-man", 3.5, ((-7.4, 7.2, 0), (-1, 7.8, 0), (2.0, 7.4, 1.2), (7.8, 7.6, 0))),
        Walk("yellow-coat-woman", 14, ((8.8, 9.0, 0), (3.0, 8.4, 1.0), (-2, 8.8, 0), (-8.8, 8.6, 0))),
        Walk("elder-with-cane", 21, ((-7.2, 7.0, 0), (-2.5, 6.8, 2.0), (1.0, 7.4, 0), (7.4, 7.0, 0))),
        Walk("white-shirt-shorts-man", 36, ((9.4, 9.2, 0), (4.0, 8.8, 0), (-0.5, 8.0, 1.5), (-8.4, 8.4, 0))),
        Walk("red-coat-man", 46, ((-9.2, 9.2, 0), (-3, 8.8, 0), (2.5, 8.4, 0), (8.4, 8.4, 0))),
        Walk("brown-jacket-man", 17, ((-9.0, 8.8, 0), (-1.0, 9.2, 0), (9.0, 9.0, 0))),
        Walk("green-umbrella-woman", 25, ((8.6, 8.2, 0), (1.0, 8.6, 0), (-8.6, 8.0, 0))),
    )
    return Stage("street", 40.0, place, _view(0.20, 940, 3.3), walks, lamps=((-6.0, 8.6), (0.0, 9.0), (6.0, 8.6)))


def _hall() -> Stage:
    wall: RGB = (0.86, 0.85, 0.82)
    things: list[Thing] = [
        Box((-30, 15.5, 0), (30, 16, 7), wall),
        Box((-11.5, -4, 0), (-11, 15.5, 7), wall),
        Box((11, -4, 0), (11.5, 15.5, 7), wall),
    ]
    things += [
        Box((-11, 15.45, 0), (11, 15.6, 0.14), (0.42, 0.38, 0.34)),
        Box((-2.0, 15.42, 0), (2.0, 15.6, 2.5), (0.30, 0.36, 0.40)),
        Box((-0.03, 15.38, 0), (0.03, 15.6, 2.5), (0.70, 0.70, 0.70)),
        Box((-2.15, 15.40, 2.5), (2.15, 15.6, 2.65), (0.5, 0.5, 0.5)),
    ]
    for x in (-6.2, 5.5):
        things.append(Box((x, 11.2, 0), (x + 0.7, 11.9, 7), (0.78, 0.76, 0.72)))
    things += [
        Box((4.9, 13.6, 0), (9.6, 14.4, 1.1), (0.50, 0.36, 0.24)),
        Box((4.8, 13.5, 1.1), (9.7, 14.5, 1.17), (0.82, 0.80, 0.76)),
        Box((5.4, 15.40, 1.7), (9.0, 15.6, 2.9), (0.22, 0.34, 0.48)),
    ]
    things += [*table(-6.2, 13.2), *planter(-9.2, 14.4), Box((-9.6, 15.40, 1.4), (-4.4, 15.6, 2.8), (0.66, 0.76, 0.82))]
    place = Place("tiles", (0.74, 0.72, 0.68), tuple(things), (-0.25, -0.35, 1.0), 0.88, (0.92, 0.92, 0.9), 41)
    walks = (
        Walk("black-suit-man", 3.5, ((-8.0, 8.4, 0), (-2, 8.8, 1.5), (2.5, 8.2, 0), (8.6, 9.0, 0))),
        Walk("blue-jacket-suitcase-man", 11, ((8.0, 8.0, 0), (2.0, 8.2, 0.8), (-3, 7.4, 0), (-7.6, 7.2, 0))),
        Walk("purple-sweater-woman", 23, ((-9.4, 10.2, 0), (-4.5, 9.8, 1.5), (0.5, 9.0, 0), (8.6, 8.6, 0))),
        Walk("elder-with-cane", 31, ((7.0, 6.8, 0), (2.6, 7.2, 1.0), (-1.0, 7.0, 0), (-7.2, 7.0, 0))),
        Walk("old-woman-dark-green", 45, ((-7.4, 7.2, 0), (-2.8, 7.4, 0.8), (0.0, 7.8, 0), (4.0, 8.0, 0))),
        Walk("grey-coat-woman", 47.5, ((9.6, 10.4, 0), (4.2, 10.0, 0), (-2.0, 9.8, 0), (-9.4, 9.8, 0))),
    )
    return Stage("hall", 55.0, place, _view(0.195, 940, 3.3), walks)


STAGES: tuple[Stage, ...] = (_gate(), _square(), _street(), _hall())
