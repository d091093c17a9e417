"""Joins the boxes of one recording to tracks: one person through time, with a few crops that stand for them.

Between two looked-at pictures a walker moves further than their own width, so boxes need not overlap. What is compared
is where a track should be by now (its last step, repeated), how large it was, and the colours of its upper and lower
half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from search.media import shrink
from search.types import Box, Detection, Frame, Image

STEPS_PER_S = 0.9  # own heights that a walker may be off the expected place, a second; a runner makes about 2
LEAST_ALIKE = 0.45  # of 0..1, colours in common
LEAST_SIZE = 0.5  # smaller height by larger height
CROP_PX = 384  # longer side of a kept crop; no model looks closer
SMALLEST_GLIMPSE = 1 / 10  # of the picture's height: who was seen only once must at least be so tall

Colours = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Crop:
    """A person cut out: `image` uint8 (h, w, 3), at most `CROP_PX` on its longer side.

    `box` is in pixels of the frame, `offset_ms` counts from the file's first picture, `thumbnail` is the whole frame
    as `track_people`'s `thumbnail` made it.
    """

    image: Image
    box: Box
    offset_ms: int
    frame_width: int
    frame_height: int
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Track:
    """One person in one recording from `start_ms` to `end_ms` (offsets), with crops in order of time."""

    number: int
    start_ms: int
    end_ms: int
    crops: tuple[Crop, ...]


def track_people(
    stream: Iterable[tuple[Frame, list[Detection]]],
    *,
    crops_per_track: int,
    thumbnail: Callable[[Image], bytes],
    max_gap_s: float,
) -> Iterator[Track]:
    """Join detections to tracks; a track is given as soon as it has ended. Deterministic; holds no whole pictures.

    Args:
        stream: frames of one recording in order of time, with the people in each.
        crops_per_track: kept of each track, spread over its time, the large and whole ones first.
        thumbnail: makes the picture that is kept with a crop; called at most once a frame.
        max_gap_s: seconds without a detection after which a track ends; about two steps of sampling, since two people
            who come one after the other may wear the same.
    """
    live: list[_Live] = []
    count = 0
    for frame, detections in stream:
        ended = [track for track in live if frame.offset_ms - track.end_ms > 1000 * max_gap_s]
        live = [track for track in live if track not in ended]
        yield from _convincing(ended)
        seen = [_Seen(frame, d.box, detections, colours(d.box.crop(frame.image))) for d in detections]
        shown = _Once(frame.image, thumbnail)
        for one, track in _assign(seen, live):
            if track is None:
                count += 1
                track = _Live(count, one)
                live.append(track)
            else:
                track.follow(one)
            track.keep(one, shown, crops_per_track)
    yield from _convincing(live)


def colours(image: Image) -> Colours:
    """(128,) float32, sum 1: histogram of the Lab colours of the upper and of the lower half, middle columns only."""
    small = cv2.cvtColor(cv2.resize(image, (16, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)[:, 4:12]
    halves = [cv2.calcHist([half], [0, 1, 2], None, [4, 4, 4], [0, 256] * 3) for half in (small[3:16], small[16:30])]
    histogram = np.concatenate([half.ravel() for half in halves])
    return np.asarray(histogram / histogram.sum(), np.float32)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A detection with what is compared."""

    frame: Frame
    box: Box
    others: list[Detection]
    colours: Colours

    @property
    def foot(self) -> tuple[float, float]:
        return (self.box.x1 + self.box.x2) / 2, float(self.box.y2)

    @property
    def quality(self) -> float:
        """Pixels across, halved for what is cut off by the picture or covered by somebody."""
        height, width = self.frame.image.shape[:2]
        b = self.box
        cut = b.x1 <= 1 or b.y1 <= 1 or b.x2 >= width - 1 or b.y2 >= height - 1
        covered = any(other.box is not b and other.box.iou(b) > 0.1 for other in self.others)
        return float(np.sqrt(b.area)) * (0.5 if cut else 1.0) * (0.5 if covered else 1.0)


