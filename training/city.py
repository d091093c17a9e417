"""Films the made city: 24 cameras, 150 people who walk past several of them, half an hour, a picture every two seconds.

python -m training.city --body training/work/body.npz --out benchmarks/work/city
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from training.body import Body, load_body
from training.cast import Member
from training.city_map import SECONDS, Ground, Passing, Solid, Spot, passings, spots
from training.city_people import SEED, Citizen, citizens, nobody, sentences
from training.people import Figure, Light, Stance, draw, figure, place
from training.places import Setting, random_setting
from training.scenes import Box, Place, render
from training.stages import Stage, Walk
from training.videos import _box, _cast_shadow, night, walk_state
from training.view import Floats, View

START_MS = 1_794_211_200_000  # 2026-11-09T08:00:00Z
INTERVAL_S = 2
PEOPLE = 150
LOW = ("canal", "temple", "factory", "bridge")
NIGHT = ("old-town", "bus-depot", "car-park", "bridge", "park-lake")
RAIN = ("market-2", "south-gate", "park-west")
PLACES = {
    "north-gate": ("entrance", 0), "school-east": ("square", 1), "library": ("hall", 2), "market-1": ("street", 3), "market-2": ("square", 4),
    "station-north": ("square", 5), "park-west": ("lawn", 6), "park-lake": ("lawn", 7), "hospital": ("entrance", 8), "main-street-1": ("street", 9),
    "main-street-2": ("street", 10), "station-hall": ("hall", 11), "canal": ("street", 12), "old-town": ("square", 13), "temple": ("lawn", 14),
    "bank": ("entrance", 15), "cinema": ("street", 16), "bus-depot": ("street", 17), "south-gate": ("entrance", 18), "stadium": ("square", 19),
    "factory": ("street", 20), "mall-entrance": ("entrance", 21), "car-park": ("car park", 22), "bridge": ("street", 23),
}  # fmt: skip
"""By camera the kind of place and the seed of which one; the seeds were chosen by looking at the pictures."""

Boxes = dict[str, list[list[float]]]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Shot:
    """A camera's place and weather, without the people."""

    spot: Spot
    setting: Setting
    view: View
    lamps: tuple[tuple[float, float], ...]
    gain: float
    tint: tuple[float, float, float]

    @property
    def low(self) -> bool:
        return self.spot.id in LOW

    @property
    def rain(self) -> bool:
        return self.spot.id in RAIN

    def stage(self, walks: Sequence[Passing] = ()) -> Stage:
        walked = tuple(Walk(w.who, w.start, w.points) for w in walks)
        return Stage(self.spot.id, 0.0, self.setting.place, self.view, walked, self.lamps)


@dataclass(frozen=True)
class Backdrop:
    """A camera's picture without people: colours (h, w, 3), depth and lamp light."""

    picture: Floats
    depth: Floats
    dark: Floats


def shots() -> list[Shot]:
    return [_shot(k, spot) for k, spot in enumerate(spots())]


def _shot(k: int, spot: Spot) -> Shot:
    kind, seed = PLACES[spot.id]
    rng = np.random.default_rng(SEED + 1000 + seed)
    setting = random_setting(kind, rng)
    while setting.night:
        setting = random_setting(kind, rng)
    setting = replace(setting, place=replace(setting.place, light=float(np.clip(setting.place.light, 0.6, 0.95))))
    rng = np.random.default_rng(SEED + 100 + k)
    low, dark = spot.id in LOW, spot.id in NIGHT
    width, height = (640, 360) if low else (960, 540)
    focal = width * float(rng.uniform(0.68, 0.74) if low else rng.uniform(0.66, 0.9))
    high, pitch = float(rng.uniform(3.9, 4.5) if low else rng.uniform(2.9, 3.6)), float(rng.uniform(0.17, 0.23))
    yaw = float(rng.uniform(-0.2, 0.2)) if kind not in ("hall", "entrance") else 0.0
    view = View(width, height, focal, (0.0, 0.0, high), yaw, pitch + (0.05 if low else 0.0))
    lamps = ((-3.6, 7.5), (0.4, 9.5), (4.2, 8.0)) if dark else ()
    tint = (float(rng.uniform(0.97, 1.03)), 1.0, float(rng.uniform(0.96, 1.04)))
    return Shot(spot, setting, view, lamps, float(rng.uniform(0.88, 1.08)) * (1.3 if dark else 1.0), tint)


