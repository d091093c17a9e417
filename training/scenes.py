"""Places made of boxes and balls with procedural cloth: picture and depth by ray casting, shadows included.

The same places serve as the backgrounds of the sample videos and, small, as whole frames to learn from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from training.view import Floats, View

RGB = tuple[float, float, float]
_NOISE_CELLS = 512
_FAR = 1e6


@dataclass(frozen=True)
class Box:
    """An upright block from corner ``lo`` to corner ``hi``, metres; ``turn`` about its own middle, radians."""

    lo: tuple[float, float, float]
    hi: tuple[float, float, float]
    rgb: RGB
    cloth: str = "plain"
    turn: float = 0.0


@dataclass(frozen=True)
class Ball:
    """An ellipsoid: tree tops, bushes, lamps."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    rgb: RGB
    cloth: str = "leaves"


@dataclass(frozen=True)
class Place:
    """A ground, things on it, the light. ``sun`` points from the ground to the light; inside there is no sky."""

    ground: str
    ground_rgb: RGB
    things: tuple[Box | Ball, ...] = ()
    sun: tuple[float, float, float] = (-0.5, -0.4, 0.8)
    light: float = 0.55
    sky: RGB = (0.80, 0.86, 0.93)
    seed: int = 0
    patches: tuple[tuple[float, float, float, float, str, RGB], ...] = field(default=())
    """Areas of another ground: x0, y0, x1, y1, cloth, colour."""


@lru_cache(maxsize=8)
def _noise_tile(seed: int) -> Floats:
    """Seamless cloud noise with mean 0 and about unit spread, (512, 512)."""
    rng = np.random.default_rng(seed)
    total = np.zeros((_NOISE_CELLS, _NOISE_CELLS), np.float32)
    for octave in range(2, 10):
        cells = 2**octave
        grid = rng.normal(size=(cells, cells)).astype(np.float32)
        grid = np.pad(grid, 2, mode="wrap")
        scale = _NOISE_CELLS // cells
        big = cv2.resize(grid, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += big[2 * scale : -2 * scale, 2 * scale : -2 * scale] * 0.62 ** (octave - 2)
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), np.float32)


def noise(u: Floats, v: Floats, cell: float, seed: int) -> Floats:
    """Noise at world coordinates; one tile spans ``cell`` metres."""
    tile = _noise_tile(seed % 4)
    x = np.mod(u / cell * _NOISE_CELLS + seed * 37.0, _NOISE_CELLS - 1).astype(np.int32)
    y = np.mod(v / cell * _NOISE_CELLS + seed * 91.0, _NOISE_CELLS - 1).astype(np.int32)
    return np.asarray(tile[y, x], np.float32)


def _joints(u: Floats, v: Floats, du: float, dv: float, width: float, soft: Floats) -> Floats:
    """1 on the joints of a du x dv grid (every second row shifted), fading where ``soft`` exceeds a cell."""
    row = np.floor(v / dv)
    fu, fv = np.mod(u + (row % 2) * du / 2, du), np.mod(v, dv)
    line = (fu < width) | (fv < width)
    fade = np.clip(1.5 - soft * 40, 0.0, 1.0)
    return np.asarray(line * fade, np.float32)


