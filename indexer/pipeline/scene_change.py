"""Decides whether a frame shows something new, so that an unchanged scene is embedded once, not every second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.types import Image

Thumbnail = NDArray[np.float32]
"""`float32 (36, 64)`, grey levels 0 to 255."""

_SIZE = (64, 36)
_LEVELS = 14.0  # grey levels; a cell's mean over hundreds of pixels is far less noisy
_SHARE = 0.04  # of the cells: a person half as high as the frame
_LONGEST = 16  # times the interval: a street that stays empty all night costs a few rows an hour
_GAIN = (0.5, 2.0)  # a camera's exposure drifts within this; beyond it, the light itself has changed


class SceneChange:
    """Keeps the last new frame of one camera and compares the next ones with it.

    Args:
        frame_interval_s: seconds after which an unchanged scene counts as new all the same. Each time it does, the next
            wait is twice as long, up to `_LONGEST` intervals; a scene that changed resets the wait.
    """

    def __init__(self, frame_interval_s: float) -> None:
        self._interval_ms = self._wait_ms = round(frame_interval_s * 1000)
        self._kept: Thumbnail | None = None
        self._kept_ms = 0

    def is_new(self, image: Image, time_ms: int) -> bool:
        """Return whether a frame is new; the next ones are then compared with it. The first one is new.

        Args:
            image: uint8 (H, W, 3).
            time_ms: on a clock that all frames share; they need not come in order.
        """
        current = thumbnail(image)
        due = abs(time_ms - self._kept_ms) >= self._wait_ms
        changed = self._kept is None or changed_share(self._kept, current) > _SHARE
        if not (due or changed):
            return False
        self._wait_ms = self._interval_ms if changed else min(2 * self._wait_ms, _LONGEST * self._interval_ms)
        self._kept, self._kept_ms = current, time_ms
        return True


def thumbnail(image: Image) -> Thumbnail:
    """Return the mean grey levels of `image` (uint8 (H, W, 3)) on a coarse grid."""
    import cv2

    small = cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA)
    grey: Thumbnail = small.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


def changed_share(before: Thumbnail, after: Thumbnail) -> float:
    """Return the share of the cells, 0 to 1, that differ by more than a change of exposure explains."""
    gain, offset = _exposure(before, after)
    left = np.abs(after - np.clip(before * gain + offset, 0, 255))
    return float(np.mean(left > _LEVELS))


def _exposure(before: Thumbnail, after: Thumbnail) -> tuple[float, float]:
    """Return gain and offset that turn most of `before` into `after`, ignoring what moved and what is blown out."""
    exposed = (after > 2) & (after < 253) & (before > 2) & (before < 253)
    x, y = before[exposed], after[exposed]
    if x.size < before.size // 4:
        return 1.0, 0.0
    gain = _limit(_spread(y) / max(_spread(x), 1.0))
    offset = float(np.median(y) - gain * np.median(x))
    for _ in range(2):
        calm = np.abs(y - x * gain - offset) <= _LEVELS
        if calm.sum() < x.size // 4:
            break
        u, v = x[calm], y[calm]
        variance = float(np.var(u))
        gain = _limit(float(np.mean((u - u.mean()) * (v - v.mean()))) / variance) if variance > 1 else 1.0
        offset = float(np.median(v - u * gain))
    return gain, offset


def _spread(levels: NDArray[np.float32]) -> float:
    low, high = np.percentile(levels, (25, 75))
    return float(high - low)


def _limit(gain: float) -> float:
    return min(max(gain, _GAIN[0]), _GAIN[1])
