"""The few crops that represent a track: whole, large, sharp, and different from one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from search.media import shrink
from search.types import Box, Detection, Frame, Image

CROP_PX = 384  # longer side of a kept crop; no model takes more
POOR = 0.5  # factor of the quality of a crop that the frame cuts off, or somebody covers
BETTER = 1.1  # a new crop must be worth so much more than the one it replaces; saves most of the thumbnails
LIGHTS, TINTS = 6, 9  # bins of L, and of a and b

Colours = NDArray[np.float32]


def _tint_bins() -> NDArray[np.intp]:
    """Return (256,), the bin of each value of a or b: fine near grey, where most clothes are, coarse far from it."""
    off = np.arange(256) - 128.0
    compressed = np.sign(off) * np.log1p(np.abs(off) / 8) / np.log1p(128 / 8)
    return np.asarray(((compressed + 1) / 2 * TINTS).clip(0, TINTS - 1), np.intp)


_TINT = _tint_bins()


@dataclass(frozen=True, slots=True)
class Crop:
    """A person cut out of a frame: `image` uint8 (h, w, 3), at most `CROP_PX` on its longer side.

    `box` is in pixels of the frame, `offset_ms` counts from the file's first frame, `thumbnail` is the whole frame
    as `track_people`'s `thumbnail` made it.
    """

    image: Image
    box: Box
    offset_ms: int
    frame_width: int
    frame_height: int
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class TrackedDetection:
    """A detection with the features that tracks are compared by. It has no image, so that it may be kept."""

    offset_ms: int
    box: Box
    score: float
    colours: Colours
    is_whole: bool
    frame_width: int

    @property
    def x(self) -> float:
        """Return the middle, in pixels."""
        return (self.box.x1 + self.box.x2) / 2

    @property
    def points(self) -> NDArray[np.float64]:
        """Return (2, 2), the middle of the head and of the feet, (x, y) in pixels."""
        return np.array([[self.x, self.box.y1], [self.x, self.box.y2]], np.float64)


class FrameThumbnail:
    """A frame in work with its thumbnail, which is made at most once, and only on use."""

    def __init__(self, frame: Frame, thumbnail: Callable[[Image], bytes]) -> None:
        self.frame = frame
        self._make = thumbnail
        self._made: bytes | None = None

    def thumbnail(self) -> bytes:
        """Return the thumbnail (JPEG) that the caller's function made."""
        if self._made is None:
            self._made = self._make(self.frame.image)
        return self._made


@dataclass(frozen=True, slots=True)
class _Kept:
    crop: Crop
    quality: float
    colours: Colours


class CropAlbum:
    """The crops of one track, chosen as they come; never more than `most`, and no whole frames."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[_Kept] = []

    @property
    def crops(self) -> tuple[Crop, ...]:
        """Return the crops in order of time."""
        return tuple(kept.crop for kept in self._kept)

    def offer(self, detection: TrackedDetection, source: FrameThumbnail) -> None:
        """Keep a crop of `detection` if it is worth more than one that is kept."""
        image = source.frame.image
        cut = shrink(detection.box.crop(image), CROP_PX)
        quality = _quality(detection, cut)
        at = None
        if len(self._kept) >= self._most:
            at = self._weakest(detection, quality)
            if at is None:
                return
        height, width = image.shape[:2]
        crop = Crop(cut.copy(), detection.box, detection.offset_ms, width, height, source.thumbnail())
        if at is not None:
            del self._kept[at]
        self._kept.append(_Kept(crop, quality, detection.colours))

    def _weakest(self, detection: TrackedDetection, quality: float) -> int | None:
        """Return the number of the crop that is worth least beside a new one; None if that is the new one."""
        times = [kept.crop.offset_ms for kept in self._kept] + [detection.offset_ms]
        colours = [kept.colours for kept in self._kept] + [detection.colours]
        qualities = [kept.quality for kept in self._kept] + [quality]
        worth = [q * (0.3 + n) for q, n in zip(qualities, _novelty(times, colours), strict=True)]
        least = min(range(self._most), key=lambda n: worth[n])
        return least if worth[-1] > BETTER * worth[least] else None


def describe(frame: Frame, detections: Sequence[Detection]) -> list[TrackedDetection]:
    """Return each detection of a frame with the features that tracks are compared by."""
    height, width = frame.image.shape[:2]
    described = []
    for n, detection in enumerate(detections):
        b = detection.box
        is_cut = b.x1 <= 1 or b.y1 <= 1 or b.x2 >= width - 1 or b.y2 >= height - 1
        is_covered = any(m != n and other.box.iou(b) > 0.1 for m, other in enumerate(detections))
        whole, tints = not (is_cut or is_covered), colours(b.crop(frame.image))
        described.append(TrackedDetection(frame.offset_ms, b, detection.score, tints, whole, width))
    return described


def colours(image: Image) -> Colours:
    """Return (972,) float32, sum 1: Lab histograms of the upper and of the lower half, middle columns only."""
    rows, columns = (max(1, side // least) for side, least in zip(image.shape[:2], (64, 32), strict=True))
    small = cv2.resize(image[::rows, ::columns], (16, 32), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[3:30, 4:12]
    bins = (lab[..., 0].astype(np.intp) * LIGHTS // 256 * TINTS + _TINT[lab[..., 1]]) * TINTS + _TINT[lab[..., 2]]
    bins[13:] += LIGHTS * TINTS**2
    histogram = np.bincount(bins.ravel(), minlength=2 * LIGHTS * TINTS**2)
    return np.asarray(histogram / bins.size, np.float32)


def alike(a: Colours, b: Colours) -> float:
    """Return the share of two people's colours, 0 to 1, that they have in common."""
    return float(np.minimum(a, b).sum())


def _quality(detection: TrackedDetection, cut: Image) -> float:
    """Return the pixels across, reduced for a person who is not whole, not certain, or blurred."""
    grey = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY)
    edges = float(cv2.mean(cv2.convertScaleAbs(cv2.Laplacian(grey, cv2.CV_16S)))[0])
    size = float(np.sqrt(detection.box.area)) * (1.0 if detection.is_whole else POOR)
    return size * (0.5 + detection.score) * edges / (edges + 4)


def _novelty(times: list[int], colours: list[Colours]) -> list[float]:
    """Return how far each is from the nearest other one, in time (1: evenly spread) and colours."""
    span = max(max(times) - min(times), 1) / len(times)
    return [
        min(
            min(1.0, abs(times[n] - times[m]) / span) + 0.5 * (1 - alike(colours[n], colours[m]))
            for m in range(len(times))
            if m != n
        )
        for n in range(len(times))
    ]
