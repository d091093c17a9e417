"""Renders the training pictures: person crops, two views an identity, and whole frames; in shards, resumable.

python -m training.crops --body training/work/body.npz --out training/work/crops --shards 0 30
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.attributes import Person, sample_person
from training.body import Body, load_body
from training.degrade import Image, degrade, infrared
from training.people import Light, Stance, draw, figure, place
from training.places import KINDS, random_setting
from training.scenes import render
from training.view import Floats, View

HEIGHT, WIDTH = 128, 64
PEOPLE_A_SHARD = 500
VIEWS = 2
FRAMES_A_SHARD = 40


def background_bank(seed: int, count: int) -> list[Floats]:
    """Empty places at 480 x 270, as backgrounds to cut from."""
    rng = np.random.default_rng(seed)
    bank = []
    for k in range(count):
        setting = random_setting(KINDS[k % len(KINDS)], rng)
        bank.append(render(setting.place, _random_view(rng, 480, 270))[0])
    return bank


def _random_view(rng: np.random.Generator, width: int, height: int) -> View:
    eye = (0.0, 0.0, float(rng.uniform(2.4, 4.5)))
    return View(
        width,
        height,
        width * float(rng.uniform(0.6, 0.85)),
        eye,
        float(rng.normal(0, 0.15)),
        float(rng.uniform(0.1, 0.4)),
    )


def random_stance(person: Person, rng: np.random.Generator) -> Stance:
    pose = person.pose if person.pose in ("sitting", "lying", "running") else "upright"
    stride = float(rng.uniform(0.35, 1.0)) if person.pose == "walking" else 0.0
    if person.age == "elder":
        stride *= 0.6
    hands = ("down", "front", "phone")[int(rng.choice(3, p=(0.76, 0.12, 0.12)))]
    stoop = float(rng.uniform(0.08, 0.42)) if person.age == "elder" else float(rng.normal(0.03, 0.04))
    turn, nod = float(rng.normal(0, 0.25)), float(rng.normal(0.1, 0.1))
    return Stance(float(rng.uniform(0, 2 * np.pi)), stride, stoop, turn, nod, hands, int(rng.integers(1 << 30)), pose)


def _small(picture: Floats) -> Floats:
    """A crop at the size of the model's input."""
    return np.asarray(cv2.resize(picture.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.float32)


def _cut(bank: list[Floats], rng: np.random.Generator, h: int, w: int) -> Floats:
    """A random piece of a random place, recoloured, (h, w, 3)."""
    if rng.random() < 0.08:
        return np.full((h, w, 3), rng.uniform(0.1, 0.9, 3), np.float32)
    source = bank[int(rng.integers(len(bank)))]
    ch = int(rng.uniform(70, 220))
    cw = min(int(ch * w / h), source.shape[1] - 1)
    y, x = int(rng.integers(source.shape[0] - ch)), int(rng.integers(source.shape[1] - cw))
    piece = cv2.resize(source[y : y + ch, x : x + cw], (w, h), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    return np.clip(piece * rng.uniform(0.6, 1.3) * (1 + rng.normal(0, 0.06, 3)), 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Shot:
    """Where the camera of one crop stands, the box that it cuts and the light."""

    view: View
    window: tuple[int, int, int, int]
    light: Light
    fine: int


def _shot(world: Floats, rng: np.random.Generator) -> Shot:
    """A camera over these points and a box around them as sloppy as a motion detector's."""
    spread = np.ptp(world, axis=0)
    tall = max(float(spread[2]), 0.8 * float(spread[:2].max()))
    distance, high = float(rng.uniform(4, 16)), float(rng.uniform(2.0, 4.6))
    if rng.random() < 0.2:
        distance, high = float(rng.uniform(2.8, 5.0)), float(rng.uniform(2.6, 3.8))
    size = int(rng.integers(110, 200))
    aim = float(np.arctan2(high - tall / 2, distance))
    view = View(900, 900, size * distance / tall, (float(rng.normal(0, 0.2)) * distance, -distance, high), 0.0, aim)
    flat = view.project(world)
    (x0, y0), (x1, y1) = flat[:, :2].min(0), flat[:, :2].max(0)
    w, h = x1 - x0, y1 - y0
    margin = rng.uniform(0.0, 0.12, 4)
    if rng.random() < 0.35:
        margin += rng.uniform((-0.10, -0.03, -0.10, -0.12), (0.30, 0.18, 0.30, 0.18))
    box = (x0 - margin[0] * w, y0 - margin[1] * h, x1 + margin[2] * w + 1, y1 + margin[3] * h + 1)
    sun = rng.normal(0, 1, 3)
    towards = (float(sun[0]), float(sun[1]), abs(float(sun[2])) + 0.4)
    light = Light(towards, float(rng.uniform(0.5, 1.0)), gain=float(rng.uniform(0.88, 1.1)))
    window = (int(box[0]), int(box[1]), int(box[2]), int(box[3]))
    return Shot(view, window, light, 1 if size > 150 else 2)


def _company(body: Body, person: Person, rng: np.random.Generator) -> list[tuple[Person, float, float]]:
    """Who else is in the crop: a child at the hand, sometimes a stranger behind; with where they stand."""
    out = []
    if person.beside == "child":
        child = dataclasses.replace(
            sample_person(int(rng.integers(1 << 40))), age="child", pose=person.pose, ride="none", carried="none"
        )
        out.append((child, float(rng.choice((-0.52, 0.52))), float(rng.uniform(-0.15, 0.15))))
    elif rng.random() < 0.10:
        stranger = dataclasses.replace(sample_person(int(rng.integers(1 << 40))), pose="walking", ride="none")
        out.append((stranger, float(rng.choice((-1, 1)) * rng.uniform(0.35, 0.8)), float(rng.uniform(0.5, 1.5))))
    return out


def crop(body: Body, person: Person, rng: np.random.Generator, bank: list[Floats]) -> tuple[Image, list[str]]:
    """One degraded crop (128, 64, 3) of a person as a detector might have boxed it, and the fields that it hides."""
    heading = float(rng.uniform(0, 2 * np.pi))
    first = figure(body, person, random_stance(person, rng))
    drawn = [(first, place(first, 0, 0, heading))]
    boxed = drawn[0][1][first.cover >= 0]
    for other, dx, dy in _company(body, person, rng):
        fig = figure(body, other, random_stance(other, rng))
        drawn.append((fig, place(fig, dx, dy, heading + float(rng.normal(0, 0.2)))))
        if person.beside == "child":
            boxed = np.concatenate([boxed, drawn[-1][1][fig.cover >= 0]])
    shot = _shot(boxed, rng)
    shape = (shot.window[3] - shot.window[1], shot.window[2] - shot.window[0])
    mixed = _cut(bank, rng, *shape)
    _ground_shadow(mixed, rng)
    near = np.full(shape, 1e6, np.float32)
    for fig, world in drawn:
        rgb, alpha, depth = draw(fig, world, shot.view, shot.window, shot.fine, shot.light)
        front = ((depth < near) * 1.0)[..., None].astype(np.float32)
        mixed = rgb * front + mixed * (1 - alpha[..., None] * front)
        near = np.minimum(near, np.where(alpha > 0.5, depth, 1e6))
    hidden: list[str] = []
    if rng.random() < 0.18:
        hidden += _occlude(mixed, _cut(bank, rng, *shape), rng)
    small = _small(mixed)
    if rng.random() < 0.04:
        small = infrared(small, rng)
        hidden += ["colour"]
    return degrade(small, rng), hidden


def _ground_shadow(back: Floats, rng: np.random.Generator) -> None:
    h, w = back.shape[:2]
    dark = np.zeros((h, w), np.float32)
    centre = (int(w * rng.uniform(0.2, 0.8)), int(h * rng.uniform(0.88, 0.97)))
    cv2.ellipse(
        dark,
        centre,
        (int(w * rng.uniform(0.2, 0.7)), max(2, int(h * 0.04))),
        0,
        0,
        360,
        float(rng.uniform(0.1, 0.5)),
        -1,
    )
    back *= 1 - cv2.GaussianBlur(dark, (0, 0), 2.0)[..., None]


def _occlude(picture: Floats, cover: Floats, rng: np.random.Generator) -> list[str]:
    """Something stands before the legs or a side; the fields that nobody can see then."""
    h, w = picture.shape[:2]
    if rng.random() < 0.6:
        share = float(rng.uniform(0.58, 0.92))
        top = int(h * share)
        picture[top:] = cover[top:]
        return ["lower", "shoes"] if share < 0.66 else ["shoes"]
    wide = int(w * rng.uniform(0.1, 0.35))
    start = 0 if rng.random() < 0.5 else w - wide
    picture[:, start : start + wide] = cover[:, start : start + wide]
    return []


def frame(body: Body, rng: np.random.Generator, people: int) -> tuple[Image, dict[str, Any]]:
    """A whole frame squashed to (128, 64, 3) and its words."""
    setting = random_setting(KINDS[int(rng.integers(len(KINDS)))], rng)
    view = _random_view(rng, 256, 144)
    picture, depth = render(setting.place, view)
    shown = []
    for _ in range(people):
        person = sample_person(int(rng.integers(1 << 40)))
        fig = figure(body, person, random_stance(person, rng))
        y = float(rng.uniform(5, 11)) if setting.kind != "room" else float(rng.uniform(3.5, 6))
        world = place(fig, float(rng.uniform(-0.45, 0.45)) * y, y, float(rng.uniform(0, 6.28)))
        rgb, alpha, near = draw(
            fig, world, view, (0, 0, view.width, view.height), 1, Light(ambient=0.8, gain=0.4 if setting.night else 1.0)
        )
        alpha = alpha * (near < depth)
        if alpha.sum() > 30:
            picture = rgb * (alpha > 0)[..., None] + picture * (1 - alpha[..., None])
            depth = np.minimum(near, depth)
            shown.append(person.as_dict())
    small = _small(picture)
    words = {"kind": setting.kind, "contents": setting.contents, "night": setting.night, "people": shown}
    return degrade(small, rng, 0.6), words


def _shared_bank(out: Path) -> list[Floats]:
    """The backgrounds of all shards, made once."""
    path = out / "bank.npy"
    if not path.exists():
        half = out / f"bank-{os.getpid()}.npy"
        np.save(half, (np.stack(background_bank(5_000, 96)) * 255).astype(np.uint8))
        half.rename(path)
    return list(np.load(path).astype(np.float32) / 255)


def make_shard(body: Body, number: int, out: Path) -> None:
    done = out / f"{number:04d}.json"
    if done.exists():
        return
    began = time.time()
    rng = np.random.default_rng(9_000_000 + number)
    bank = _shared_bank(out)
    images = np.zeros((PEOPLE_A_SHARD * VIEWS + FRAMES_A_SHARD, HEIGHT, WIDTH, 3), np.uint8)
    people = [sample_person(number * PEOPLE_A_SHARD + k) for k in range(PEOPLE_A_SHARD)]
    hidden: list[list[str]] = []
    for k, person in enumerate(people):
        for v in range(VIEWS):
            images[k * VIEWS + v], unseen = crop(body, person, rng, bank)
            hidden.append(unseen)
    words = []
    for k in range(FRAMES_A_SHARD):
        images[PEOPLE_A_SHARD * VIEWS + k], said = frame(body, rng, int(rng.integers(0, 4)) if k % 2 else 0)
        words.append(said)
    np.save(out / f"{number:04d}.npy", images)
    done.write_text(json.dumps({"people": [p.as_dict() for p in people], "hidden": hidden, "frames": words}))
    print(f"shard {number}: {len(images)} pictures in {time.time() - began:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shards", type=int, nargs=2, required=True, help="first and one past the last")
    parser.add_argument("--step", type=int, default=1)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    body = load_body(args.body)
    for number in range(args.shards[0], args.shards[1], args.step):
        make_shard(body, number, args.out)


if __name__ == "__main__":
    main()
