"""What a made person is: a frozen record of attributes and how they are drawn at random from a seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

COLOURS = (
    "black", "white", "grey", "red", "blue", "navy", "light blue", "green",
    "yellow", "orange", "pink", "purple", "brown", "beige", "dark green",
)  # fmt: skip
SEXES = ("male", "female")
AGES = ("child", "adult", "elder")
BUILDS = ("thin", "average", "heavy")
UPPERS = ("t-shirt", "shirt", "sweater", "hoodie", "jacket", "coat", "down jacket", "suit", "vest", "dress")
LOWERS = ("trousers", "jeans", "shorts", "skirt", "leggings", "none")
HAIRS = ("short", "long", "ponytail", "bun", "bald")
HAIR_COLOURS = ("black", "brown", "grey", "white", "blonde")
HATS = ("none", "cap", "hat", "hood", "helmet", "headscarf")
BAGS = ("none", "backpack", "handbag", "shoulder bag")
CARRIED = ("none", "suitcase", "umbrella", "cane", "parcel", "papers")
POSES = ("walking", "standing", "running", "sitting", "lying")
RIDES = ("none", "wheelchair", "bicycle", "e-bike")
BESIDE = ("none", "child")
EXTRAS = ("none", "glasses", "mask", "scarf")

# How often each colour is worn: the street is black, grey, navy and denim, yet each name must be learnt.
_UPPER_WEIGHTS = (16, 10, 10, 8, 7, 8, 6, 6, 5, 5, 6, 5, 6, 6, 5)
_LOWER_WEIGHTS = (20, 7, 11, 5, 8, 10, 5, 5, 4, 4, 4, 4, 7, 7, 5)
_THING_WEIGHTS = (30, 5, 12, 9, 8, 6, 3, 4, 4, 3, 5, 3, 9, 4, 2)


@dataclass(frozen=True)
class Person:
    """One identity. Every field is a name of the tuples above; ``seed`` fixes what has no name."""

    seed: int
    sex: str
    age: str
    build: str
    upper: str
    upper_colour: str
    lower: str
    lower_colour: str
    hair: str
    hair_colour: str
    hat: str
    hat_colour: str
    bag: str
    bag_colour: str
    carried: str
    carried_colour: str
    shoes_colour: str
    pattern: str = "plain"
    extra: str = "none"
    open_front: bool = False
    pose: str = "walking"
    ride: str = "none"
    beside: str = "none"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _pick(rng: np.random.Generator, names: tuple[str, ...], weights: tuple[float, ...]) -> str:
    share = np.asarray(weights, dtype=np.float64)
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def _hair(rng: np.random.Generator, sex: str, age: str) -> tuple[str, str]:
    if sex == "male":
        kind = _pick(rng, HAIRS, (88, 2, 1, 1, 8 if age != "child" else 0))
    else:
        kind = _pick(rng, HAIRS, (24, 42, 22, 12, 0) if age != "elder" else (60, 12, 6, 22, 0))
    by_age = {"child": (80, 15, 0, 0, 5), "adult": (62, 22, 4, 0, 12), "elder": (12, 5, 48, 35, 0)}
    return kind, _pick(rng, HAIR_COLOURS, by_age[age])


def _lower(rng: np.random.Generator, sex: str, upper: str) -> str:
    if upper == "dress":
        return "none" if rng.random() < 0.6 else "leggings"
    if upper == "suit":
        return "trousers"
    if sex == "male":
        return _pick(rng, LOWERS[:3], (42, 32, 26))
    return _pick(rng, LOWERS[:5], (27, 22, 14, 23, 14))


def _lower_colour(rng: np.random.Generator, lower: str, upper: str, upper_colour: str) -> str:
    if upper == "suit" and rng.random() < 0.85:
        return upper_colour
    if lower == "jeans":
        return _pick(rng, ("blue", "navy", "light blue", "black", "grey"), (32, 26, 20, 13, 9))
    return _pick(rng, COLOURS, _LOWER_WEIGHTS)


def _moving(rng: np.random.Generator, age: str) -> tuple[str, str]:
    """Pose and what they ride, if anything."""
    ride = _pick(rng, RIDES, (88, 6, 2, 1) if age == "elder" else (88, 2, 5, 5 if age == "adult" else 0))
    if ride != "none":
        return "sitting", ride
    return _pick(rng, POSES, (56, 27, 3 if age == "elder" else 8, 7, 2)), ride


def sample_person(seed: int) -> Person:
    """The person of this seed, always the same."""
    rng = np.random.default_rng(seed)
    sex = _pick(rng, SEXES, (1, 1))
    age = _pick(rng, AGES, (22, 52, 26))
    uppers = (14, 11, 12, 11, 16, 14, 9, 6, 4, 0) if sex == "male" else (12, 9, 13, 9, 13, 15, 9, 3, 3, 14)
    upper = _pick(rng, UPPERS, uppers)
    upper_colour = _pick(rng, COLOURS, _UPPER_WEIGHTS if upper != "suit" else _LOWER_WEIGHTS)
    lower = _lower(rng, sex, upper)
    hair, hair_colour = _hair(rng, sex, age)
    hats = (54, 14, 11, 22 if upper in ("hoodie", "down jacket", "jacket") else 0, 8, 11 if sex == "female" else 1)
    carried = (44, 11, 11, 18 if age == "elder" else 5, 8, 7)
    pose, ride = _moving(rng, age)
    free = ride == "none" and pose in ("walking", "standing")
    return Person(
        seed=seed, sex=sex, age=age,
        build=_pick(rng, BUILDS, (28, 46, 26)),
        upper=upper, upper_colour=upper_colour,
        lower=lower, lower_colour=_lower_colour(rng, lower, upper, upper_colour),
        hair=hair, hair_colour=hair_colour,
        hat=_pick(rng, HATS, hats), hat_colour=_pick(rng, COLOURS, _THING_WEIGHTS),
        bag=_pick(rng, BAGS, (43, 23, 17, 17)) if pose != "lying" else "none", bag_colour=_pick(rng, COLOURS, _THING_WEIGHTS),
        carried=_pick(rng, CARRIED, carried) if free else "none", carried_colour=_pick(rng, COLOURS, _THING_WEIGHTS),
        shoes_colour=_pick(rng, COLOURS, (38, 22, 10, 4, 3, 3, 1, 1, 1, 1, 2, 1, 11, 2, 0)),
        pattern=_pick(rng, ("plain", "stripes", "checks", "print"), (76, 10, 7, 7)),
        extra=_pick(rng, EXTRAS, (74, 10, 8, 8)),
        open_front=bool(upper in ("jacket", "coat", "suit", "vest") and rng.random() < 0.45),
        pose=pose, ride=ride,
        beside="child" if free and age != "child" and rng.random() < 0.06 else "none",
    )  # fmt: skip
