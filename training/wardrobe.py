"""Clothes, cut in the unshaped rest pose: where a garment covers, how far it stands off, what is painted on it.

The template's marks (metres): ankle -0.75, knee -0.37, crotch -0.03, waist 0.16, shoulder 0.52, neck 0.59, eyes 0.73.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.attributes import Person
from training.body import Body
from training.colours import denim, hair_shade, shade, skin_shade
from training.view import Floats

_SLEEVE = {"t-shirt": 0.36, "dress": 0.3}
_HEM = {"t-shirt": 0.02, "shirt": -0.05, "sweater": 0.03, "hoodie": 0.02, "jacket": 0.03, "coat": -0.02,
        "down jacket": -0.01, "suit": -0.09, "vest": 0.06, "dress": 0.0}  # fmt: skip
_LOOSE = {"t-shirt": 0.014, "shirt": 0.014, "sweater": 0.022, "hoodie": 0.034, "jacket": 0.030, "coat": 0.036,
          "down jacket": 0.064, "suit": 0.022, "vest": 0.030, "dress": 0.012}  # fmt: skip
_LEG_END = {"trousers": -0.755, "jeans": -0.755, "shorts": -0.33, "skirt": -0.30, "leggings": -0.74, "none": 9.0}
_LEG_LOOSE = {"trousers": 0.016, "jeans": 0.009, "shorts": 0.022, "leggings": 0.001, "skirt": 0.006, "none": 0.0}
_SHOULDER, _ELBOW, _WRIST = (
    np.array(p, np.float32) for p in ((0.168, -0.015, 0.525), (0.313, -0.013, 0.349), (0.431, -0.176, 0.245))
)
_TAILED = ("coat", "dress")


def arm_length(template: Floats) -> Floats:
    """How far down the arm a point is: 0 shoulder, 0.5 elbow, 1 wrist, (n,)."""
    point = template.copy()
    point[:, 0] = np.abs(point[:, 0])
    upper, fore = _ELBOW - _SHOULDER, _WRIST - _ELBOW
    a = (point - _SHOULDER) @ upper / (upper @ upper)
    b = (point - _ELBOW) @ fore / (fore @ fore)
    return np.asarray(0.5 * np.clip(a, -0.5, 1) + 0.5 * np.maximum(b, 0), np.float32)


@dataclass(frozen=True)
class Outfit:
    """A person's clothes with their exact cuts and shades."""

    person: Person
    sleeve: float
    hem: float
    neck: float
    tail_end: float
    leg_end: float
    loose: float
    leg_loose: float
    upper_rgb: Floats
    under_rgb: Floats
    lower_rgb: Floats
    skin_rgb: Floats
    hair_rgb: Floats
    shoe_rgb: Floats
    accent_rgb: Floats
    hat_rgb: Floats
    bag_rgb: Floats
    carried_rgb: Floats
    fold_seed: int

    @property
    def tailed(self) -> bool:
        return self.person.upper in _TAILED or self.person.lower == "skirt"


def dress(person: Person) -> Outfit:
    """The outfit of this person, always the same."""
    rng = np.random.default_rng(person.seed + 77_000_001)
    long_sleeve = 0.98 if person.upper not in ("shirt",) or rng.random() < 0.7 else 0.35
    sleeve = _SLEEVE.get(person.upper, long_sleeve)
    if person.upper == "dress" and rng.random() < 0.5:
        sleeve = 0.98
    if person.upper == "vest" and rng.random() < 0.25:
        sleeve = -1.0
    ends = {"coat": rng.uniform(-0.60, -0.26), "dress": rng.uniform(-0.58, -0.18)}
    tail = ends.get(person.upper, rng.uniform(-0.6, -0.2) if person.lower == "skirt" else 0.0)
    legs = denim(person.lower_colour, rng) if person.lower == "jeans" else shade(person.lower_colour, rng)
    under = (
        "white" if person.upper == "suit" else ("white", "grey", "black", "light blue", "beige")[int(rng.integers(5))]
    )
    return Outfit(
        person=person, sleeve=sleeve, hem=_HEM[person.upper] + float(rng.uniform(-0.02, 0.02)),
        neck=0.545 if person.upper in ("t-shirt", "dress", "vest", "sweater") else 0.60,
        tail_end=float(tail), leg_end=_LEG_END[person.lower] + float(rng.uniform(-0.0, 0.02)),
        loose=_LOOSE[person.upper] * float(rng.uniform(0.7, 1.3)),
        leg_loose=_LEG_LOOSE[person.lower] * float(rng.uniform(0.5, 1.7)),
        upper_rgb=shade(person.upper_colour, rng), under_rgb=shade(under, rng), lower_rgb=legs,
        skin_rgb=skin_shade(rng), hair_rgb=hair_shade(person.hair_colour, rng), shoe_rgb=shade(person.shoes_colour, rng),
        accent_rgb=shade(("white", "black", "grey", "navy", "beige")[int(rng.integers(5))], rng),
        hat_rgb=shade(person.hat_colour, rng), bag_rgb=shade(person.bag_colour, rng),
        carried_rgb=shade(person.carried_colour, rng), fold_seed=int(rng.integers(1 << 20)),
    )  # fmt: skip


