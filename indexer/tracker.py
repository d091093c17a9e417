from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from search.types import Box, Detection, Frame, Image


@dataclass(frozen=True, slots=True)
class Crop:
    image: Image
    box: Box
    offset_ms: int
    frame_width: int
    frame_height: int
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Track:
    number: int
    start_ms: int
    end_ms: int
    crops: tuple[Crop, ...]


@dataclass(slots=True)
class _Open:
    number: int
    start: int
    end: int
    box: Box
    hist: np.ndarray
    crops: list[tuple[float, Crop]]
    velocity: tuple[float, float] = (0.0, 0.0)


def _hist(image: Image) -> np.ndarray:
    import cv2
    small = cv2.resize(image, (16, 32), interpolation=cv2.INTER_AREA)[:, 4:12]
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    parts = []
    for half in (hsv[4:16], hsv[16:30]):
        parts.append(cv2.calcHist([half], [0, 1, 2], None, [4, 4, 4], [0, 256] * 3).ravel())
    h = np.concatenate(parts)
    return h / h.sum()


def track_people(stream, *, crops_per_track: int, thumbnail: Callable[[Image], bytes], max_gap_s: float = 6.5) -> Iterator[Track]:
    live: list[_Open] = []
    n = 0
    for frame, dets in stream:
        gone = [t for t in live if frame.offset_ms - t.end > max_gap_s * 1000]
        live = [t for t in live if t not in gone]
        for t in gone:
            yield _close(t)
        pairs = []
        hists = [_hist(d.box.crop(frame.image)) for d in dets]
        for i, d in enumerate(dets):
            for t in live:
                dt = (frame.offset_ms - t.end) / 1000
                cx, cy = (d.box.x1 + d.box.x2) / 2, d.box.y2
                tx, ty = (t.box.x1 + t.box.x2) / 2 + t.velocity[0] * dt, t.box.y2 + t.velocity[1] * dt
                dist = np.hypot(cx - tx, cy - ty) / max(t.box.height, d.box.height)
                sim = float(np.minimum(hists[i], t.hist).sum())
                size = min(t.box.height, d.box.height) / max(t.box.height, d.box.height)
                if dist < 0.9 * max(dt, 1) and size > 0.5 and sim > 0.25:
                    pairs.append((dist * 0.5 + (1 - sim), i, t))
        pairs.sort(key=lambda p: p[0])
        used_d, used_t = set(), set()
        for _, i, t in pairs:
            if i in used_d or t.number in used_t:
                continue
            used_d.add(i); used_t.add(t.number)
            d = dets[i]
            dt = max((frame.offset_ms - t.end) / 1000, 0.1)
            t.velocity = (((d.box.x1 + d.box.x2) - (t.box.x1 + t.box.x2)) / 2 / dt, (d.box.y2 - t.box.y2) / dt)
            t.end, t.box, t.hist = frame.offset_ms, d.box, 0.6 * t.hist + 0.4 * hists[i]
            _add(t, frame, d, crops_per_track, thumbnail)
        for i, d in enumerate(dets):
            if i not in used_d:
                n += 1
                t = _Open(n, frame.offset_ms, frame.offset_ms, d.box, hists[i], [])
                _add(t, frame, d, crops_per_track, thumbnail)
                live.append(t)
    for t in live:
        yield _close(t)


def _add(t, frame, d, k, thumbnail):
    h, w = frame.image.shape[:2]
    edge = d.box.x1 <= 2 or d.box.x2 >= w - 2 or d.box.y1 <= 2 or d.box.y2 >= h - 2
    q = d.box.area ** 0.5 * (0.5 if edge else 1.0)
    if len(t.crops) >= k and q <= min(c[0] for c in t.crops):
        return
    crop = Crop(d.box.crop(frame.image).copy(), d.box, frame.offset_ms, w, h, thumbnail(frame.image))
    t.crops.append((q, crop))
    if len(t.crops) > k:
        t.crops.remove(min(t.crops, key=lambda c: c[0]))


def _close(t):
    return Track(t.number, t.start, t.end, tuple(c for _, c in sorted(t.crops, key=lambda c: c[1].offset_ms)))
