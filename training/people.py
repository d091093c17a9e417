"""A person of attributes as a posed, dressed mesh, and that mesh as a picture with its own transparency."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.attributes import AGES, BUILDS, SEXES, Person
from training.body import KINDS_EACH, Body, Ints
from training.raster import rasterise, vertex_normals
from training.scenes import noise
from training.things import things
from training.view import Floats, View
from training.wardrobe import Outfit, covers, dress, paint

_TEMPLATE_HEIGHT = 1.665


@dataclass(frozen=True)
class Stance:
    """How a person stands in one picture: ``phase`` of the step in radians, ``stride`` 0 standing to 1 striding."""

    phase: float = 0.0
    stride: float = 0.0
    stoop: float = 0.0
    head_turn: float = 0.0
    head_nod: float = 0.0
    hands: str = "down"
    seed: int = 0
    pose: str = "upright"
    """``upright``, or ``sitting``, ``lying``, ``running``."""


def turn_about(axis: str, angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    table = {"x": [[1, 0, 0], [0, c, -s], [0, s, c]], "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
             "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]]}  # fmt: skip
    return np.array(table[axis], np.float32)


def _arm(side: float, swing: float, bend: float, out: float) -> tuple[Floats, Floats]:
    """Upper arm and forearm turns: ``swing`` forwards, ``bend`` of the elbow, ``out`` from the body, radians."""
    upper = turn_about("x", -swing) @ turn_about("y", side * (0.60 - out))
    fore = turn_about("x", -bend) @ turn_about("y", side * 0.12)
    return upper, fore


def stance_turns(person: Person, stance: Stance) -> dict[str, Floats]:
    """Bone rotations of a stance, with the arms doing what the carried things ask."""
    turns: dict[str, Floats] = {}
    loose = np.random.default_rng(stance.seed).normal(0, 1, 6)
    for side, name, shift in ((1.0, "L", 0.0), (-1.0, "R", np.pi)):
        wave = np.sin(stance.phase + shift)
        lift = max(0.0, float(np.cos(stance.phase + shift)))
        hip = 0.40 * stance.stride * wave + 0.03 * loose[0]
        knee = 0.10 * stance.stride + 0.75 * stance.stride * lift * (0.6 + 0.4 * stance.stride)
        turns[f"upperleg01.{name}"] = turn_about("x", -hip) @ turn_about("y", side * 0.11)
        turns[f"lowerleg01.{name}"] = turn_about("x", knee)
        turns[f"foot.{name}"] = turn_about("x", -(knee - hip) * 0.4)
        swing, bend, out = (
            -0.36 * stance.stride * wave + 0.05 * loose[1],
            -0.22 + 0.25 * stance.stride,
            0.05 * abs(loose[2]),
        )
        if stance.hands == "front":
            swing, bend, out = 0.35, 1.1, 0.0
        elif stance.hands == "phone" and name == "R":
            swing, bend, out = 0.45, 1.75, 0.05
        if name == "R":
            if person.carried == "umbrella":
                swing, bend, out = 0.35, 1.75, 0.1
            elif person.carried == "cane":
                swing, bend, out = 0.30 + 0.1 * stance.stride * wave, 0.35, 0.18
            elif person.carried == "suitcase":
                swing, bend, out = -0.25, 0.05, 0.12
            elif person.carried == "papers":
                swing, bend, out = 0.3, 1.25, 0.0
        if person.carried == "parcel":
            swing, bend, out = 0.35, 1.15, 0.1
        if name == "L" and person.bag == "handbag":
            swing, bend, out = 0.08 * wave * stance.stride, 0.1, 0.1
        turns[f"upperarm01.{name}"], turns[f"lowerarm01.{name}"] = _arm(side, float(swing), float(bend), float(out))
    turns["spine05"] = turn_about("z", 0.06 * stance.stride * float(np.sin(stance.phase)))
    turns["spine03"] = turn_about("x", stance.stoop * 0.5)
    turns["spine01"] = turn_about("x", stance.stoop * 0.5)
    turns["neck01"] = turn_about("x", -stance.stoop * 0.6 + stance.head_nod) @ turn_about("z", stance.head_turn)
    turns.update(_special(person, stance))
    return turns


def _special(person: Person, stance: Stance) -> dict[str, Floats]:
    """What sitting, running and riding change."""
    out: dict[str, Floats] = {}
    if stance.pose == "running":
        for side, name, shift in ((1.0, "L", 0.0), (-1.0, "R", np.pi)):
            wave, lift = float(np.sin(stance.phase + shift)), max(0.0, float(np.cos(stance.phase + shift)))
            out[f"upperleg01.{name}"] = turn_about("x", -0.7 * wave - 0.15) @ turn_about("y", side * 0.11)
            out[f"lowerleg01.{name}"] = turn_about("x", 0.35 + 1.3 * lift)
            out[f"upperarm01.{name}"], out[f"lowerarm01.{name}"] = _arm(side, -0.7 * wave, 1.35, 0.1)
        out["spine03"] = out["spine01"] = turn_about("x", 0.12)
    elif stance.pose == "sitting":
        for side, name, shift in ((1.0, "L", 0.0), (-1.0, "R", np.pi)):
            push = 0.28 * float(np.sin(stance.phase + shift)) if person.ride == "bicycle" else 0.0
            hip = {"bicycle": 0.85, "e-bike": 1.25}.get(person.ride, 1.45) + push
            out[f"upperleg01.{name}"] = turn_about("x", -hip) @ turn_about("y", side * 0.06)
            out[f"lowerleg01.{name}"] = turn_about("x", {"bicycle": 1.0, "e-bike": 1.2}.get(person.ride, 1.4) + push)
            out[f"foot.{name}"] = turn_about("x", 0.0)
            reach = {"bicycle": (0.95, 0.15), "e-bike": (0.75, 0.5), "wheelchair": (0.1, 1.2)}.get(
                person.ride, (0.25, 1.0)
            )
            out[f"upperarm01.{name}"], out[f"lowerarm01.{name}"] = _arm(side, reach[0], reach[1], 0.12)
        lean = {"bicycle": 0.2, "e-bike": 0.06}.get(person.ride, stance.stoop * 0.5)
        out["spine03"] = out["spine01"] = turn_about("x", lean)
    return out


@dataclass(frozen=True)
class Figure:
    """A posed person, feet on z = 0, looking towards -y. All arrays are per vertex but ``faces``."""

    outfit: Outfit
    verts: Floats
    cover: Floats
    faces: Ints
    template: Floats
    layer: Ints
    arm: Floats
    foot: Floats
    colour: Floats
    """Only of things; clothes are painted per pixel."""


def shape_of(body: Body, person: Person) -> Floats:
    table = body.shapes[SEXES.index(person.sex), AGES.index(person.age), BUILDS.index(person.build)]
    return np.asarray(table[person.seed % KINDS_EACH], np.float32)


def figure(body: Body, person: Person, stance: Stance) -> Figure:
    """Shapes, dresses, equips and poses a person."""
    outfit = dress(person)
    verts, heads = body.rest(shape_of(body, person))
    cover, push = covers(body, outfit)
    normals = body.template_normals
    skin = body.layer == 0
    height = float(np.ptp(verts[skin, 2]))
    scale = height / _TEMPLATE_HEIGHT
    verts = verts + normals * (push * scale)[:, None]
    floor = float(verts[skin, 2].min())
    kit = things(body, heads, outfit, floor, scale)
    bones = body.pose(heads, stance_turns(person, stance))
    posed = [body.skinned(verts.astype(np.float32), bones)]
    rest = np.concatenate(kit.verts)
    follow = bones[np.asarray(kit.bones)]
    moved = np.einsum("nij,nj->ni", follow[:, :, :3], rest) + follow[:, :, 3]
    hang = np.asarray(kit.upright)
    for side in ("L", "R"):
        wrist, hand = body.bone[f"wrist.{side}"], heads[body.bone[f"finger3-1.{side}"]]
        mine = hang & (np.asarray(kit.bones) == wrist)
        moved[mine] = rest[mine] + (bones[wrist, :, :3] @ hand + bones[wrist, :, 3]) - hand
    posed.append(moved.astype(np.float32))
    whole = np.concatenate(posed)
    if stance.pose == "lying":
        whole = whole @ (turn_about("x", float(np.pi / 2)) @ turn_about("z", stance.head_turn * 4)).T
    ground = whole[len(verts) :] if stance.pose != "lying" else whole[: len(verts)][body.layer <= 1]
    if stance.pose == "upright":
        ground = ground[np.isin(kit.bones, [body.bone["foot.L"], body.bone["foot.R"]])]
    whole[:, 2] -= ground[:, 2].min()
    n, m = len(verts), len(rest)
    none = np.zeros(m, np.float32)
    return Figure(
        outfit=outfit, verts=whole, cover=np.concatenate([cover, none + 1]).astype(np.float32),
        faces=np.concatenate([body.faces, np.concatenate(kit.faces) + n]).astype(np.int32),
        template=np.concatenate([body.template, rest]), layer=np.concatenate([body.layer, np.full(m, 9, np.int32)]),
        arm=np.concatenate([body.part_weight["arm"], none]), foot=np.concatenate([body.part_weight["foot"], none]),
        colour=np.concatenate([np.zeros((n, 3), np.float32), *kit.colours]).astype(np.float32),
    )  # fmt: skip


@dataclass(frozen=True)
class Light:
    """Where light comes from (towards the light, world), how much is ambient, its tint."""

    towards: tuple[float, float, float] = (-0.5, -0.4, 0.8)
    ambient: float = 0.6
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gain: float = 1.0


def place(fig: Figure, x: float, y: float, heading: float) -> Floats:
    """World vertices of a figure that stands at (x, y) and walks towards ``heading`` (0 is away, +y)."""
    c, s = np.cos(-heading + np.pi), np.sin(-heading + np.pi)
    spin = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)
    return np.asarray(fig.verts @ spin + np.array([x, y, 0], np.float32), np.float32)


def draw(fig: Figure, world: Floats, view: View, window: tuple[int, int, int, int], fine: int, light: Light,
         ) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Premultiplied colour (h, w, 3), alpha (h, w) and depth (h, w) in a pixel window x0, y0, x1, y1.

    Drawn ``fine`` times finer and averaged.
    """
    x0, y0, x1, y1 = window
    screen = view.project(world)
    screen[:, :2] = (screen[:, :2] - np.array([x0, y0], np.float32)) * fine
    size = ((y1 - y0) * fine, (x1 - x0) * fine)
    depth, face, bary = rasterise(np.ascontiguousarray(screen), fig.cover, fig.faces, size)
    hit = face >= 0
    rgb = np.zeros((*size, 3), np.float32)
    if hit.any():
        rgb[hit] = _shade(fig, world, view, face[hit], bary[hit], light)
    alpha = hit.astype(np.float32)
    coarse = (size[0] // fine, fine, size[1] // fine, fine)
    if fine == 1:
        return rgb, alpha, depth
    near = depth.reshape(coarse).min(axis=3).min(axis=1)
    small = (coarse[2], coarse[0])
    return (
        np.asarray(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), np.float32),
        np.asarray(cv2.resize(alpha, small, interpolation=cv2.INTER_AREA), np.float32),
        near,
    )