def neckline(outfit: Outfit, t: Floats) -> Floats:
    """Positive below the collar: shoulders are covered however high, the throat only up to ``neck``, (n,)."""
    throat = np.hypot(t[:, 0], t[:, 1] + 0.02) - 0.088
    return np.asarray(np.maximum(outfit.neck - t[:, 2], np.minimum(throat, 0.62 - t[:, 2])), np.float32)


def covers(body: Body, outfit: Outfit) -> tuple[Floats, Floats]:
    """Signed cover of every vertex (v,; holes are negative) and how far it is pushed outwards, metres (v,)."""
    t, arm = body.template, body.part_weight["arm"] > 0.5
    z = t[:, 2]
    upper = np.where(arm, outfit.sleeve - arm_length(t), np.minimum(z - outfit.hem, neckline(outfit, t)))
    lower = np.where(arm, -1.0, np.minimum(0.2 - z, z - outfit.leg_end))
    cover = np.ones(len(t), np.float32)
    push = np.zeros(len(t), np.float32)
    shell, skirt, hair = (body.layer == k for k in (1, 2, 3))
    cover[shell] = np.maximum(upper, lower)[shell]
    torso_loose = np.where(z < 0.2, outfit.loose, outfit.loose * np.where(arm, 0.75, 1.0))
    push[shell] = np.where(upper > 0, torso_loose, np.where(lower > 0, outfit.leg_loose, 0.0))[shell]
    top = 0.17
    cover[skirt] = np.minimum(top - z, z - outfit.tail_end)[skirt] if outfit.tailed else -1.0
    push[skirt] = outfit.loose * 0.9 if outfit.person.upper in _TAILED else 0.004
    kind = outfit.person.hair
    behind = np.maximum(np.maximum(t[:, 1] + 0.06, np.abs(t[:, 0]) - 0.085), z - 0.785)
    cover[hair] = np.minimum(z - 0.42, behind)[hair] if kind == "long" else -1.0
    scalp = (body.layer == 0) & (hair_line(t) > 0)
    puff = {"short": 0.012, "bald": 0.0, "long": 0.014, "ponytail": 0.010, "bun": 0.010}[kind]
    push[scalp] = puff
    return cover, push


def hair_line(t: Floats) -> Floats:
    """Positive on the scalp: behind the ears and above the forehead, (n,)."""
    front = t[:, 2] - 0.775 - 0.5 * np.maximum(-0.10 - t[:, 1], 0)
    back = np.minimum(t[:, 1] + 0.055, t[:, 2] - 0.64)
    return np.asarray(np.maximum(front, back), np.float32)