def cloth(kind: str, rgb: RGB, u: Floats, v: Floats, soft: Floats, seed: int) -> Floats:
    """Colours (n, 3) of a surface at its own coordinates in metres; ``soft`` is metres a pixel."""
    base = np.asarray(rgb, np.float32)[None, :].repeat(len(u), 0)
    wide, fine = noise(u, v, 9.0, seed), noise(u, v, 1.7, seed + 1)
    gain = 1 + 0.020 * wide + 0.015 * fine
    if kind == "asphalt":
        gain = 1 + 0.035 * wide + 0.03 * fine
    elif kind == "paving":
        tone = noise(np.floor(u / 0.8) * 0.8, np.floor(v / 0.8) * 0.8, 5.0, seed + 2)
        gain = gain * (1 + 0.035 * tone) * (1 - 0.22 * _joints(u, v, 0.8, 0.8, 0.03, soft))
    elif kind == "tiles":
        gain = (1 + 0.02 * wide) * (1 - 0.18 * _joints(u, np.floor(u) * 0 + v, 1.2, 1.2, 0.025, soft))
    elif kind == "wood":
        plank = np.floor(u / 0.16)
        tone = noise(plank * 0.37, np.floor(v / 1.9 + plank * 0.37) * 0.71, 3.0, seed + 2)
        gain = (1 + 0.11 * tone + 0.05 * noise(u * 6, v * 0.5, 2.0, seed)) * (
            1 - 0.3 * _joints(u, v, 0.16, 1.9, 0.012, soft)
        )
    elif kind == "brick":
        tone = noise(np.floor(u / 0.25) * 0.25, np.floor(v / 0.08) * 0.3, 2.0, seed + 2)
        gain = gain * (1 + 0.06 * tone) * (1 + 0.25 * _joints(u, v, 0.25, 0.08, 0.012, soft * 3))
    elif kind in ("leaves", "grass"):
        gain = 1 + 0.16 * fine + 0.12 * noise(u, v, 0.7, seed + 3) + 0.06 * wide
    elif kind == "windows":
        fu, fv = np.mod(u, 2.4) / 2.4, np.mod(v, 3.0) / 3.0
        glass = (fu > 0.22) & (fu < 0.78) & (fv > 0.3) & (fv < 0.82)
        frame = glass & ((np.abs(fu - 0.5) < 0.02) | (np.abs(fv - 0.6) < 0.015))
        pane = (
            np.array([0.30, 0.37, 0.43], np.float32)
            * (1 + 0.18 * noise(np.floor(u / 2.4) * 2.4, np.floor(v / 3) * 3, 4, seed))[:, None]
        )
        base = np.where((glass & ~frame)[:, None], pane, base)
    elif kind == "shop":
        fu = np.mod(u, 3.6) / 3.6
        glass = (fu > 0.05) & (fu < 0.95) & (v > 0.45) & (v < 2.5)
        door = (fu > 0.72) & (fu < 0.95) & (v < 2.5)
        pane = np.array([0.30, 0.34, 0.36], np.float32) * (1 + 0.06 * noise(u, v * 0.3, 6.0, seed))[:, None]
        base = np.where(glass[:, None], pane, base)
        base = np.where(door[:, None], np.array([0.22, 0.24, 0.26], np.float32), base)
        sign = np.random.default_rng(seed).uniform(0.2, 0.6, (64, 3)).astype(np.float32)
        board = sign[np.mod(np.floor(u / 3.6), 64).astype(np.int32)]
        base = np.where(((v > 2.6) & (v < 3.3) & (fu > 0.03) & (fu < 0.97))[:, None], board, base)
    elif kind == "bars":
        gain = gain * np.where(np.mod(u, 0.16) < 0.04, 0.4, 1.0)
    elif kind == "stripes":
        base = np.where((np.mod(u, 1.0) < 0.5)[:, None], base, np.float32(0.9))
    return np.asarray(base * np.clip(gain, 0.3, 1.7)[:, None], np.float32)


def _box_hit(box: Box, eye: Floats, rays: Floats) -> tuple[Floats, NDArray[np.int8], Floats, Floats]:
    """Depth (far where missed), axis of the face that was hit, and eye and rays in the box's own turn."""
    lo, hi = np.asarray(box.lo, np.float32), np.asarray(box.hi, np.float32)
    mid = (lo + hi) / 2
    c, s = np.cos(-box.turn), np.sin(-box.turn)
    spin = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)
    own_eye, own_rays = (eye - mid) @ spin, rays @ spin
    safe = np.where(np.abs(own_rays) < 1e-7, 1e-7, own_rays)
    half = (hi - lo) / 2
    near = (-half * np.sign(safe) - own_eye) / safe
    far = (half * np.sign(safe) - own_eye) / safe
    enter = np.maximum(np.maximum(near[..., 0], near[..., 1]), near[..., 2])
    leave = np.minimum(np.minimum(far[..., 0], far[..., 1]), far[..., 2])
    hit = (enter < leave) & (enter > 1e-3)
    axis = np.where(near[..., 2] == enter, 2, np.where(near[..., 1] == enter, 1, 0))
    depth = np.where(hit, enter, _FAR).astype(np.float32)
    point = own_eye + own_rays * np.where(hit, enter, 0.0)[..., None]
    return depth, axis.astype(np.int8), point.astype(np.float32), spin


def _dot(a: Floats, b: Floats) -> Floats:
    """Along the last axis of three: much faster in numpy than a sum over it."""
    return np.asarray(a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2])


def _ball_hit(ball: Ball, eye: Floats, rays: Floats) -> tuple[Floats, Floats]:
    radii = np.asarray(ball.radii, np.float32)
    o, d = (eye - np.asarray(ball.centre, np.float32)) / radii, rays / radii
    a, b, c = _dot(d, d), _dot(o, d), _dot(o, o) - 1
    disc = b * b - a * c
    t = (-b - np.sqrt(np.maximum(disc, 0))) / a
    return np.where((disc > 0) & (t > 1e-3), t, _FAR).astype(np.float32), (o + d * t[..., None]).astype(np.float32)