def _shade(fig: Figure, world: Floats, view: View, face: Ints, bary: Floats, light: Light) -> Floats:
    corners = fig.faces[face]
    w = np.stack([bary[:, 0], bary[:, 1], 1 - bary[:, 0] - bary[:, 1]], 1)

    def mix(values: Floats) -> Floats:
        a, b, c = (values[corners[:, k]] * (w[:, k, None] if values.ndim == 2 else w[:, k]) for k in range(3))
        return np.asarray(a + b + c, np.float32)

    layer = fig.layer[corners[:, 0]]
    t = mix(fig.template)
    rgb = np.where((layer == 9)[:, None], mix(fig.colour), paint(fig.outfit, t, layer, mix(fig.arm), mix(fig.foot)))
    normal = mix(vertex_normals(world, fig.faces))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6
    back = mix(world) - np.asarray(view.eye, np.float32)
    facing = -(normal * back).sum(1) / np.linalg.norm(back, axis=1)
    normal = np.where((facing < 0)[:, None], -normal, normal)
    sun = np.asarray(light.towards, np.float32)
    shine = np.clip(normal @ (sun / np.linalg.norm(sun)), 0, 1)
    gain = light.ambient * (0.78 + 0.22 * normal[:, 2]) + (1 - light.ambient) * 1.35 * shine
    gain = gain * (0.80 + 0.20 * np.clip(np.abs(facing) * 1.6, 0, 1))
    lit = rgb * (gain * _folds(fig.outfit, t, layer) * light.gain)[:, None] * np.asarray(light.tint)
    return np.asarray(lit, np.float32)


