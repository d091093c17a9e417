"""People on a fixed camera by what differs from its background, at one picture every second or two.

At so low a rate people stand still longer than they move, so neither a running mean nor a median finds the background:
somebody who reads a notice for half a minute is more frequent than the wall behind. What tells a background is that it
comes back: every pixel remembers a few values, and the one that was returned to most often is the background (compare
the codebook of Kim et al., Real-Time Imaging 2005).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from search.types import Box, Detection, Frame, Image

WORK_WIDTH = 256  # pixels; a person must be about 10 of them tall to be found
AHEAD = 32  # pictures that are looked at before the first one is answered
AHEAD_BYTES = 256_000_000  # of full pictures held meanwhile
VALUES = 4  # remembered for each pixel
SAME = 26  # two values are the same one within this largest difference of a channel (0..255)
KEEP = 0.998  # memory of a value, by picture: half is forgotten after about 350
STAY = 0.03  # a picture's stay counts as much as this share of a return
AWAY = 3  # a value comes back when it was away for more than so many pictures; less is flicker
GHOST = 1.3  # the background's edges along an outline are this much stronger: somebody in it has left
OUTLINE = 6.0  # edges (0..255) along a person's outline; a reflection or a change of light has softer ones
PROVEN = 2.5  # a background that came back as often as this is nobody who stood there
TURNED = 0.55  # share of changed pixels from which the light was switched, or the camera moved
SHADOW = (0.6, 0.97)  # a shadow darkens all channels alike by such a factor
SHADOW_TINT = 0.06
MARGIN = 0.06  # of a box, added on each side
SMALLEST = 1 / 14  # of the picture's height
SMALLEST_PIECES = 2  # a person may fall into so many pieces
LARGEST_WIDTH = 0.7  # of the picture's width

Mask = NDArray[np.uint8]
Rectangle = tuple[int, int, int, int]
"""(x, y, w, h)."""
Blob = tuple[Rectangle, Mask]
"""A rectangle and the mask inside it."""


class MotionDetector:
    """Finds people by motion against a learnt background. Needs a fixed camera and no weights.

    The first `AHEAD` pictures (fewer if they are large) are held until the background is known, so that who is there
    from the start is found too. A picture of another size starts anew. Deterministic.
    """

    def open(self) -> None:
        """Nothing is heavy here."""

    def close(self) -> None:
        """Nothing is held."""

    def detect(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, list[Detection]]]:
        """The same frames in the same order, each with the people in it."""
        ahead: list[tuple[Frame, Image]] = []
        scene: _Scene | None = None
        for frame in frames:
            small = _shrunk(frame.image)
            if scene is not None and scene.shape != small.shape:
                scene = None
            if ahead and ahead[0][1].shape != small.shape:
                yield from _Scene(ahead).answers(ahead)
                ahead = []
            if scene is not None:
                yield frame, scene.people(small, frame.image, learn=True)
                continue
            ahead.append((frame, small))
            if len(ahead) >= min(AHEAD, AHEAD_BYTES // frame.image.nbytes):
                scene = _Scene(ahead)
                yield from scene.answers(ahead)
                ahead = []
        if ahead:
            yield from _Scene(ahead).answers(ahead)


def _shrunk(image: Image) -> Image:
    height, width = image.shape[:2]
    size = (WORK_WIDTH, max(16, round(height * WORK_WIDTH / width)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.uint8)


class _Scene:
    """The values that each pixel of a fixed camera takes."""

    def __init__(self, ahead: list[tuple[Frame, Image]]) -> None:
        self.shape: tuple[int, ...] = ahead[0][1].shape
        height, width = self.shape[:2]
        self._rows: NDArray[np.intp] = np.arange(height)[:, None]
        self._columns: NDArray[np.intp] = np.arange(width)[None, :]
        self._start(ahead[0][1])
        for frame, small in ahead:
            self.people(small, frame.image, learn=True)

    def answers(self, ahead: list[tuple[Frame, Image]]) -> Iterator[tuple[Frame, list[Detection]]]:
        """What is seen in pictures that were learnt from already."""
        for frame, small in ahead:
            yield frame, self.people(small, frame.image, learn=False)

    def _start(self, first: Image) -> None:
        height, width = self.shape[:2]
        self._values = np.zeros((VALUES, height, width, 3), np.uint8)
        self._values[0] = first
        self._weight = np.zeros((VALUES, height, width), np.float32)
        self._weight[0] = 1
        self._seen = np.full((VALUES, height, width), -AWAY, np.int32)
        self._time = 0

    def people(self, small: Image, image: Image, *, learn: bool) -> list[Detection]:
        """Boxes in pixels of `image`, of which `small` is the copy to work on."""
        background = self._background()
        now = _exposed(small, background)
        mask = _changed(now, background)
        if mask.mean() > TURNED:
            if learn:
                self._start(small)
            return []
        blobs = _blobs(mask)
        if learn:
            last = self._remember(now)
            blobs = [blob for blob in blobs if not self._forget_ghost(blob, now, background, last)]
        solid = [blob for blob in _merged(blobs) if _contour(now[_part(blob[0])], blob[1]) > OUTLINE]
        return [Detection(box) for blob in solid for box in self._boxes(blob, image)]

    def _background(self) -> Image:
        """(h, w, 3): the value of each pixel that was returned to most often."""
        return np.asarray(self._values[self._weight.argmax(axis=0), self._rows, self._columns])

    def _remember(self, now: Image) -> NDArray[np.intp]:
        """Take one more picture in. Returns the number of each pixel's value in it."""
        distance = _largest(cv2.absdiff(self._values, np.broadcast_to(now, self._values.shape)))
        distance[self._weight <= 0] = 255
        nearest = distance.argmin(axis=0)
        known = distance[nearest, self._rows, self._columns] <= SAME
        which = np.where(known, nearest, self._weight.argmin(axis=0))
        at = (which, self._rows, self._columns)
        self._time += 1
        came_back = ~known | (self._time - self._seen[at] > AWAY)
        self._weight *= KEEP
        self._weight[at] = np.where(known, self._weight[at], 0) + np.where(came_back, np.float32(1), np.float32(STAY))
        self._seen[at] = self._time
        old = self._values[at]
        step = (now > old).astype(np.uint8) - (now < old)  # wraps around, and the sum wraps back
        self._values[at] = np.where(known[..., None], old + step, now)
        return cast(NDArray[np.intp], which)

    def _forget_ghost(self, blob: Blob, now: Image, background: Image, last: NDArray[np.intp]) -> bool:
        """Whether somebody who was taken for background has left; then what is there now is the background."""
        part, mask = _part(blob[0]), blob[1]
        rows, columns = np.nonzero(mask)
        weight = self._weight[(slice(None), *part)]
        if weight.max(axis=0)[rows, columns].mean() > PROVEN:
            return False
        if _contour(background[part], mask) < GHOST * _contour(now[part], mask):
            return False
        weight[last[part][rows, columns], rows, columns] = weight.max(axis=0)[rows, columns] + 1
        return True

    def _boxes(self, blob: Blob, image: Image) -> Iterator[Box]:
        (x, y, _, h), mask = blob
        height, width = image.shape[:2]
        for left, right in _columns_of(mask):
            if _is_person_like(right - left, h, int(mask[:, left:right].sum()), self.shape):
                yield _full_box(x + left, y, right - left, h, width / self.shape[1], (width, height))


