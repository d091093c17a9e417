"""Random and chosen places: street, square, car park, room and their like, with what a sentence can say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.scenes import RGB, Ball, Box, Place

Thing = Box | Ball
KINDS = ("street", "square", "car park", "room", "hall", "lawn", "entrance", "corridor")


@dataclass(frozen=True)
class Setting:
    """A place and its words: ``kind``, what stands in it, day or night."""

    place: Place
    kind: str
    contents: tuple[str, ...]
    night: bool = False


def tree(x: float, y: float, h: float = 4.6, r: float = 1.7, rgb: RGB = (0.25, 0.34, 0.19)) -> tuple[Thing, ...]:
    trunk = Box((x - 0.12, y - 0.12, 0), (x + 0.12, y + 0.12, h - r * 0.5), (0.33, 0.26, 0.20))
    lumps = ((0, 0, 0, 1.0), (-0.5, 0.3, -0.3, 0.7), (0.55, -0.2, -0.25, 0.65), (0.1, 0.5, 0.35, 0.6))
    return (trunk, *(Ball((x + a * r, y + b * r, h + c * r), (r * k, r * k, r * k * 0.9), rgb) for a, b, c, k in lumps))


def car(x: float, y: float, rgb: RGB, turn: float = 0.0, van: bool = False) -> tuple[Thing, ...]:
    """A parked car with its nose along x (turned by ``turn``)."""
    c, s = float(np.cos(turn)), float(np.sin(turn))

    def block(dx: float, lx: float, wy: float, z0: float, z1: float, colour: RGB) -> Box:
        cx, cy = x + c * dx, y + s * dx
        return Box((cx - lx, cy - wy, z0), (cx + lx, cy + wy, z1), colour, turn=turn)

    glass: RGB = (0.16, 0.19, 0.22)
    tall = 1.95 if van else 1.42
    parts: list[Thing] = [
        block(0, 2.1, 0.84, 0.28, 0.86, rgb),
        block(0.15 if van else -0.1, 1.9 if van else 1.25, 0.76, 0.86, tall, rgb if van else glass),
    ]
    parts.append(block(-0.1, 1.0, 0.70, tall, tall + 0.05, rgb))
    parts += [
        block(-2.08, 0.04, 0.7, 0.55, 0.70, (0.85, 0.85, 0.80)),
        block(2.08, 0.04, 0.7, 0.55, 0.70, (0.55, 0.08, 0.07)),
    ]
    for dx in (-1.3, 1.3):
        for dy in (-0.80, 0.80):
            parts.append(
                Ball(
                    (x + c * dx - s * dy, y + s * dx + c * dy, 0.33),
                    (0.33, 0.16, 0.33) if abs(c) > 0.7 else (0.16, 0.33, 0.33),
                    (0.07, 0.07, 0.07),
                    "plain",
                )
            )
    return tuple(parts)


def bench(x: float, y: float) -> tuple[Thing, ...]:
    wood: RGB = (0.45, 0.31, 0.20)
    legs = tuple(Box((x + d, y - 0.2, 0), (x + d + 0.08, y + 0.2, 0.42), (0.25, 0.25, 0.26)) for d in (-0.8, 0.72))
    return (
        Box((x - 0.9, y - 0.25, 0.42), (x + 0.9, y + 0.25, 0.48), wood),
        Box((x - 0.9, y + 0.22, 0.55), (x + 0.9, y + 0.28, 0.90), wood),
        *legs,
    )


def table(x: float, y: float, rgb: RGB = (0.70, 0.60, 0.47)) -> tuple[Thing, ...]:
    legs = tuple(
        Box((x + dx - 0.03, y + dy - 0.03, 0), (x + dx + 0.03, y + dy + 0.03, 0.70), (0.3, 0.3, 0.3))
        for dx in (-0.65, 0.65)
        for dy in (-0.32, 0.32)
    )
    return (Box((x - 0.75, y - 0.4, 0.70), (x + 0.75, y + 0.4, 0.75), rgb), *legs)


def lamp(x: float, y: float) -> tuple[Thing, ...]:
    return (
        Box((x - 0.05, y - 0.05, 0), (x + 0.05, y + 0.05, 4.2), (0.24, 0.26, 0.28)),
        Ball((x, y, 4.3), (0.22, 0.22, 0.16), (0.93, 0.92, 0.85), "plain"),
    )


def planter(x: float, y: float) -> tuple[Thing, ...]:
    return (
        Box((x - 0.7, y - 0.45, 0), (x + 0.7, y + 0.45, 0.5), (0.55, 0.53, 0.50)),
        Ball((x - 0.3, y, 0.62), (0.42, 0.38, 0.34), (0.24, 0.37, 0.18)),
        Ball((x + 0.3, y, 0.60), (0.40, 0.38, 0.36), (0.29, 0.38, 0.20)),
    )


_PAINTS: tuple[RGB, ...] = (
    (0.75, 0.76, 0.77),
    (0.10, 0.10, 0.11),
    (0.42, 0.44, 0.46),
    (0.45, 0.09, 0.09),
    (0.13, 0.20, 0.36),
    (0.86, 0.86, 0.84),
)


def _outdoor(kind: str, rng: np.random.Generator) -> tuple[list[Thing], set[str], dict[str, object]]:
    things: list[Thing] = []
    said: set[str] = set()
    far = float(rng.uniform(14, 30))
    tone = float(rng.uniform(0.4, 0.75))
    wall: RGB = (tone, tone * float(rng.uniform(0.88, 1.0)), tone * float(rng.uniform(0.78, 1.0)))
    if kind in ("street", "entrance") or rng.random() < 0.6:
        things.append(Box((-40, far, 0), (40, far + 10, 14), wall, ("shop", "windows", "brick")[int(rng.integers(3))]))
        said.add("building")
    for _ in range(int(rng.integers(0, 4)) + (3 if kind == "lawn" else 0)):
        things += tree(float(rng.uniform(-12, 12)), float(rng.uniform(8, far - 2)), float(rng.uniform(3.5, 6)))
        said.add("tree")
    cars = int(rng.integers(3, 8)) if kind == "car park" else int(rng.integers(0, 3)) if kind == "street" else 0
    for k in range(cars):
        turn = np.pi / 2 + float(rng.normal(0, 0.05)) if kind == "car park" else float(rng.normal(0, 0.04))
        x = (k - cars / 2) * 2.9 + float(rng.normal(0, 0.2)) if kind == "car park" else float(rng.uniform(-9, 9))
        van = bool(rng.random() < 0.2)
        things += car(x, float(rng.uniform(9, 12)), _PAINTS[int(rng.integers(len(_PAINTS)))], turn, van)
        said.add("van" if van else "car")
    if kind in ("square", "lawn") and rng.random() < 0.6:
        things += bench(float(rng.uniform(-5, 5)), float(rng.uniform(7, 12)))
        said.add("bench")
    if kind == "entrance":
        things += [
            Box((s * 3.0 - 0.4, far - 1, 0), (s * 3.0 + 0.4, far - 0.2, 3.4), (0.5, 0.48, 0.45), "brick")
            for s in (-1, 1)
        ]
        things.append(Box((-2.2, far - 0.1, 0), (2.2, far + 0.05, 2.8), (0.20, 0.24, 0.27)))
        said.add("door")
    grey = float(rng.uniform(0.34, 0.62))
    grounds: dict[str, tuple[str, RGB]] = {
        "street": ("asphalt", (grey * 0.8, grey * 0.8, grey * 0.82)), "car park": ("asphalt", (grey * 0.85, grey * 0.85, grey * 0.85)),
        "square": ("paving", (grey * 1.25, grey * 1.2, grey * 1.12)), "lawn": ("grass", (0.30, 0.42, 0.20)),
        "entrance": ("paving", (grey * 1.1, grey * 1.08, grey * 1.05)),
    }  # fmt: skip
    more: dict[str, object] = {"ground": grounds[kind][0], "ground_rgb": grounds[kind][1]}
    if kind == "street":
        more["patches"] = (
            (-60.0, 0.0, 60.0, 6.0, "paving", (0.60, 0.58, 0.55)),
            (-60.0, far - 5, 60.0, far, "paving", (0.6, 0.58, 0.56)),
        )
    return things, said, more


def _indoor(kind: str, rng: np.random.Generator) -> tuple[list[Thing], set[str], dict[str, object]]:
    far, wide = {"room": (7.0, 4.5), "hall": (18.0, 11.0), "corridor": (24.0, 2.2)}[kind]
    far, wide = far * float(rng.uniform(0.85, 1.2)), wide * float(rng.uniform(0.85, 1.2))
    tone = float(rng.uniform(0.6, 0.92))
    wall: RGB = (tone, tone * float(rng.uniform(0.94, 1.0)), tone * float(rng.uniform(0.86, 1.02)))
    things: list[Thing] = [
        Box((-wide - 9, far, 0), (wide + 9, far + 1, 6), wall),
        Box((-wide - 1, -5, 0), (-wide, far, 6), wall),
        Box((wide, -5, 0), (wide + 1, far, 6), wall),
    ]
    said: set[str] = set()
    things.append(Box((-wide, far - 0.03, 0), (wide, far + 0.1, 0.12), (tone * 0.55,) * 3))
    if rng.random() < 0.6:
        x = float(rng.uniform(-wide * 0.7, wide * 0.7))
        things.append(Box((x - 0.5, far - 0.05, 0), (x + 0.5, far + 0.1, 2.1), (0.40, 0.28, 0.18)))
        said.add("door")
    for _ in range(int(rng.integers(0, 3)) if kind != "corridor" else 0):
        things += table(float(rng.uniform(-wide * 0.6, wide * 0.6)), float(rng.uniform(4, far - 1)))
        said.add("table")
    if kind == "hall":
        things += [
            Box((s * wide * 0.55 - 0.35, far * 0.6, 0), (s * wide * 0.55 + 0.35, far * 0.6 + 0.7, 6), wall)
            for s in (-1, 1)
        ]
    ground = ("wood", "tiles", "plain")[int(rng.integers(3))]
    rgb: RGB = (0.58, 0.40, 0.25) if ground == "wood" else (tone * 0.8, tone * 0.79, tone * 0.77)
    return things, said, {"ground": ground, "ground_rgb": rgb}


def random_setting(kind: str, rng: np.random.Generator) -> Setting:
    """A place of this kind that nobody has seen before."""
    inside = kind in ("room", "hall", "corridor")
    things, said, more = (_indoor if inside else _outdoor)(kind, rng)
    night = bool(not inside and rng.random() < 0.15)
    sun = (float(rng.uniform(-0.8, 0.8)), float(rng.uniform(-0.8, 0.3)), float(rng.uniform(0.4, 1.0)))
    light = 0.95 if inside else 0.30 if night else float(rng.uniform(0.5, 0.9))
    sky: RGB = (0.06, 0.07, 0.10) if night else (0.82, 0.86, 0.91)
    spot = Place(things=tuple(things), sun=sun, light=light, sky=sky, seed=int(rng.integers(1 << 16)), **more)  # type: ignore[arg-type]
    return Setting(spot, kind, tuple(sorted(said)), night)
