"""From colour names to the shades that streets wear, as sRGB in 0..1."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# For each name: ranges of hue (degrees), saturation and value. Muted on purpose, yet the names stay apart.
_HSV = {
    "black": ((0, 360), (0.00, 0.25), (0.04, 0.16)),
    "white": ((20, 220), (0.00, 0.06), (0.84, 0.98)),
    "grey": ((0, 360), (0.00, 0.10), (0.30, 0.66)),
    "red": ((352, 367), (0.62, 0.92), (0.45, 0.82)),
    "blue": ((208, 228), (0.55, 0.88), (0.42, 0.78)),
    "navy": ((215, 236), (0.40, 0.75), (0.13, 0.30)),
    "light blue": ((196, 216), (0.22, 0.48), (0.68, 0.92)),
    "green": ((95, 158), (0.42, 0.80), (0.38, 0.70)),
    "yellow": ((44, 56), (0.58, 0.90), (0.74, 0.96)),
    "orange": ((16, 31), (0.70, 0.95), (0.74, 0.96)),
    "pink": ((328, 356), (0.22, 0.52), (0.74, 0.95)),
    "purple": ((264, 298), (0.32, 0.68), (0.32, 0.66)),
    "brown": ((14, 32), (0.42, 0.72), (0.22, 0.46)),
    "beige": ((30, 44), (0.16, 0.36), (0.64, 0.86)),
    "dark green": ((85, 165), (0.32, 0.65), (0.14, 0.30)),
}
_HAIR = {
    "black": (0.055, 0.05, 0.05), "brown": (0.24, 0.15, 0.10), "grey": (0.50, 0.50, 0.51),
    "white": (0.80, 0.80, 0.78), "blonde": (0.66, 0.51, 0.32),
}  # fmt: skip
_DENIM = {"blue": (0.25, 0.36, 0.54), "navy": (0.13, 0.17, 0.28), "light blue": (0.52, 0.62, 0.74),
          "black": (0.10, 0.10, 0.12), "grey": (0.38, 0.40, 0.43)}  # fmt: skip


def shade(name: str, rng: np.random.Generator) -> Floats:
    """One cloth of the colour called ``name``, (3,)."""
    hue, sat, val = (float(rng.uniform(*limits)) for limits in _HSV[name])
    pixel = np.array([[[hue % 360.0, sat, val]]], dtype=np.float32)
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0], dtype=np.float32)


def _jitter(rgb: tuple[float, float, float], rng: np.random.Generator, by: float) -> Floats:
    spread = rng.normal(1.0, by) * (1.0 + rng.normal(0.0, by / 4, 3))
    return np.clip(np.asarray(rgb) * spread, 0.02, 1.0).astype(np.float32)


def denim(name: str, rng: np.random.Generator) -> Floats:
    return _jitter(_DENIM[name], rng, 0.10)


def hair_shade(name: str, rng: np.random.Generator) -> Floats:
    return _jitter(_HAIR[name], rng, 0.12)


def skin_shade(rng: np.random.Generator) -> Floats:
    """Skin of any people, (3,)."""
    light, dark = np.array((0.92, 0.74, 0.62)), np.array((0.36, 0.23, 0.16))
    t = float(rng.beta(1.3, 3.2))
    return _jitter(tuple(light * (1 - t) + dark * t), rng, 0.05)