def ground(shot: Shot) -> Ground:
    """Where people can walk in front of this camera."""
    view, things = shot.view, shot.setting.place.things
    walls = [t.lo[1] for t in things if isinstance(t, Box) and t.hi[0] - t.lo[0] > 15]
    wall = min(walls, default=40.0)
    bottom = view.pitch + float(np.arctan2(view.height / 2, view.focal))
    nearest = view.eye[2] / float(np.tan(bottom)) + 0.35
    tall, small = (95, 58) if shot.low else (260, 85)
    near = max(nearest, 1.7 * view.focal / tall - 0.5)
    far = min(1.7 * view.focal / small - 0.5, wall - 1.0, 14.0)
    door = (0.0, wall + 0.25) if shot.setting.kind == "entrance" and wall < 19 else None
    cos = float(np.cos(view.pitch))
    slope = view.width / 2 / view.focal * cos
    shift = view.eye[2] * float(np.sin(view.pitch)) / cos
    solids = _solids(shot.setting.place, door)
    return Ground(near, far, slope, shift, view.yaw, solids, door, shot.setting.kind == "hall")


def _solids(spot: Place, door: tuple[float, float] | None) -> tuple[Solid, ...]:
    """What stands on the ground lower than a head; a wall with a door in it is left open."""
    found = []
    for thing in spot.things:
        if isinstance(thing, Box):
            lo, hi = np.asarray(thing.lo), np.asarray(thing.hi)
            middle, half, bottom, turn = (lo + hi) / 2, (hi - lo) / 2, thing.lo[2], thing.turn
            if door and abs(middle[0]) < half[0] and middle[1] + half[1] > door[1] - 0.5:
                continue
        else:
            middle, half, turn = np.asarray(thing.centre), np.asarray(thing.radii), 0.0
            bottom = float(middle[2] - half[2])
        if bottom < 1.7:
            found.append(Solid(float(middle[0]), float(middle[1]), float(half[0]), float(half[1]), turn))
    return tuple(found)


def figure_at(body: Body, citizen: Member, walked: float, stride: float) -> Figure:
    """The person in the middle of a step or on what they ride."""
    person = citizen.person
    own = np.random.default_rng(person.seed)
    hands = ("down", "front", "phone")[int(own.choice(3, p=(0.84, 0.08, 0.08)))] if person.ride == "none" else "down"
    stoop = float(own.uniform(0.12, 0.36)) if person.age == "elder" else float(own.normal(0.03, 0.03))
    turn = float(own.normal(0, 0.12))
    if person.ride != "none":
        return figure(body, person, Stance(walked / 0.6, 0.0, stoop, turn, 0.08, seed=person.seed, pose="sitting"))
    step = 0.68 if person.age == "adult" else 0.46 if person.age == "child" else 0.5
    swing = stride * (0.55 if person.age == "elder" else 0.85)
    return figure(body, person, Stance(np.pi * walked / step, swing, stoop, turn, 0.08, hands, person.seed))


def compose(
    body: Body, stage: Stage, back: Backdrop, second: float, members: Mapping[str, Member]
) -> tuple[Floats, dict[str, tuple[float, ...]]]:
    """One clean picture (height, width, 3) and the boxes of those of whom enough is to be seen in it."""
    present: list[tuple[str, Figure, Floats]] = []
    for walk in stage.walks:
        state = walk_state(walk, members[walk.who], second)
        if state is not None:
            x, y, heading, walked, stride = state
            fig = figure_at(body, members[walk.who], walked, stride)
            present.append((walk.who, fig, place(fig, x, y, heading)))
    if not present:
        return back.picture, {}
    picture, near = back.picture.copy(), back.depth.copy()
    light = Light(stage.place.sun, stage.place.light + 0.05)
    for _, fig, world in present:
        _cast_shadow(picture, back.depth, fig, world, stage)
    owner = np.full(near.shape, -1, np.int32)
    for number, (_, fig, world) in enumerate(present):
        window = _window(_box(world, fig, stage.view), stage.view)
        if window[2] - window[0] < 4 or window[3] - window[1] < 4:
            continue
        rgb, alpha, deep = draw(fig, world, stage.view, window, 2, light)
        part = (slice(window[1], window[3]), slice(window[0], window[2]))
        front = (deep < near[part]).astype(np.float32)
        picture[part] = rgb * front[..., None] + picture[part] * (1 - alpha * front)[..., None]
        shown = alpha * front > 0.5
        near[part] = np.where(shown, deep, near[part])
        owner[part][shown] = number
    boxes = {}
    for number, (who, fig, world) in enumerate(present):
        box = _box(world, fig, stage.view)
        if _is_seen(box, int((owner == number).sum()), stage.view):
            boxes[who] = tuple(float(v) for v in _window(box, stage.view))
    return picture, boxes


def _window(box: tuple[float, float, float, float], view: View) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (int(v) for v in box)
    return max(0, x0 - 2), max(0, y0 - 2), min(view.width, x1 + 3), min(view.height, y1 + 3)