def _exposed(small: Image, background: Image) -> Image:
    """The picture with the background's exposure: shifted by what most pixels are off."""
    off = np.median(small[::3, ::3].astype(np.int16) - background[::3, ::3], axis=(0, 1))
    return np.clip(small - off, 0, 255).astype(np.uint8) if np.abs(off).max() >= 1 else small


def _largest(difference: NDArray[Any]) -> NDArray[Any]:
    """The largest of the three channels in the last axis."""
    return cast(NDArray[Any], np.maximum(np.maximum(difference[..., 0], difference[..., 1]), difference[..., 2]))


def _changed(now: Image, background: Image) -> Mask:
    """What differs from the background and is no shadow on it."""
    mask = (_largest(cv2.absdiff(now, background)) > SAME).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    ratio = (now[rows, columns] + np.float32(8)) / (background[rows, columns] + np.float32(8))
    low, high = SHADOW
    mean = ratio.mean(axis=1)
    mask[rows, columns] = ~((np.ptp(ratio, axis=1) < SHADOW_TINT) & (mean > low) & (mean < high))
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    tall = max(3, mask.shape[0] // 16) | 1
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((tall, 3), np.uint8)), np.uint8)


def _blobs(mask: Mask) -> list[Blob]:
    """(x, y, w, h) and the mask inside, of the pieces that are tall enough."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = []
    for label in range(1, count):
        x, y, w, h, _area = (int(v) for v in stats[label])
        if h * SMALLEST_PIECES >= SMALLEST * mask.shape[0] and w <= LARGEST_WIDTH * mask.shape[1]:
            found.append(((x, y, w, h), (labels[y : y + h, x : x + w] == label).astype(np.uint8)))
    return found


def _merged(blobs: list[Blob]) -> list[Blob]:
    """Pieces of one person, such as head and legs either side of a coat that looks like the wall, become one."""
    found: list[Blob] = []
    for blob in sorted(blobs, key=lambda b: -b[0][2] * b[0][3]):
        at = next((n for n, other in enumerate(found) if _belong_together(other[0], blob[0])), None)
        if at is None:
            found.append(blob)
        else:
            found[at] = _union(found[at], blob)
    return found


def _belong_together(a: Rectangle, b: Rectangle) -> bool:
    """Above one another, and no further apart than a part of a body."""
    overlap = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    gap = max(a[1], b[1]) - min(a[1] + a[3], b[1] + b[3])
    return overlap >= 0.5 * min(a[2], b[2]) and gap <= 0.35 * max(a[3], b[3])


def _union(a: Blob, b: Blob) -> Blob:
    x, y = min(a[0][0], b[0][0]), min(a[0][1], b[0][1])
    right, bottom = (max(r[0][k] + r[0][k + 2] for r in (a, b)) for k in (0, 1))
    mask = np.zeros((bottom - y, right - x), np.uint8)
    for (left, top, w, h), part in (a, b):
        mask[top - y : top - y + h, left - x : left - x + w] |= part
    return (x, y, right - x, bottom - y), mask


def _part(rectangle: Rectangle) -> tuple[slice, slice]:
    x, y, w, h = rectangle
    return slice(y, y + h), slice(x, x + w)


def _contour(picture: Image, mask: Mask) -> float:
    """Mean strength of the edges along the mask's outline (0..255)."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 4
    outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return float(edges[outline].mean()) if outline.any() else 0.0