def _depth_of(thing: Box | Ball, eye: Floats, rays: Floats) -> Floats:
    return _box_hit(thing, eye, rays)[0] if isinstance(thing, Box) else _ball_hit(thing, eye, rays)[0]


def _ground(place: Place, point: Floats, soft: Floats) -> Floats:
    x, y = point[:, 0], point[:, 1]
    out = cloth(place.ground, place.ground_rgb, x, y, soft, place.seed)
    for x0, y0, x1, y1, kind, rgb in place.patches:
        inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        out[inside] = cloth(kind, rgb, x[inside], y[inside], soft[inside], place.seed + 5)
    return out


def _paint(
    place: Place, thing: Box | Ball, eye: Floats, rays: Floats, focal: float, index: int
) -> tuple[Floats, Floats]:
    """Colour and normal (n, 3) of the part of a thing that these rays meet."""
    if isinstance(thing, Box):
        depth, axis, own, spin = _box_hit(thing, eye, rays)
        u = np.where(axis == 0, own[:, 1], own[:, 0]) + 50
        v = np.where(axis == 2, own[:, 1] + 50, own[:, 2] + (thing.hi[2] - thing.lo[2]) / 2)
        side = np.sign((rays @ spin)[np.arange(len(axis)), axis])
        normal = np.zeros_like(rays)
        normal[np.arange(len(axis)), axis] = -side
        kind = "plain" if thing.cloth in ("windows", "shop", "brick", "bars") else thing.cloth
        out = cloth(thing.cloth, thing.rgb, u, v, depth / focal, place.seed + index)
        roof = axis == 2
        out[roof] = cloth(kind, thing.rgb, u[roof], v[roof], depth[roof] / focal, place.seed + index)
        return out, (normal @ spin.T).astype(np.float32)
    depth, own = _ball_hit(thing, eye, rays)
    normal = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-6)
    u, v = np.asarray(np.arctan2(own[:, 0], own[:, 1]) * thing.radii[0], np.float32), own[:, 2] * thing.radii[2]
    return cloth(thing.cloth, thing.rgb, u, v, depth / focal, place.seed + index), normal.astype(np.float32)


def _shadow(place: Place, point: Floats) -> Floats:
    """0 where the sun is hidden, 1 where it shines, (n,)."""
    sun = np.broadcast_to(np.asarray(place.sun, np.float32), point.shape)
    lit = np.ones(len(point), bool)
    start = point + sun * 0.03
    for thing in place.things:
        lit &= _depth_of(thing, start, sun) > _FAR / 2
    return lit.astype(np.float32)


def render(place: Place, view: View) -> tuple[Floats, Floats]:
    """Picture in 0..1 (height, width, 3) and depth in metres (height, width)."""
    rays = view.rays().reshape(-1, 3)
    eye = np.asarray(view.eye, np.float32)
    down = rays[:, 2] < -1e-5
    best = np.where(down, -eye[2] / np.minimum(rays[:, 2], -1e-5), _FAR).astype(np.float32)
    which = np.where(down, 0, -1).astype(np.int32)
    for index, thing in enumerate(place.things, 1):
        depth = _depth_of(thing, eye, rays)
        closer = depth < best
        best[closer], which[closer] = depth[closer], index
    out = np.asarray(place.sky, np.float32)[None] * (1 + 0.12 * rays[:, 2:3])
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(rays), 1))
    for index in range(len(place.things) + 1):
        mask = which == index
        if not mask.any():
            continue
        if index == 0:
            out[mask] = _ground(place, eye + rays[mask] * best[mask, None], best[mask] / view.focal)
        else:
            out[mask], normals[mask] = _paint(place, place.things[index - 1], eye, rays[mask], view.focal, index)
    solid = which >= 0
    sun = np.asarray(place.sun, np.float32) / np.linalg.norm(place.sun)
    shine = np.clip(normals[solid] @ sun, 0, 1)
    if place.light < 1:
        shine = shine * _shadow(place, eye + rays[solid] * best[solid, None])
    up = 0.8 + 0.2 * normals[solid, 2]
    out[solid] *= (place.light * up + (1 - place.light) * 1.25 * shine)[:, None]
    haze = np.clip(best[solid] / 120, 0, 0.6)[:, None]
    out[solid] = out[solid] * (1 - haze) + np.asarray(place.sky, np.float32) * haze
    shape = (view.height, view.width)
    return np.clip(out, 0, 1).reshape(*shape, 3).astype(np.float32), best.reshape(shape)
