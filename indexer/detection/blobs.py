"""Blobs: the regions where a frame differs from its background, merged and split into persons."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.detection.background_model import SAME, Mask
from search.types import Image

WEAK = 20  # difference (0..255) of a pixel that belongs to a person if it touches enough pixels that differ by SAME
STRONG_SHARE = 0.4  # of a region's pixels must differ by SAME
SHADOW = (0.6, 0.97)  # a shadow darkens all channels alike by such a factor
SHADOW_TINT = 0.06
SMALLEST = 1 / 15  # of the frame's height
LARGEST_WIDTH = 0.7  # of the frame's width
LARGEST_AREA = 0.55  # of the frame's
PART = 0.4  # of the height of the blob beside it: a smaller one is a hand, a cane or a bag

Rectangle = tuple[int, int, int, int]
"""(x, y, w, h)."""
Blob = tuple[Rectangle, Mask]
"""A rectangle and the mask inside it."""


def changed(now: Image, background: Image, difference: Mask) -> Mask:
    """Return (h, w), 1 where a frame differs from the background (both uint8 (h, w, 3)) and is no shadow on it.

    Args:
        now: the frame.
        background: background with the same exposure.
        difference: difference of the two, (h, w), the largest of the channels.
    """
    mask = (difference > WEAK).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    ratio = (now[rows, columns] + np.float32(8)) / (background[rows, columns] + np.float32(8))
    low, high = SHADOW
    mean = ratio.mean(axis=1)
    mask[rows, columns] = ~((np.ptp(ratio, axis=1) < SHADOW_TINT) & (mean > low) & (mean < high))
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    mask = _keep_supported(mask, difference)
    tall = max(3, mask.shape[0] // 16) | 1
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((tall, 3), np.uint8)), np.uint8)


def _keep_supported(mask: Mask, difference: Mask) -> Mask:
    """Return the regions of the mask of which enough differs by more than `SAME`."""
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    size = np.bincount(labels.reshape(-1), minlength=count)
    strong = np.bincount(labels[(difference > SAME) & (mask > 0)], minlength=count)
    keep = (strong >= STRONG_SHARE * size).astype(np.uint8)
    keep[0] = 0
    return np.asarray(keep[labels], np.uint8)


def blobs_of(mask: Mask) -> list[Blob]:
    """Return the regions that are large enough for half a person, and not too large."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    height, width = mask.shape
    blobs = []
    for label in range(1, count):
        x, y, w, h, _area = (int(v) for v in stats[label])
        fits = 2 * h >= SMALLEST * height and w <= LARGEST_WIDTH * width and w * h <= LARGEST_AREA * height * width
        if fits:
            blobs.append(((x, y, w, h), (labels[y : y + h, x : x + w] == label).astype(np.uint8)))
    return blobs


def merged(blobs: list[Blob]) -> list[Blob]:
    """Merge the blobs of one person, such as head and legs either side of a coat that looks like the wall.

    Small blobs beside somebody (a hand, a cane, a part of a shadow) are left out.
    """
    persons: list[Blob] = []
    for blob in sorted(blobs, key=lambda b: -b[0][2] * b[0][3]):
        at = next((n for n, other in enumerate(persons) if _is_above_or_below(other[0], blob[0])), None)
        if at is not None:
            persons[at] = _union(persons[at], blob)
        elif not any(_is_beside(other[0], blob[0]) for other in persons):
            persons.append(blob)
    return persons


def _is_above_or_below(large: Rectangle, small: Rectangle) -> bool:
    """Return whether one is above the other, and no further apart than a part of a body."""
    across, down = _gaps(large, small)
    return -across >= 0.5 * min(large[2], small[2]) and down <= 0.35 * max(large[3], small[3])


def _is_beside(large: Rectangle, small: Rectangle) -> bool:
    """Return whether `small` is so small and near beside `large` that it is a part of that person."""
    across, down = _gaps(large, small)
    return small[3] <= PART * large[3] and across <= 0.08 * large[3] and -down >= 0.5 * small[3]


def _gaps(a: Rectangle, b: Rectangle) -> tuple[int, int]:
    """Return the pixels between two rectangles, across and down; negative where they overlap."""
    across = max(a[0], b[0]) - min(a[0] + a[2], b[0] + b[2])
    return across, max(a[1], b[1]) - min(a[1] + a[3], b[1] + b[3])


def _union(a: Blob, b: Blob) -> Blob:
    x, y = min(a[0][0], b[0][0]), min(a[0][1], b[0][1])
    right, bottom = (max(r[0][k] + r[0][k + 2] for r in (a, b)) for k in (0, 1))
    mask = np.zeros((bottom - y, right - x), np.uint8)
    for (left, top, w, h), part in (a, b):
        mask[top - y : top - y + h, left - x : left - x + w] |= part
    return (x, y, right - x, bottom - y), mask


def part_of(rectangle: Rectangle) -> tuple[slice, slice]:
    """Return the rows and columns of a rectangle."""
    x, y, w, h = rectangle
    return slice(y, y + h), slice(x, x + w)


def contour(image: Image, mask: Mask) -> float:
    """Return the mean strength (0..255) of the edges of `image` (h, w, 3) along the outline of `mask` (h, w)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    across, down = (cv2.Sobel(grey, cv2.CV_16S, *way)[outline].astype(np.float32) for way in ((1, 0), (0, 1)))
    # whole numbers up to here: OpenCV's float routines give other last digits from one memory address to another
    return float(np.sqrt(across * across + down * down).mean(dtype=np.float64)) / 4 if outline.any() else 0.0


def columns_of(mask: Mask) -> list[tuple[int, int]]:
    """Cut a blob (h, w) between two heads; return (left, right) of each person, side by side."""
    height, width = mask.shape
    if width < 0.5 * height:
        return [(0, width)]
    rise = np.where(mask.any(axis=0), height - mask.argmax(axis=0), 0).astype(np.float32)
    smooth = cv2.blur(rise[None], (max(3, height // 12) | 1, 1), borderType=cv2.BORDER_REPLICATE)[0]
    heads = _peaks(smooth, apart=max(3, round(0.22 * height)), least=0.6 * height)
    cuts = [0]
    for a, b in pairwise(heads):
        valley = a + int(smooth[a : b + 1].argmin())
        if smooth[valley] < 0.85 * min(smooth[a], smooth[b]):
            cuts.append(valley)
    return list(pairwise([*cuts, width]))


def _peaks(profile: NDArray[np.float32], *, apart: int, least: float) -> list[int]:
    """Return the places of the highest values, at least `apart` from one another, from left to right."""
    peaks: list[int] = []
    for x in np.argsort(-profile, kind="stable"):
        if profile[x] < least:
            break
        if all(abs(int(x) - other) >= apart for other in peaks):
            peaks.append(int(x))
    return sorted(peaks)