def paint(outfit: Outfit, t: Floats, layer: NDArray[np.int32], arm: Floats, foot: Floats) -> Floats:
    """Colours (n, 3) of points on the body or its clothes; ``t`` in template metres, ``layer`` as in body.LAYERS."""
    x, y, z = t.T
    person, s = outfit.person, arm_length(t)
    on_arm = arm > 0.5
    rgb = np.broadcast_to(outfit.skin_rgb, t.shape).copy()
    face = (z > 0.62) & ~on_arm
    eyes = face & (np.abs(np.abs(x) - 0.031) < 0.016) & (np.abs(z - 0.731) < 0.007) & (y < -0.09)
    brows = face & (np.abs(np.abs(x) - 0.033) < 0.02) & (np.abs(z - 0.752) < 0.004) & (y < -0.09)
    lips = face & (np.abs(x) < 0.022) & (np.abs(z - 0.658) < 0.005) & (y < -0.1)
    rgb[eyes | brows] = (0.12, 0.09, 0.08)
    rgb[lips] = outfit.skin_rgb * np.array([0.85, 0.55, 0.55], np.float32)
    _paint_extras(outfit, rgb, x, y, z, face)
    if person.hair != "bald":
        rgb[face & (layer == 0) & (hair_line(t) > 0)] = outfit.hair_rgb
    legs = ~on_arm & (z < 0.3) & (z > outfit.leg_end)
    rgb[legs] = outfit.lower_rgb
    if person.lower == "jeans":
        _wear_out(outfit, rgb, legs, x, y, z)
    shoe = (foot > 0.5) & (z < -0.735)
    rgb[shoe] = outfit.shoe_rgb
    top = np.where(on_arm, s < outfit.sleeve, (z > outfit.hem) & (neckline(outfit, t) > 0))
    top &= layer != 3
    rgb[top] = _upper(outfit, x[top], y[top], z[top], s[top], on_arm[top])
    tail = layer == 2
    if person.upper in _TAILED:
        rgb[tail] = _upper(outfit, x[tail], y[tail], z[tail], s[tail] * 0, on_arm[tail])
    else:
        rgb[tail] = outfit.lower_rgb
    rgb[layer == 3] = outfit.hair_rgb
    return rgb


def _wear_out(outfit: Outfit, rgb: Floats, legs: NDArray[np.bool_], x: Floats, y: Floats, z: Floats) -> None:
    """Denim: pale thighs and knees, seams, sometimes turned-up ends."""
    pale = 0.34 * np.exp(-(((z + 0.24) / 0.15) ** 2)) * (0.5 + 0.5 * (y < 0))
    pale = pale + 0.12 * (np.abs(np.abs(x) - 0.16) < 0.008)
    worn = rgb + (np.array([0.72, 0.78, 0.86], np.float32) - rgb) * pale[:, None].astype(np.float32)
    rgb[legs] = worn[legs]
    if outfit.fold_seed % 3 == 0:
        rgb[legs & (z < -0.69)] = outfit.lower_rgb * 0.5 + 0.4


def _paint_extras(outfit: Outfit, rgb: Floats, x: Floats, y: Floats, z: Floats, face: NDArray[np.bool_]) -> None:
    extra = outfit.person.extra
    if extra == "mask":
        rgb[face & (z < 0.70) & (y < -0.07)] = (0.72, 0.84, 0.90) if outfit.fold_seed % 3 else (0.1, 0.1, 0.1)
    elif extra == "glasses":
        lens = face & (np.abs(np.abs(x) - 0.033) < 0.026) & (np.abs(z - 0.73) < 0.016) & (y < -0.08)
        rgb[lens] = (0.10, 0.10, 0.11)
    elif extra == "scarf":
        rgb[(np.abs(z - 0.595) < 0.045) & (np.abs(x) < 0.13)] = outfit.accent_rgb


def _details(
    outfit: Outfit, rgb: Floats, x: Floats, y: Floats, z: Floats, s: Floats, on_arm: NDArray[np.bool_]
) -> None:
    """What tells the kinds of tops apart: bands, plackets, pockets, lapels, buttons, belts, knit."""
    kind, odd = outfit.person.upper, outfit.fold_seed
    front, body = (y < -0.01) & ~on_arm, ~on_arm
    low, cuff = body & (z - outfit.hem < 0.055), on_arm & (s > 0.86)
    if kind == "jacket":
        rgb[low | cuff] *= 0.62
        rgb[front & (np.abs(x) < 0.007)] = 0.75 if odd % 2 else 0.15
        if odd % 5 == 0:
            rgb[on_arm] = outfit.accent_rgb
        rgb[body & (z > 0.55)] *= 0.65
    elif kind == "sweater":
        rgb *= (0.94 + 0.10 * (np.mod(np.where(on_arm, s * 0.6, z), 0.03) < 0.015))[:, None].astype(np.float32)
        rgb[low | cuff | (body & (z > 0.535))] *= 0.80
    elif kind == "shirt":
        light = outfit.upper_rgb * 0.5 + 0.5
        rgb[front & (np.abs(x) < 0.013)] = light
        rgb[front & (np.abs(x) < 0.008) & (np.mod(z, 0.08) < 0.014)] = outfit.accent_rgb * 0.5
        rgb[body & (z > 0.545)] = light
        rgb[front & (np.abs(x - 0.085) < 0.04) & (np.abs(z - 0.42) < 0.045)] *= 0.86
        rgb[cuff] = light
    elif kind == "hoodie":
        rgb[low | cuff] *= 0.78
        rgb[front & (np.abs(x) < 0.125) & (np.abs(z - 0.13) < 0.06)] *= 0.80
        rgb[front & (np.abs(np.abs(x) - 0.035) < 0.006) & (z > 0.40) & (z < 0.57)] = 0.85
    elif kind == "coat":
        rgb[front & (np.abs(np.abs(x) - 0.05) < 0.012) & (np.mod(z, 0.14) < 0.025) & (z < 0.4)] *= 0.35
        lapel = front & (z > 0.34) & (np.abs(np.abs(x) - (z - 0.30) * 0.36) < 0.020)
        rgb[lapel] *= 0.6
        if odd % 3 != 1:
            rgb[body & (np.abs(z - 0.165) < 0.020)] *= 0.55
    elif kind == "dress" and odd % 2:
        rgb[body & (np.abs(z - 0.17) < 0.018)] = outfit.accent_rgb
    elif kind == "suit":
        rgb[on_arm & (s > 0.945)] = outfit.under_rgb
        rgb[(y > 0.02) & body & (np.abs(x) < 0.004) & (z < 0.12)] *= 0.5