def _is_seen(box: tuple[float, float, float, float], shown: int, view: View) -> bool:
    """The sample videos' rule; what somebody nearer covers does not count as shown."""
    x0, y0, x1, y1 = box
    inside = (min(x1, view.width) - max(x0, 0)) / max(x1 - x0, 1)
    return inside > 0.4 and shown > 0.03 * (x1 - x0) * (y1 - y0)


def backdrop(shot: Shot) -> Backdrop:
    picture, depth = render(shot.setting.place, shot.view)
    dark = night(shot.stage()) * np.asarray(shot.tint, np.float32) * shot.gain
    return Backdrop(np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.6), np.float32), depth, np.asarray(dark, np.float32))


class Sensor:
    """What light, weather and the camera's own grain make of a clean picture; every frame has other grain."""

    def __init__(self, shot: Shot, back: Backdrop) -> None:
        self.shot, self.back = shot, back
        self.rng = np.random.default_rng(SEED + 500 + int(shot.spot.x))
        spread = 0.014 if shot.lamps else 0.010 if shot.low else 0.006
        size = (shot.view.height + 64, shot.view.width + 64, 1)
        self.grain = self.rng.normal(0, spread, size).astype(np.float32)

    def take(self, picture: Floats) -> Image:
        h, w = picture.shape[:2]
        y, x = (int(v) for v in self.rng.integers(0, 64, 2))
        out = picture * self.back.dark
        if self.shot.low:
            out = np.asarray(cv2.GaussianBlur(out, (0, 0), 0.7), np.float32)
        if self.shot.rain:
            out = self._rain(out)
        out = out + self.grain[y : y + h, x : x + w]
        return np.asarray(np.clip(out, 0, 1) * 255, np.uint8)

    def _rain(self, picture: Floats) -> Floats:
        """Streaks that slant a little, a veil, and a wet lens."""
        drops = (self.rng.random(picture.shape[:2]) < 0.006).astype(np.float32)
        streaks = cv2.filter2D(drops, -1, _SLANT)
        soft = cv2.GaussianBlur(picture, (0, 0), 0.8)
        return np.asarray(soft * 0.86 + 0.06 + 0.9 * streaks[..., None], np.float32)


_SLANT = cv2.GaussianBlur(cv2.line(np.zeros((15, 7), np.float32), (5, 1), (1, 13), 1.0), (3, 3), 0.6) / 9


def _encoder(path: Path, view: View) -> subprocess.Popen[bytes]:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START_MS / 1000))
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{view.width}x{view.height}",
        "-r", f"1/{INTERVAL_S}", "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-threads", "1", "-pix_fmt", "yuv420p", "-g", "1",
        "-movflags", "+faststart", "-metadata", f"creation_time={created}", str(path),
    ]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def film(
    body: Body,
    shot: Shot,
    walks: Sequence[Passing],
    members: Mapping[str, Member],
    out: Path,
    length_s: int = SECONDS,
) -> Boxes:
    """One camera's half hour; each person's boxes: [time in ms, x1, y1, x2, y2]."""
    stage, back = shot.stage(walks), backdrop(shot)
    sensor = Sensor(shot, back)
    seen: Boxes = {}
    path = out / shot.spot.id / f"{shot.spot.id}.mp4"
    encoder = _encoder(path, stage.view)
    assert encoder.stdin is not None  # noqa: S101 - Popen was asked for a pipe
    for second in range(0, length_s, INTERVAL_S):
        picture, boxes = compose(body, stage, back, second, members)
        encoder.stdin.write(sensor.take(picture).tobytes())
        for who, box in boxes.items():
            seen.setdefault(who, []).append([START_MS + 1000 * second, *box])
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise RuntimeError(f"ffmpeg failed on {path}")
    return seen


def still(body: Body, shot: Shot, walks: Sequence[Passing], members: Mapping[str, Member], out: Path) -> None:
    """Four moments of one camera in one picture, the one with most people first."""
    stage, back = shot.stage(walks), backdrop(shot)
    sensor = Sensor(shot, back)
    moments = range(0, SECONDS, INTERVAL_S)
    count = [sum(w.start <= s <= w.end for w in walks) for s in moments]
    order = np.argsort(np.asarray(count), kind="stable")[::-1]
    cells = []
    for number in (order[0], *order[20:80:20]):
        picture, boxes = compose(body, stage, back, moments[int(number)], members)
        image = sensor.take(picture)[..., ::-1].copy()
        for who, (x0, y0, x1, y1) in boxes.items():
            cv2.rectangle(image, (int(x0), int(y0)), (int(x1), int(y1)), (0, 220, 255), 1)
            cv2.putText(
                image, f"{who} {int(y1 - y0)}", (int(x0), int(y0) - 3), cv2.FONT_HERSHEY_PLAIN, 0.9, (0, 0, 255)
            )
        cells.append(image)
    sheet = np.vstack([np.hstack(cells[:2]), np.hstack(cells[2:])])
    cv2.imwrite(str(out / f"{shot.spot.id}.png"), sheet)


