"""Finds people in the frames of one recording: by motion (fixed cameras, no weights) or with a COCO detector."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput, Unavailable
from search.types import Box, Detection, Frame, Image

WORK_WIDTH = 320
LOOK_AHEAD = 24
MARGIN = 0.06


class Detector(Protocol):
    def open(self) -> None: ...
    def close(self) -> None: ...
    def detect(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, list[Detection]]]: ...


class MotionDetector:
    def open(self) -> None:
        """Nothing is heavy here."""

    def close(self) -> None:
        """Nothing is held."""

    def detect(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, list[Detection]]]:
        ahead: deque[tuple[Frame, Image]] = deque()
        model: _Background | None = None
        for frame in frames:
            small = _small(frame.image)
            if model is not None and model.shape != small.shape:
                model = None
            if model is not None:
                yield frame, model.look(frame, small)
                continue
            if ahead and ahead[0][1].shape != small.shape:
                yield from _drain(ahead)
                ahead.clear()
            ahead.append((frame, small))
            if len(ahead) >= LOOK_AHEAD:
                model = _Background([s for _, s in ahead])
                yield from ((f, model.look(f, s)) for f, s in ahead)
                ahead.clear()
        yield from _drain(ahead)


def _drain(ahead: deque[tuple[Frame, Image]]) -> Iterator[tuple[Frame, list[Detection]]]:
    if ahead:
        model = _Background([s for _, s in ahead])
        for frame, small in list(ahead):
            yield frame, model.look(frame, small)


def _small(image: Image) -> Image:
    import cv2

    height, width = image.shape[:2]
    scale = WORK_WIDTH / width
    return cv2.resize(image, (WORK_WIDTH, max(8, round(height * scale))), interpolation=cv2.INTER_AREA)


class _Background:
    def __init__(self, first: list[Image]) -> None:
        self.shape = first[0].shape
        self._bg = np.median(np.stack(first), axis=0).astype(np.float32)

    def look(self, frame: Frame, small: Image) -> list[Detection]:
        import cv2

        now = cv2.GaussianBlur(small, (3, 3), 0).astype(np.float32)
        gain = np.median(now, axis=(0, 1)) - np.median(self._bg, axis=(0, 1))
        diff = np.abs(now - gain - self._bg)
        strength = diff.max(axis=2)
        mask = (strength > 28).astype(np.uint8)
        share = float(mask.mean())
        if share > 0.5:
            self._bg = now
            return []
        step = np.clip(now - self._bg, -1.0, 1.0)
        step[mask > 0] *= 0.1
        self._bg += step
        h = max(3, small.shape[0] // 12) | 1
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((h, 5), np.uint8))
        return [Detection(box) for box in self._boxes(mask, frame)]

    def _boxes(self, mask: NDArray[np.uint8], frame: Frame) -> Iterator[Box]:
        import cv2

        n, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        height, width = frame.image.shape[:2]
        scale = width / mask.shape[1]
        for x, y, w, h, area in stats[1:n]:
            if h < mask.shape[0] / 14 or area < 0.35 * w * h or not 0.9 <= h / w <= 6 or w > mask.shape[1] * 0.6:
                continue
            mx, my = MARGIN * w, MARGIN * h
            yield Box(
                max(0, int((x - mx) * scale)),
                max(0, int((y - my) * scale)),
                min(width, int((x + w + mx) * scale)),
                min(height, int((y + h + my) * scale)),
            )


def make_detector(name: str, *, weights: str = "", device: str = "auto") -> Detector:
    if name == "motion":
        return MotionDetector()
    raise BadInput("unknown detector", got=name, expected="motion")
