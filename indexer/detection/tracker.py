"""Joins the boxes of one recording to tracks: one person through time, with a few crops that stand for them.

Between two looked-at pictures a walker moves further than their own width, so boxes need not overlap. What is compared
is where a track should be by now (its last steps, repeated), how large it was, and the colours of its upper and lower
half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.detection.crops import Colours, Crop, CropAlbum, FrameThumbnail, TrackedDetection, alike, look
from search.types import Box, Detection, Frame, Image

__all__ = ["Crop", "Track", "track_people"]

STEPS_PER_S = 0.9  # own heights that a walker may be off the expected place, a second; a runner makes about 2
LEAST_ALIKE = 0.4  # of 0..1, colours in common
LEAST_SIZE = 0.5  # smaller height by larger height
LIMIT = 0.95  # cost from which it is somebody else
RETURN = 0.45  # cost of coming back at once after walking out: more likely somebody else walks in
SURE = 0.5  # score of who was seen only once
SMALLEST_GLIMPSE = 1 / 10  # of the picture's height: who was seen only once must at least be so tall


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
    on_seen: Callable[[int, int, Box], None] = lambda *_: None,
) -> Iterator[Track]:
    """Join detections to tracks; a track is given as soon as it has ended. Deterministic; holds no whole pictures.

    Who was seen in one picture only is given if in whole, at least a tenth of the picture tall, and rather sure.

    Args:
        stream: frames of one recording in order of time, with the people in each.
        crops_per_track: kept of each track: whole, large and sharp ones that differ in time and looks.
        thumbnail: makes the picture that is kept with a crop; called at most once a frame, and only for a frame with a
            crop that is kept at least for a while.
        max_gap_s: seconds without a detection after which a track ends; about two steps of sampling, since two people
            who come one after the other may wear the same.
        on_seen: told of every box that was joined: the number of its track, whether it will be given or not, the
            picture's offset in ms, and the box.
    """
    live: list[_Live] = []
    count = 0
    for frame, detections in stream:
        ended = [track for track in live if frame.offset_ms - track.last.offset_ms > 1000 * max_gap_s]
        live = [track for track in live if track not in ended]
        yield from _convincing(ended)
        shown, seen = FrameThumbnail(frame, thumbnail), look(frame, detections)
        known = dict(_continued(seen, live))
        for n, one in enumerate(seen):
            if n in known:
                live[known[n]].follow(one)
                live[known[n]].album.offer(one, shown)
                on_seen(live[known[n]].number, frame.offset_ms, one.box)
            else:
                count += 1
                live.append(_Live(count, one, CropAlbum(crops_per_track)))
                live[-1].album.offer(one, shown)
                on_seen(count, frame.offset_ms, one.box)
    yield from _convincing(live)


class _Live:
    """A track that goes on."""

    def __init__(self, number: int, first: TrackedDetection, album: CropAlbum) -> None:
        self.number = number
        self.album = album
        self.start_ms = first.offset_ms
        self.last = self.first = first
        self.frames = 1
        self._velocity: NDArray[np.float64] = np.zeros(2)  # pixels a second
        self._colours: Colours = first.colours

    def cost(self, seen: TrackedDetection) -> float:
        """How badly `seen` continues this track; inf if it cannot."""
        seconds = (seen.offset_ms - self.last.offset_ms) / 1000
        expected = self.last.points + self._velocity * seconds
        off = np.hypot(*(seen.points - expected).T).min()  # feet or head may be hidden
        tall, short = sorted((seen.box.height, self.last.box.height), reverse=True)
        common = alike(seen.colours, self._colours)
        if off > STEPS_PER_S * max(seconds, 1.0) * tall or short < LEAST_SIZE * tall or common < LEAST_ALIKE:
            return float("inf")
        turned = RETURN if self._has_left(expected[0, 0]) and self._velocity[0] * (seen.x - self.last.x) < 0 else 0.0
        return float(0.5 * off / (tall * max(seconds, 1.0)) + (1 - common) + 0.3 * np.log(tall / short) + turned)

    def _has_left(self, x: float) -> bool:
        """Whether somebody who should be at `x` by now walked out at a side of the picture."""
        last, speed = self.last, self._velocity[0]
        leftwards = speed < 0 and (x < 0 or last.box.x1 <= 1)
        return leftwards or (speed > 0 and (x > last.frame_width or last.box.x2 >= last.frame_width - 1))

    def follow(self, seen: TrackedDetection) -> None:
        """Go on to `seen`. Somebody who is half hidden, or two in one box, hardly change what is remembered."""
        seconds = max((seen.offset_ms - self.last.offset_ms) / 1000, 0.1)
        moved = (seen.points - self.last.points)[1] / seconds
        self._velocity = moved if self.frames == 1 else 0.3 * self._velocity + 0.7 * moved
        share = 0.4 if seen.is_whole else 0.15
        self._colours = np.asarray((1 - share) * self._colours + share * seen.colours, np.float32)
        self.last = seen
        self.frames += 1

    @property
    def is_convincing(self) -> bool:
        """More than a flicker."""
        if self.frames > 1:
            return True
        one, height = self.first, self.album.crops[0].frame_height
        return one.is_whole and one.score >= SURE and one.box.height >= SMALLEST_GLIMPSE * height


def _continued(seen: list[TrackedDetection], live: list[_Live]) -> list[tuple[int, int]]:
    """(number of what was seen, number of the track that it continues), each at most once; the likeliest as a whole."""
    from scipy.optimize import linear_sum_assignment  # here: it takes 0.3 s to import, and a search needs none

    costs = np.array([[track.cost(one) for track in live] for one in seen], np.float64).reshape(len(seen), len(live))
    pairs = zip(*linear_sum_assignment(np.minimum(costs, LIMIT)), strict=True)  # as dear as being left alone
    return [(int(n), int(m)) for n, m in pairs if costs[n, m] < LIMIT]


def _convincing(tracks: Iterable[_Live]) -> Iterator[Track]:
    for track in tracks:
        if track.is_convincing:
            yield Track(track.number, track.start_ms, track.last.offset_ms, track.album.crops)
