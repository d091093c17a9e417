"""Films the made city: 24 cameras, 150 people who walk past several of them, half an hour, a picture every two seconds.

python -m training.city --body training/work/body.npz --out benchmarks/work/city
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np

from training.body import Body, load_body
from training.cast import Member
from training.city_map import SECONDS, Passing, Spot, passings, spots
from training.city_people import SEED, Citizen, citizens, nobody, sentences
from training.places import KINDS, random_setting
from training.scenes import render
from training.stages import Stage, Walk
from training.videos import compose, night, walk_state
from training.view import Floats, View

START_MS = 1_794_470_400_000  # 2026-11-12T08:00:00Z
INTERVAL_S = 2
PEOPLE = 150
LOW = ("canal", "temple", "factory", "bridge")
NIGHT = ("old-town", "bus-depot", "car-park", "bridge", "park-lake")
RAIN = ("market-2", "south-gate", "park-west")

Boxes = dict[str, list[list[float]]]


@dataclass(frozen=True)
class Shot:
    """A camera's place and weather, without the people."""

    spot: Spot
    stage: Stage
    gain: float
    rain: bool


def shots() -> list[Shot]:
    return [_shot(k, spot) for k, spot in enumerate(spots())]


def _shot(k: int, spot: Spot) -> Shot:
    rng = np.random.default_rng(SEED + 100 + k)
    dark = spot.id in NIGHT
    kinds = {"station-hall": "hall", "library": "hall", "mall-entrance": "entrance", "hospital": "entrance"}
    outside = [kind for kind in KINDS if kind not in ("room", "hall", "corridor", "car park")]  # they hide people
    setting = random_setting(kinds.get(spot.id, outside[k % len(outside)]), rng)
    while setting.night:
        setting = random_setting(setting.kind, rng)
    width, height = (640, 360) if spot.id in LOW else (960, 540)
    focal = width * float(rng.uniform(0.68, 0.8))
    view = View(width, height, focal, (0.0, 0.0, float(rng.uniform(2.9, 3.7))), 0.0, float(rng.uniform(0.17, 0.24)))
    lamps = ((-3.0, 7.5), (3.2, 9.5)) if dark else ()
    return Shot(
        spot, Stage(spot.id, 0.0, setting.place, view, (), lamps), float(rng.uniform(0.85, 1.08)), spot.id in RAIN
    )


def _half_width(shot: Shot) -> float:
    return shot.stage.view.width / 2 / shot.stage.view.focal


def _finish(picture: Floats, dark: Floats, grain: Floats, shot: Shot, rng: np.random.Generator) -> bytes:
    out = picture * dark * shot.gain + grain
    if shot.rain:
        streaks = (rng.random(picture.shape[:2]) < 0.003).astype(np.float32)
        out = out * 0.9 + 1.2 * cv2.blur(streaks, (1, 11))[..., None] + 0.03
    return bytes((np.clip(out, 0, 1) * 255).astype(np.uint8).tobytes())


def _encoder(path: Path, view: View) -> subprocess.Popen[bytes]:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START_MS / 1000))
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{view.width}x{view.height}",
        "-r", f"1/{INTERVAL_S}", "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", "27", "-threads", "1", "-pix_fmt", "yuv420p", "-g", "1",
        "-movflags", "+faststart", "-metadata", f"creation_time={created}", str(path),
    ]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def film(body: Body, shot: Shot, walks: list[Passing], members: dict[str, Member], out: Path) -> Boxes:
    """One camera's half hour; each person's boxes: [time in ms, x1, y1, x2, y2]."""
    stage = Stage(
        shot.spot.id,
        0.0,
        shot.stage.place,
        shot.stage.view,
        tuple(Walk(w.who, w.start, w.points) for w in walks),
        shot.stage.lamps,
    )
    back, depth = render(stage.place, stage.view)
    back = np.asarray(cv2.GaussianBlur(back, (0, 0), 0.6), np.float32)
    rng = np.random.default_rng(SEED + 500 + len(walks))
    grain = rng.normal(0, 0.012 if stage.lamps else 0.006, (4, stage.view.height, stage.view.width, 1)).astype(
        np.float32
    )
    dark = night(stage)
    seen: Boxes = {}
    path = out / shot.spot.id / f"{shot.spot.id}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder = _encoder(path, stage.view)
    assert encoder.stdin is not None  # noqa: S101 - Popen was asked for a pipe
    for index, second in enumerate(range(0, SECONDS, INTERVAL_S)):
        picture: Floats = back
        boxes: dict[str, tuple[float, ...]] = {}
        if any(walk_state(walk, members[walk.who], second) for walk in stage.walks):
            picture, boxes = compose(body, stage, back, depth, second, members)
        encoder.stdin.write(_finish(picture, dark, grain[index % 4], shot, rng))
        for who, box in boxes.items():
            seen.setdefault(who, []).append([START_MS + 1000 * second, *(round(v, 1) for v in box)])
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise RuntimeError(f"ffmpeg failed on {path}")
    return seen


