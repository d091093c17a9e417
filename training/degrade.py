"""What a surveillance camera does to a picture: blur, small, noise, blocks, exposure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.view import Floats

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Quality:
    """Ranges that a camera's picture is drawn from."""

    gain: tuple[float, float]
    contrast: tuple[float, float]
    shrink: tuple[float, float]
    noise: float
    jpeg: tuple[int, int]
    tint: float


GOOD = Quality((0.82, 1.18), (0.90, 1.10), (0.70, 1.05), 0.012, (55, 95), 0.022)
FAIR = Quality((0.72, 1.22), (0.80, 1.12), (0.48, 0.95), 0.022, (35, 90), 0.032)
POOR = Quality((0.62, 1.25), (0.70, 1.10), (0.31, 0.60), 0.032, (22, 75), 0.040)


def infrared(picture: Floats, rng: np.random.Generator) -> Floats:
    """What a camera sees by its own lamp at night: grey, brighter in the middle, cloth pale whatever its colour."""
    grey = picture @ np.array([0.45, 0.35, 0.2], np.float32)
    grey = 0.25 + 0.75 * grey if rng.random() < 0.5 else grey
    h, w = grey.shape
    y, x = np.mgrid[0:h, 0:w]
    spot = np.exp(-(((x / w - 0.5) ** 2 + (y / h - 0.45) ** 2) / float(rng.uniform(0.3, 1.0))))
    return np.asarray((grey * spot)[..., None].repeat(3, 2), np.float32)


def weather(picture: Floats, rng: np.random.Generator) -> Floats:
    """Night by street lamps, fog, rain; mostly none of them."""
    what = rng.random()
    if what < 0.07:
        warm = np.array([1.08, 1.0, 0.84], np.float32) ** float(rng.uniform(-0.6, 1.2))
        return np.asarray(picture * warm * float(rng.uniform(0.38, 0.65)), np.float32)
    if what < 0.10:
        share = float(rng.uniform(0.15, 0.42))
        return np.asarray(picture * (1 - share) + share * float(rng.uniform(0.55, 0.8)), np.float32)
    if what < 0.12:
        h, w = picture.shape[:2]
        streaks = cv2.GaussianBlur((rng.random((h, w)) < 0.02).astype(np.float32), (1, 9), 0.1, sigmaY=3)
        return np.asarray(picture * 0.92 + 0.9 * streaks[..., None], np.float32)
    return picture


def degrade(picture: Floats, rng: np.random.Generator, low: float | None = None) -> Image:
    """A clean picture in 0..1 (h, w, 3) as a camera would have stored it, uint8 of the same size."""
    h, w = picture.shape[:2]
    how = (GOOD, FAIR, POOR)[int(rng.choice(3, p=(0.48, 0.36, 0.16)))]
    tint = 1 + rng.normal(0, how.tint, 3).astype(np.float32)
    out = np.clip(picture * float(rng.uniform(*how.gain)) * tint, 0, 1) ** float(rng.uniform(0.88, 1.16))
    out = (out - 0.45) * float(rng.uniform(*how.contrast)) + 0.45 + float(rng.normal(0, 0.025))
    out = weather(out.astype(np.float32), rng)
    shrink = max(low or 0.0, float(rng.uniform(*how.shrink)))
    size = (max(12, int(w * shrink)), max(20, int(h * shrink)))
    small = cv2.resize(out, size, interpolation=cv2.INTER_AREA) if shrink < 0.95 else out
    if rng.random() < 0.3:
        along = (float(rng.uniform(0.2, 0.9)), float(rng.uniform(0.2, 0.7)))
        small = cv2.GaussianBlur(small, (0, 0), along[0], sigmaY=along[1])
    small = small + rng.normal(0, float(rng.uniform(0.0, how.noise)), small.shape).astype(np.float32)
    if rng.random() < 0.3:
        small = small + (small - cv2.GaussianBlur(small, (0, 0), 1.2)) * float(rng.uniform(0.3, 1.2))
    coded = np.clip(small * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.8:
        _, data = cv2.imencode(".jpg", coded, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*how.jpeg))])
        coded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    if coded.shape[:2] != (h, w):
        way = cv2.INTER_CUBIC if shrink > 0.5 else cv2.INTER_LINEAR
        coded = np.asarray(cv2.resize(coded, (w, h), interpolation=way), np.uint8)
    return coded