def _upper(outfit: Outfit, x: Floats, y: Floats, z: Floats, s: Floats, on_arm: NDArray[np.bool_]) -> Floats:
    """The upper garment: pattern, front opening, collar, pockets, hems."""
    person = outfit.person
    rgb = np.broadcast_to(outfit.upper_rgb, (len(x), 3)).copy()
    if person.pattern == "stripes":
        rgb[np.mod(np.where(on_arm, s * 0.6, z), 0.075) < 0.032] = outfit.accent_rgb
    elif person.pattern == "checks":
        line = (np.mod(z, 0.08) < 0.022) | (np.mod(np.where(on_arm, s * 0.6, np.abs(x)), 0.08) < 0.022)
        rgb[line] = 0.5 * rgb[line] + 0.5 * outfit.accent_rgb
    front = (y < -0.01) & ~on_arm
    if person.pattern == "print" and person.upper in ("t-shirt", "sweater", "hoodie"):
        rgb[front & (np.abs(x) < 0.085) & (np.abs(z - 0.38) < 0.06)] = outfit.accent_rgb
    if person.upper in ("jacket", "coat", "down jacket", "suit", "vest"):
        rgb[front & (np.abs(x) < 0.006)] *= 0.5
    _details(outfit, rgb, x, y, z, s, on_arm)
    if person.upper == "suit" or (person.open_front and person.upper != "down jacket"):
        width = (z - 0.30) * 0.24 if person.upper == "suit" else 0.025 + 0.05 * np.maximum(z, 0.0)
        inner = front & (np.abs(x) < width)
        rgb[inner] = outfit.under_rgb
        rim = front & (np.abs(x) > width) & (np.abs(x) < width + 0.02)
        rgb[rim] *= 0.72
        if person.upper == "suit" and person.sex == "male":
            rgb[inner & (np.abs(x) < 0.014)] = outfit.accent_rgb * 0.6
    if person.upper in ("shirt", "jacket", "coat", "suit"):
        rgb[~on_arm & (z > 0.565)] *= 0.80
    if person.upper in ("jacket", "coat", "down jacket", "hoodie"):
        pocket = front & (np.abs(np.abs(x) - 0.11) < 0.035) & (np.abs(z - 0.13) < 0.006)
        rgb[pocket] *= 0.6
    if person.upper == "vest":
        rgb[on_arm] = outfit.under_rgb
    if person.upper == "vest" and outfit.fold_seed % 2:
        rgb[~on_arm & ((np.abs(z - 0.2) < 0.025) | (np.abs(z - 0.36) < 0.02))] = (0.86, 0.88, 0.84)
    rgb[~on_arm & (np.abs(z - outfit.hem - 0.012) < 0.010)] *= 0.85
    if person.bag == "backpack":
        rgb[(np.abs(np.abs(x) - 0.105) < 0.020) & (z > 0.22) & ~on_arm & (y < 0.02)] = outfit.bag_rgb * 0.8
    if person.bag == "shoulder bag":
        rgb[~on_arm & (np.abs(x + 0.28 * 1.0 - (z + 0.02) * 0.75) < 0.018) & (z > -0.02)] = outfit.bag_rgb * 0.8
    return rgb