def _appearances(camera: str, boxes: list[list[float]]) -> list[dict[str, Any]]:
    """Boxes of one person at one camera, cut where the person was away for more than ten seconds."""
    runs: list[list[list[float]]] = []
    for box in boxes:
        if runs and box[0] - runs[-1][-1][0] <= 10_000:
            runs[-1].append(box)
        else:
            runs.append([box])
    return [{"camera": camera, "start_ms": run[0][0], "end_ms": run[-1][0], "boxes": run} for run in runs]


def truth(people: list[Citizen], seen: dict[str, Boxes]) -> dict[str, Any]:
    """What ``truth.json`` says."""
    cameras = {}
    for shot in shots():
        spot, view = shot.spot, shot.stage.view
        cameras[spot.id] = {"name": spot.name, "district": spot.district, "lat": spot.lat, "lon": spot.lon, "file": f"{spot.id}/{spot.id}.mp4",
                            "width": view.width, "height": view.height, "night": bool(shot.stage.lamps), "rain": shot.rain, "low": spot.id in LOW}  # fmt: skip
    said = sentences([c.person for c in people])
    entries = []
    for citizen, texts in zip(people, said, strict=True):
        found = [a for camera, boxes in seen.items() for a in _appearances(camera, boxes.get(citizen.id, []))]
        entries.append({"id": citizen.id, "attributes": citizen.person.as_dict(), "like": citizen.like, "speed_mps": citizen.speed,
                        "appearances": sorted(found, key=lambda a: a["start_ms"]), "sentences": texts})  # fmt: skip
    others = nobody([c.person for c in people], PEOPLE)
    return {"start_ms": START_MS, "interval_s": INTERVAL_S, "cameras": cameras, "people": entries, "nobody": others}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--still", action="store_true", help="only one PNG of each camera, with people in it")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    body, people = load_body(args.body), citizens(PEOPLE)
    members = {c.id: Member(c.id, c.person, (), (), c.speed) for c in people}
    cameras = shots()
    ways = passings(people, {shot.spot.id: _half_width(shot) for shot in cameras})
    seen: dict[str, Boxes] = {}
    for shot in cameras:
        mine = [way for way in ways if way.camera == shot.spot.id]
        if args.still:
            _still(body, shot, mine, members, args.out)
            continue
        done = args.out / shot.spot.id / "boxes.json"
        if not done.exists():
            began = time.time()
            done.parent.mkdir(parents=True, exist_ok=True)
            done.write_text(json.dumps(film(body, shot, mine, members, args.out)))
            print(f"{shot.spot.id}: {len(mine)} passings, {time.time() - began:.0f} s", flush=True)
        seen[shot.spot.id] = json.loads(done.read_text())
    if not args.still:
        (args.out / "truth.json").write_text(json.dumps(truth(people, seen), ensure_ascii=False))
        with (args.out / "cameras.csv").open("w", newline="", encoding="utf-8") as f:
            rows = [[s.id, s.name, s.district, s.lat, s.lon] for s in spots()]
            csv.writer(f).writerows([["id", "name", "district", "lat", "lon"], *rows])


def _still(body: Body, shot: Shot, walks: list[Passing], members: dict[str, Member], out: Path) -> None:
    """The moment with most people in view."""
    stage = Stage(
        shot.spot.id,
        0.0,
        shot.stage.place,
        shot.stage.view,
        tuple(Walk(w.who, w.start, w.points) for w in walks),
        shot.stage.lamps,
    )
    count = [
        sum(walk_state(w, members[w.who], s) is not None for w in stage.walks) for s in range(0, SECONDS, INTERVAL_S)
    ]
    picture, boxes = compose(
        body, stage, *render(stage.place, stage.view), float(INTERVAL_S * int(np.argmax(count))), members
    )
    data = _finish(picture, night(stage), np.zeros((1, 1, 1), np.float32), shot, np.random.default_rng(0))
    image = np.frombuffer(data, np.uint8).reshape(stage.view.height, stage.view.width, 3)[..., ::-1].copy()
    for x0, y0, x1, y1 in boxes.values():
        cv2.rectangle(image, (int(x0), int(y0)), (int(x1), int(y1)), (0, 220, 255), 1)
    cv2.imwrite(str(out / f"{shot.spot.id}.png"), image)


if __name__ == "__main__":
    main()