def _columns_of(mask: Mask) -> list[tuple[int, int]]:
    """Cut a blob that is wide for its height at the valleys of its column heights: people side by side."""
    height, width = mask.shape
    if width < 0.75 * height:
        return [(0, width)]
    profile = np.convolve(mask.sum(axis=0), np.ones(3) / 3, mode="same")
    least = max(2, height // 6)
    cuts = [0]
    for x in range(least, width - least):
        left, right = profile[cuts[-1] : x].max(initial=0), profile[x + 1 :].max(initial=0)
        is_valley = profile[x] == profile[max(0, x - least) : x + least + 1].min()
        if is_valley and x - cuts[-1] >= least and profile[x] < 0.55 * min(left, right):
            cuts.append(x)
    return list(pairwise([*cuts, width]))


def _is_person_like(w: int, h: int, filled: int, shape: tuple[int, ...]) -> bool:
    is_near = h >= 0.35 * shape[0]  # near ones are cut off by the picture and look wide
    return h >= SMALLEST * shape[0] and 0.3 * w * h <= filled and (0.6 if is_near else 1.0) <= h / w <= 6.5


def _full_box(x: int, y: int, w: int, h: int, scale: float, size: tuple[int, int]) -> Box:
    dx, dy = MARGIN * w, MARGIN * h
    return Box(
        max(0, round((x - dx) * scale)),
        max(0, round((y - dy) * scale)),
        min(size[0], round((x + w + dx) * scale)),
        min(size[1], round((y + h + dy) * scale)),
    )
