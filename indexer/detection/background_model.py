"""The view of a fixed camera without people, learnt from one frame every second or two.

At so low a rate people stand still longer than they move, so neither a running mean nor a median finds the background:
somebody who reads a notice for half a minute is more frequent than the wall behind. A background is known by its
returns. Every pixel keeps a few values, and the one that returned most often is the background (compare the codebook of
Kim et al., Real-Time Imaging 2005).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from search.types import Image

VALUES = 4  # kept for each pixel; number 0 is the background
SAME = 26  # two values are the same one within this largest difference of a channel (0..255)
KEEP = 0.998  # of a value's weight, by frame: half is lost after about 350
STAY = 0.03  # a frame in which a value stays counts as much as this share of a return
AWAY = 3  # a value returns when it was away for more than so many frames; less is flicker
PROVEN = 2.5  # a background that returned as often as this is not a person who stood there
REBASE = 20  # change of exposure (0..255, of a middle grey) from which the background adopts it

Mask = NDArray[np.uint8]
Pixels = NDArray[np.intp]
"""Flat numbers of pixels."""
Tone = NDArray[np.float64]
"""(3,), of the channels."""


class BackgroundModel:
    """The values that each pixel of a fixed camera takes, and which of them is the background.

    Args:
        first: the first frame, uint8 (h, w, 3), small and slightly blurred; all others have its shape.
    """

    def __init__(self, first: Image) -> None:
        self.shape = first.shape
        count = first.shape[0] * first.shape[1]
        self._values = np.zeros((VALUES, count, 3), np.uint8)
        self._values[0] = first.reshape(-1, 3)
        self._weight = np.zeros((VALUES, count), np.float32)
        self._weight[0] = 1
        self._seen = np.full((VALUES, count), -AWAY, np.int32)
        self._last = np.zeros(count, np.intp)  # the number of each pixel's value in the last frame
        self._left = np.zeros(count, np.intp)  # the number that replaced the background in it, or 0
        self._time = 0
        self._unit = 1.0  # the weight of a return now; grows instead of all weights being shrunk

    @property
    def image(self) -> Image:
        """Return the background as far as it is known, uint8 (h, w, 3)."""
        background: Image = self._values[0].reshape(self.shape)
        return background

    def exposed(self, image: Image, *, learn: bool) -> Image:
        """Return `image` with the background's exposure and tint; with `learn` the background follows a drift."""
        gain, offset = tone_between(self.image, image)
        shift = np.abs(128 * (gain - 1) + offset).max()
        if learn and shift > REBASE:
            for n in range(VALUES):
                self._values[n] = toned(self._values[n].reshape(self.shape), gain, offset).reshape(-1, 3)
            return image
        return toned(image, 1 / gain, -offset / gain) if shift >= 1 else image

    def remember(self, image: Image, far: Mask) -> None:
        """Learn from one more frame. `far` (h, w) marks where it is not within `SAME` of the background."""
        self._time += 1
        self._unit /= KEEP
        now = image.reshape(-1, 3)
        self._stay(now, far.reshape(-1) == 0)
        self._last[:] = self._left[:] = 0
        self._visit(now, np.flatnonzero(far))
        if self._unit > 1e6:
            self._weight /= np.float32(self._unit)
            self._unit = 1.0

    def is_proven(self, pixels: Pixels) -> bool:
        """Return whether the background there returned so often that it cannot be a person who stood there."""
        return float(self._weight[0, pixels].mean()) > PROVEN * self._unit

    def replace(self, pixels: Pixels) -> None:
        """Make the values of the last frame the background there, and the old background a newcomer again."""
        other = pixels[self._last[pixels] > 0]
        numbers = self._last[other]
        self._weight[numbers, other] = self._weight[0, other] + np.float32(self._unit)
        self._promote(numbers, other)
        left = pixels[self._left[pixels] > 0]
        self._weight[self._left[left], left] = np.float32(self._unit)

    def _stay(self, now: NDArray[np.uint8], near: NDArray[np.bool_]) -> None:
        """Learn from pixels that show the background: it weighs more, and follows slowly."""
        back = near & (self._time - self._seen[0] > AWAY)
        self._weight[0] += np.float32(STAY * self._unit) * near + np.float32((1 - STAY) * self._unit) * back
        self._seen[0][near] = self._time
        old = self._values[0]
        up, down = (now > old) & near[:, None], (now < old) & near[:, None]
        self._values[0] = old + up - down.view(np.uint8)

    def _visit(self, now: NDArray[np.uint8], pixels: Pixels) -> None:
        """Learn from pixels that show something else: a known value, or a new one in place of the weakest."""
        now, others = now[pixels], self._values[1:, pixels]
        distance = np.abs(others.astype(np.int16) - now).max(axis=2)
        distance[self._weight[1:, pixels] <= 0] = 999
        nearest = distance.argmin(axis=0)
        known = distance[nearest, np.arange(len(pixels))] <= SAME
        number = 1 + np.where(known, nearest, self._weight[1:, pixels].argmin(axis=0))
        came_back = ~known | (self._time - self._seen[number, pixels] > AWAY)
        weight = np.where(known, self._weight[number, pixels], 0) + self._unit * np.where(came_back, 1.0, STAY)
        self._weight[number, pixels] = weight
        self._seen[number, pixels] = self._time
        old = self._values[number, pixels]
        self._values[number, pixels] = np.where(known[:, None], old + (now > old) - (now < old).view(np.uint8), now)
        self._last[pixels] = number
        heavier = weight > self._weight[0, pixels]
        self._promote(number[heavier], pixels[heavier])

    def _promote(self, numbers: Pixels, pixels: Pixels) -> None:
        """Swap the values with these numbers with the background's."""
        for table in (self._values, self._weight, self._seen):
            kept = table[0, pixels].copy()
            table[0, pixels] = table[numbers, pixels]
            table[numbers, pixels] = kept
        self._last[pixels] = 0
        self._left[pixels] = numbers


