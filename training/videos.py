"""Makes sample_videos/: four cameras, their people, and truth.json.

python -m training.videos --body training/work/body.npz --out sample_videos
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np

from training.body import Body, load_body
from training.cast import CAST, DEMO, Member
from training.people import Figure, Light, Stance, draw, figure, place
from training.raster import rasterise
from training.scenes import render
from training.stages import STAGES, Stage, Walk
from training.view import Floats, View

FPS = 12
SECONDS = 60
START = datetime(2026, 11, 2, tzinfo=timezone.utc)  # noqa: UP017 - 3.10 readers of this file
MEMBERS = {member.id: member for member in CAST}


def walk_state(walk: Walk, member: Member, second: float) -> tuple[float, float, float, float, float] | None:
    """x, y, heading, metres walked and stride at a second of the video; None before and after."""
    left = second - walk.start
    if left < 0:
        return None
    walked, heading = 0.0, 0.0
    for (x0, y0, pause), (x1, y1, _) in zip(walk.points, walk.points[1:], strict=False):
        length = float(np.hypot(x1 - x0, y1 - y0))
        heading = float(np.arctan2(x1 - x0, y1 - y0))
        if left < pause:
            return x0, y0, heading, walked, 0.0
        left -= pause
        if left * member.speed < length:
            done = left * member.speed
            share = done / length
            ease = min(1.0, done / 0.35 + 0.3, (length - done) / 0.35 + 0.3)
            return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, heading, walked + done, ease
        left -= length / member.speed
        walked += length
    return None


def _figure_at(body: Body, member: Member, walked: float, stride: float) -> Figure:
    step = 0.68 if member.person.age == "adult" else 0.46
    elder = member.person.age == "elder"
    stance = Stance(
        np.pi * walked / step, stride * (0.55 if elder else 0.85), 0.32 if elder else 0.03, 0.0, 0.08, seed=3
    )
    return figure(body, member.person, stance)


def _box(world: Floats, fig: Figure, view: View) -> tuple[float, float, float, float]:
    flat = view.project(world[fig.cover >= 0])
    (x0, y0), (x1, y1) = flat[:, :2].min(0), flat[:, :2].max(0)
    return float(x0), float(y0), float(x1), float(y1)


def _cast_shadow(picture: Floats, depth: Floats, fig: Figure, world: Floats, stage: Stage) -> None:
    """Darkens the ground (never what stands on it) where the figure hides the sun."""
    sun = np.asarray(stage.place.sun, np.float32)
    flat = world - sun * (world[:, 2:3] / sun[2])
    screen = stage.view.project(flat)
    near = screen[fig.cover >= 0]
    x0, y0 = np.maximum(near[:, :2].min(0).astype(int) - 3, 0)
    x1, y1 = np.minimum(near[:, :2].max(0).astype(int) + 4, (stage.view.width, stage.view.height))
    if x1 <= x0 or y1 <= y0:
        return
    screen[:, :2] -= np.array([x0, y0], np.float32)
    deep, face, _ = rasterise(np.ascontiguousarray(screen), fig.cover, fig.faces, (int(y1 - y0), int(x1 - x0)))
    mask = ((face >= 0) & (np.abs(deep - depth[y0:y1, x0:x1]) < 0.25)).astype(np.float32)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.4 + 6 * max(0.0, stage.place.light - 0.6))
    picture[y0:y1, x0:x1] *= 1 - 0.8 * (1 - stage.place.light) * soft[..., None] - 0.12 * soft[..., None]


def compose(
    body: Body, stage: Stage, back: Floats, depth: Floats, second: float, members: Mapping[str, Member] = MEMBERS
) -> tuple[Floats, dict[str, tuple[float, ...]]]:
    """One clean picture (height, width, 3) and the boxes of the people in it."""
    picture, near = back.copy(), depth.copy()
    present = []
    for walk in stage.walks:
        state = walk_state(walk, members[walk.who], second)
        if state is not None:
            x, y, heading, walked, stride = state
            fig = _figure_at(body, members[walk.who], walked, stride)
            present.append((y, walk.who, fig, place(fig, x, y, heading)))
    light = Light(stage.place.sun, stage.place.light + 0.05)
    for _, _, fig, world in present:
        _cast_shadow(picture, depth, fig, world, stage)
    boxes: dict[str, tuple[float, ...]] = {}
    for _, who, fig, world in sorted(present, key=lambda item: -item[0]):
        x0, y0, x1, y1 = _box(world, fig, stage.view)
        window = (
            max(0, int(x0) - 2),
            max(0, int(y0) - 2),
            min(stage.view.width, int(x1) + 3),
            min(stage.view.height, int(y1) + 3),
        )
        if window[2] - window[0] < 4 or window[3] - window[1] < 4:
            continue
        rgb, alpha, deep = draw(fig, world, stage.view, window, 2, light)
        part = (slice(window[1], window[3]), slice(window[0], window[2]))
        seen = (deep < near[part]).astype(np.float32)
        picture[part] = rgb * seen[..., None] + picture[part] * (1 - alpha * seen)[..., None]
        shown = alpha * seen > 0.5
        near[part] = np.where(shown, deep, near[part])
        inside = (min(x1, stage.view.width) - max(x0, 0)) / max(x1 - x0, 1)
        if inside > 0.4 and shown.sum() > 0.1 * (x1 - x0) * (y1 - y0) * 0.3:
            boxes[who] = (float(window[0]), float(window[1]), float(window[2]), float(window[3]))
    return picture, boxes


def night(stage: Stage) -> Floats:
    """How much light the lamps leave of the day, with their tint, (height, width, 3); ones by day."""
    size = (stage.view.height, stage.view.width)
    if not stage.lamps:
        return np.ones((*size, 3), np.float32)
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    light = np.full(size, 0.30, np.float32)
    for spot in stage.lamps:
        u, v, depth = stage.view.project(np.array([[*spot, 0.8]], np.float32))[0]
        wide = 3.2 * stage.view.focal / depth
        light += 0.45 * np.exp(-(((x - u) / wide) ** 2) - ((y - v) / (wide * 0.8)) ** 2)
    return np.asarray(light[..., None] * np.array([1.06, 1.0, 0.86], np.float32), np.float32)


def _encoder(path: Path, stage: Stage) -> subprocess.Popen[bytes]:
    created = (START + timedelta(seconds=stage.offset_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    size = f"{stage.view.width}x{stage.view.height}"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(FPS),
        "-i", "-", "-vf", "hqdn3d=3:2:8:8", "-c:v", "libx264", "-preset", "medium", "-crf", "32", "-x264-params", "ipratio=1.05", "-pix_fmt", "yuv420p", "-g", str(FPS), "-keyint_min", str(FPS),
        "-sc_threshold", "0", "-movflags", "+faststart", "-metadata", f"creation_time={created}", str(path),
    ]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def film(body: Body, stage: Stage, out: Path) -> dict[str, list[list[float]]]:
    """Renders and encodes one camera; returns each person's boxes: [second, x1, y1, x2, y2]."""
    back, depth = render(stage.place, stage.view)
    back = np.asarray(cv2.GaussianBlur(back, (0, 0), 0.7), np.float32)
    path = out / stage.camera / f"{stage.camera}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    dark = night(stage)
    grain = rng.normal(0, 0.010 if stage.lamps else 0.005, (4, stage.view.height, stage.view.width, 1)).astype(
        np.float32
    )
    seen: dict[str, list[list[float]]] = {}
    encoder = _encoder(path, stage)
    assert encoder.stdin is not None  # noqa: S101 - Popen was asked for a pipe
    for index in range(FPS * SECONDS):
        picture, boxes = compose(body, stage, back, depth, index / FPS)
        noisy = np.clip((picture * dark + grain[index % 4]) * 255, 0, 255).astype(np.uint8)
        encoder.stdin.write(noisy.tobytes())
        if index % (FPS // 2) == 0:
            for who, box in boxes.items():
                seen.setdefault(who, []).append([index / FPS, *(round(v, 1) for v in box)])
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise RuntimeError(f"ffmpeg failed on {path}")
    print(f"{stage.camera}: {path.stat().st_size / 1e6:.2f} MB", flush=True)
    return seen


def truth(seen: dict[str, dict[str, list[list[float]]]]) -> dict[str, Any]:
    """The ground truth of all cameras, as written to truth.json."""
    cameras, people = {}, []
    for stage in STAGES:
        start = START + timedelta(seconds=stage.offset_s)
        cameras[stage.camera] = {"file": f"{stage.camera}/{stage.camera}.mp4", "start": start.isoformat().replace("+00:00", "Z"),
                                 "fps": FPS, "width": stage.view.width, "height": stage.view.height}  # fmt: skip
    for member in CAST:
        appearances = []
        for stage in STAGES:
            rows = seen.get(stage.camera, {}).get(member.id, [])
            if rows:
                zero = int((START + timedelta(seconds=stage.offset_s)).timestamp() * 1000)
                boxes = [[zero + round(row[0] * 1000), *row[1:]] for row in rows]
                appearances.append(
                    {"camera": stage.camera, "start_ms": boxes[0][0], "end_ms": boxes[-1][0], "boxes": boxes}
                )
        unsaid = ("seed", "pose", "ride", "beside")
        attributes = {k: v for k, v in member.person.as_dict().items() if k not in unsaid}
        people.append({"id": member.id, "attributes": attributes, "sentences": {"en": list(member.en), "zh": list(member.zh)},
                       "appearances": appearances})  # fmt: skip
    demo = [{"lang": lang, "text": text, "person": person} for lang, text, person in DEMO]
    return {"cameras": cameras, "people": people, "demo": demo}


def part(out: Path, stage: Stage) -> dict[str, list[list[float]]] | None:
    """The boxes that ``--only`` left, so that cameras may be filmed side by side."""
    path = out / f"{stage.camera}.json"
    if not path.exists():
        return None
    found: dict[str, list[list[float]]] = json.loads(path.read_text())
    path.unlink()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", help="film only this camera and write no truth.json, only its boxes")
    parser.add_argument("--still", type=float, help="only write one PNG of each camera at this second")
    args = parser.parse_args()
    body = load_body(args.body)
    if args.still is not None:
        for stage in STAGES:
            picture, _ = compose(body, stage, *render(stage.place, stage.view), args.still)
            picture = picture * night(stage)
            cv2.imwrite(
                str(args.out / f"{stage.camera}.png"), (np.clip(picture, 0, 1)[..., ::-1] * 255).astype(np.uint8)
            )
        return
    if args.only:
        boxes = next(film(body, stage, args.out) for stage in STAGES if stage.camera == args.only)
        (args.out / f"{args.only}.json").write_text(json.dumps(boxes))
        return
    seen = {stage.camera: part(args.out, stage) or film(body, stage, args.out) for stage in STAGES}
    text = json.dumps(truth(seen), ensure_ascii=False, indent=1)
    (args.out / "truth.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