def _appearances(camera: str, boxes: list[list[float]]) -> list[dict[str, Any]]:
    """Boxes of one person at one camera, cut where the person was away for more than ten seconds."""
    runs: list[list[list[float]]] = []
    for box in boxes:
        if runs and box[0] - runs[-1][-1][0] <= 10_000:
            runs[-1].append(box)
        else:
            runs.append([box])
    return [{"camera": camera, "start_ms": run[0][0], "end_ms": run[-1][0], "boxes": run} for run in runs]


def truth(people: Sequence[Citizen], seen: Mapping[str, Boxes]) -> dict[str, Any]:
    """What ``truth.json`` says."""
    cameras = {}
    for shot in shots():
        spot, view = shot.spot, shot.view
        cameras[spot.id] = {"name": spot.name, "district": spot.district, "lat": spot.lat, "lon": spot.lon, "file": f"{spot.id}/{spot.id}.mp4",
                            "width": view.width, "height": view.height, "night": bool(shot.lamps), "rain": shot.rain, "low": shot.low}  # fmt: skip
    said = sentences([c.person for c in people])
    entries = []
    for citizen, texts in zip(people, said, strict=True):
        found = [a for camera, boxes in seen.items() for a in _appearances(camera, boxes.get(citizen.id, []))]
        entries.append({"id": citizen.id, "attributes": citizen.person.as_dict(), "like": citizen.like, "speed_mps": citizen.speed,
                        "appearances": sorted(found, key=lambda a: a["start_ms"]), "sentences": texts})  # fmt: skip
    others = nobody([c.person for c in people], PEOPLE)
    return {"start_ms": START_MS, "interval_s": INTERVAL_S, "cameras": cameras, "people": entries, "nobody": others}


def _plan(shot: Shot, walks: Sequence[Passing], members: Mapping[str, Member]) -> str:
    """A digest of all that decides a film: a film of another plan is made anew."""
    said = repr((START_MS, shot, list(walks), [members[w.who] for w in walks]))
    return hashlib.sha256(said.encode()).hexdigest()


def _kept(path: Path, plan: str) -> Boxes | None:
    """The boxes of a film that is there already, if it is of this plan."""
    if not path.exists():
        return None
    held: dict[str, Any] = json.loads(path.read_text())
    boxes: Boxes = held["boxes"] if held.get("plan") == plan else {}
    return boxes or None


def _write_truth(people: Sequence[Citizen], seen: Mapping[str, Boxes], out: Path) -> None:
    (out / "truth.json").write_text(json.dumps(truth(people, seen), ensure_ascii=False), "utf-8")
    with (out / "cameras.csv").open("w", newline="", encoding="utf-8") as f:
        rows = [[s.id, s.name, s.district, s.lat, s.lon] for s in spots()]
        csv.writer(f).writerows([["id", "name", "district", "lat", "lon"], *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", help="film only this camera; truth.json is written when all films are there")
    parser.add_argument("--still", action="store_true", help="only one PNG of each camera, with people in it")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    body, people, cameras = load_body(args.body), citizens(PEOPLE), shots()
    members = {c.id: Member(c.id, c.person, (), (), c.speed) for c in people}
    ways = passings(people, [ground(shot) for shot in cameras])
    seen: dict[str, Boxes] = {}
    for shot in cameras:
        mine = [way for way in ways if way.camera == shot.spot.id]
        wanted = args.only in (None, shot.spot.id)
        if args.still:
            if wanted:
                still(body, shot, mine, members, args.out)
            continue
        plan, done = _plan(shot, mine, members), args.out / shot.spot.id / "boxes.json"
        boxes = _kept(done, plan)
        if boxes is None and wanted:
            began = time.time()
            done.parent.mkdir(parents=True, exist_ok=True)
            boxes = film(body, shot, mine, members, args.out)
            done.write_text(json.dumps({"plan": plan, "boxes": boxes}))
            print(f"{shot.spot.id}: {len(mine)} passings, {time.time() - began:.0f} s", flush=True)
        if boxes is not None:
            seen[shot.spot.id] = boxes
    if len(seen) == len(cameras):
        _write_truth(people, seen, args.out)


if __name__ == "__main__":
    main()