def tone_between(before: Image, after: Image) -> tuple[Tone, Tone]:
    """Return gain and offset (3,) of each channel that turn most of `before` into `after`, as an exposure change does.

    A line through the medians of the darker and of the brighter half, or an offset alone if that fits better: a person
    who covers less than a quarter of the frame changes neither.
    """
    x, y = (image[::5, ::5].reshape(-1, 3).astype(np.float32) for image in (before, after))
    bright = x.sum(axis=1) > np.median(x.sum(axis=1))
    if not bright.any():
        return np.ones(3), np.median(y - x, axis=0).astype(np.float64)
    (x0, y0), (x1, y1) = ((np.median(x[half], axis=0), np.median(y[half], axis=0)) for half in (~bright, bright))
    gain = np.where(x1 - x0 > 16, np.clip((y1 - y0) / np.maximum(x1 - x0, 1), 0.4, 2.5), 1.0)
    offset = (y0 + y1 - gain * (x0 + x1)) / 2
    shift = np.median(y - x, axis=0)
    if _misfit(y - x - shift) <= _misfit(y - gain * x - offset):
        return np.ones(3), shift.astype(np.float64)
    return gain.astype(np.float64), offset.astype(np.float64)


def _misfit(left: NDArray[np.float32]) -> float:
    return float(np.minimum(np.abs(left), SAME).mean())


def toned(image: Image, gain: Tone, offset: Tone) -> Image:
    """Return `image` (h, w, 3) times gain plus offset, by channel."""
    table = np.arange(256)[:, None] * gain + offset
    return np.asarray(cv2.LUT(image, np.clip(np.rint(table), 0, 255).astype(np.uint8)[None]), np.uint8)


def difference_between(a: Image, b: Image) -> Mask:
    """Return (h, w), the largest difference of a channel (0..255)."""
    red, green, blue = cv2.split(cv2.absdiff(a, b))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
