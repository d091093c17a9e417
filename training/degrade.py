"""What a surveillance camera does to a picture: blur, small, noise, blocks, exposure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.view import Floats

Image = NDArray[np.uint8]


def degrade(picture: Floats, rng: np.random.Generator, low: float = 0.32) -> Image:
    """A clean picture in 0..1 (h, w, 3) as a camera would have stored it, uint8 of the same size."""
    h, w = picture.shape[:2]
    gain = float(rng.uniform(0.65, 1.25))
    tint = 1 + rng.normal(0, 0.035, 3).astype(np.float32)
    out = np.clip(picture * gain * tint, 0, 1) ** float(rng.uniform(0.85, 1.2))
    contrast = float(rng.uniform(0.75, 1.12))
    out = (out - 0.45) * contrast + 0.45 + float(rng.normal(0, 0.03))
    if rng.random() < 0.12:
        out = out * 0.3 + out.mean(axis=2, keepdims=True) * 0.7
    shrink = float(rng.uniform(low, 1.0))
    if shrink < 0.95:
        small = cv2.resize(
            out.astype(np.float32), (max(12, int(w * shrink)), max(20, int(h * shrink))), interpolation=cv2.INTER_AREA
        )
    else:
        small = out.astype(np.float32)
    if rng.random() < 0.35:
        small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.3, 0.8)))
    small = small + rng.normal(0, float(rng.uniform(0.0, 0.028)), small.shape).astype(np.float32)
    if rng.random() < 0.3:
        soft = cv2.GaussianBlur(small, (0, 0), 1.2)
        small = small + (small - soft) * float(rng.uniform(0.3, 1.2))
    coded = np.clip(small * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.8:
        _, data = cv2.imencode(".jpg", coded, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))])
        coded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if coded.shape[:2] != (h, w):
        coded = cv2.resize(coded, (w, h), interpolation=cv2.INTER_CUBIC if shrink > 0.5 else cv2.INTER_LINEAR)
    return np.asarray(coded, np.uint8)