@dataclass(slots=True, eq=False)
class _Live:
    """A track that goes on."""

    number: int
    last: _Seen
    start_ms: int = 0
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels a second
    colours: Colours = field(default_factory=lambda: np.empty(0, np.float32))
    crops: list[tuple[float, Crop]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start_ms = self.last.frame.offset_ms
        self.colours = self.last.colours
        self._forget_picture(self.last)

    @property
    def end_ms(self) -> int:
        return self.last.frame.offset_ms

    def distance(self, seen: _Seen) -> float | None:
        """How badly `seen` continues this track; None if it cannot."""
        seconds = (seen.frame.offset_ms - self.end_ms) / 1000
        x, y = self.last.foot
        off = np.hypot(seen.foot[0] - x - self.velocity[0] * seconds, seen.foot[1] - y - self.velocity[1] * seconds)
        tall, short = max(seen.box.height, self.last.box.height), min(seen.box.height, self.last.box.height)
        alike = float(np.minimum(seen.colours, self.colours).sum())
        if off > STEPS_PER_S * max(seconds, 1.0) * tall or short < LEAST_SIZE * tall or alike < LEAST_ALIKE:
            return None
        return float(0.5 * off / tall + (1 - alike))

    def follow(self, seen: _Seen) -> None:
        """Go on to `seen`."""
        seconds = max((seen.frame.offset_ms - self.end_ms) / 1000, 0.1)
        (x, y), (x0, y0) = seen.foot, self.last.foot
        self.velocity = ((x - x0) / seconds, (y - y0) / seconds)
        self.colours = np.asarray(0.6 * self.colours + 0.4 * seen.colours, np.float32)
        self._forget_picture(seen)

    def _forget_picture(self, seen: _Seen) -> None:
        blank = np.empty((0, 0, 3), np.uint8)
        self.last = _Seen(Frame(blank, seen.frame.offset_ms), seen.box, [], seen.colours)

    def keep(self, seen: _Seen, thumbnail: _Once, most: int) -> None:
        """Keep a crop of `seen`; where there are too many, drop a poor one or one of the two nearest in time."""
        quality = seen.quality
        height, width = seen.frame.image.shape[:2]
        image = shrink(seen.box.crop(seen.frame.image), CROP_PX).copy()
        self.crops.append((quality, Crop(image, seen.box, seen.frame.offset_ms, width, height, thumbnail())))
        if len(self.crops) > most:
            self.crops.pop(_dispensable(self.crops))


def _dispensable(crops: list[tuple[float, Crop]]) -> int:
    """Index of the crop, in order of time, that says least."""
    poorest = min(range(len(crops)), key=lambda n: crops[n][0])
    if len(crops) == 2 or crops[poorest][0] < 0.5 * max(quality for quality, _ in crops):
        return poorest
    gaps = [b.offset_ms - a.offset_ms for (_, a), (_, b) in pairwise(crops)]
    nearest = gaps.index(min(gaps))
    return nearest if crops[nearest][0] < crops[nearest + 1][0] else nearest + 1


def _assign(seen: list[_Seen], live: list[_Live]) -> list[tuple[_Seen, _Live | None]]:
    """Each detection with the track that it continues, best pairs first; each track is continued at most once."""
    pairs = [(d, n, m) for n, one in enumerate(seen) for m, t in enumerate(live) if (d := t.distance(one)) is not None]
    of_seen: dict[int, int] = {}
    for _, n, m in sorted(pairs):
        if n not in of_seen and m not in of_seen.values():
            of_seen[n] = m
    return [(one, live[of_seen[n]] if n in of_seen else None) for n, one in enumerate(seen)]


def _convincing(tracks: Iterable[_Live]) -> Iterator[Track]:
    """The tracks that are more than a flicker: seen twice, or once in whole and not tiny."""
    for track in tracks:
        crops = tuple(crop for _, crop in track.crops)
        if track.end_ms > track.start_ms or _is_convincing(crops[0]):
            yield Track(track.number, track.start_ms, track.end_ms, crops)


def _is_convincing(crop: Crop) -> bool:
    b = crop.box
    whole = b.x1 > 1 and b.x2 < crop.frame_width - 1 and b.y2 < crop.frame_height - 1
    return whole and b.height >= SMALLEST_GLIMPSE * crop.frame_height


class _Once:
    """A frame's thumbnail, made when it is first asked for."""

    def __init__(self, image: Image, make: Callable[[Image], bytes]) -> None:
        self._image = image
        self._make = make
        self._made: bytes | None = None

    def __call__(self) -> bytes:
        if self._made is None:
            self._made = self._make(self._image)
        return self._made