def _folds(outfit: Outfit, t: Floats, layer: NDArray[np.int32]) -> Floats:
    """Creases and weave as a gain, (n,)."""
    cloth = (layer == 1) | (layer == 2) | ((layer == 0) & (t[:, 2] < 0.56))
    deep = 0.10 if outfit.person.upper not in ("down jacket",) else 0.06
    side = np.where(t[:, 1] < 0, 0.0, 3.0)
    wave = noise(t[:, 0] * 1.6 + side, t[:, 2] * 0.7, 1.6, outfit.fold_seed % 997)
    gain = 1 + np.where(cloth, deep * wave, 0.03 * wave)
    if outfit.person.upper == "down jacket":
        quilt = np.abs(np.sin(t[:, 2] * np.pi / 0.085)) ** 0.5
        gain = gain * np.where(cloth & (t[:, 2] > outfit.hem), 0.60 + 0.46 * quilt, 1.0)
    hair = (layer == 3) | ((layer == 0) & (t[:, 2] > 0.62))
    strand = noise(np.arctan2(t[:, 0], t[:, 1] + 0.05) * 2.5, t[:, 2] * 0.4, 1.2, 5)
    return np.asarray(np.clip(gain * (1 + np.where(hair, 0.10 * strand, 0.0)), 0.4, 1.5), np.float32)
