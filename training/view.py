"""A fixed camera over a flat ground: x right, y away, z up, metres; pixels of a (height, width) picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """Where a camera stands. ``focal`` is in pixels, ``yaw`` and ``pitch`` in radians (pitch down is positive)."""

    width: int
    height: int
    focal: float
    eye: tuple[float, float, float] = (0.0, 0.0, 3.2)
    yaw: float = 0.0
    pitch: float = 0.2

    def axes(self) -> Floats:
        """Rows: right, down, forward of the camera in the world, (3, 3)."""
        cy, sy, cp, sp = np.cos(self.yaw), np.sin(self.yaw), np.cos(self.pitch), np.sin(self.pitch)
        forward = np.array([sy * cp, cy * cp, -sp])
        right = np.array([cy, -sy, 0.0])
        return np.stack([right, np.cross(forward, right), forward]).astype(np.float32)

    def project(self, points: Floats) -> Floats:
        """World points (n, 3) to pixel x, pixel y and depth in metres, (n, 3)."""
        seen = (points - np.asarray(self.eye, np.float32)) @ self.axes().T
        depth = np.maximum(seen[:, 2], 1e-3)
        x = seen[:, 0] / depth * self.focal + self.width / 2
        y = seen[:, 1] / depth * self.focal + self.height / 2
        return np.stack([x, y, depth], axis=1).astype(np.float32)

    def rays(self) -> Floats:
        """Directions with forward part 1, so that distance along a ray is depth, (height, width, 3)."""
        xs = (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.focal
        ys = (np.arange(self.height, dtype=np.float32) + 0.5 - self.height / 2) / self.focal
        gx, gy = np.meshgrid(xs, ys)
        return np.asarray(np.stack([gx, gy, np.ones_like(gx)], axis=-1) @ self.axes(), np.float32)
