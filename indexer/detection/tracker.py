"""Joins the boxes of one recording to tracks: one person through time, with a few crops that represent them.

Between two sampled frames a walker moves further than their own width, so boxes need not overlap. A detection is
compared with a track's expected place (its last steps, repeated), its size, and its colours, upper and lower half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.detection.crops import Colours, Crop, CropAlbum, FrameThumbnail, TrackedDetection, alike, describe
from search.types import Box, Detection, Frame, Image

__all__ = ["Crop", "Track", "track_people"]

STEPS_PER_S = 0.9  # own heights that a walker may be off the expected place, a second; a runner makes about 2
LEAST_ALIKE = 0.4  # of 0..1, colours in common
LEAST_SIZE = 0.5  # smaller height by larger height
LIMIT = 0.95  # cost from which a detection is somebody else
RETURN = 0.45  # cost of a return at once after walking out: more likely somebody else walks in
SURE = 0.5  # least score of a person in one frame only
SMALLEST_GLIMPSE = 1 / 10  # of the frame's height: a person in one frame only must at least be so tall


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
    """Join detections to tracks; yield each as soon as it has ended. Deterministic; holds no whole frames.

    A person in one frame only is yielded if whole, at least a tenth of the frame tall, and of a sufficient score.

    Args:
        stream: frames of one recording in order of time, with the people in each.
        crops_per_track: kept of each track: whole, large and sharp ones that differ in time and colours.
        thumbnail: makes the thumbnail that is kept with a crop; called at most once a frame, and only for a frame
            with a crop that is kept at least for a while.
        max_gap_s: seconds without a detection after which a track ends; about two steps of sampling, since two people
            who come one after the other may wear the same.
        on_seen: called with every box that was joined: the number of its track, which may not be yielded later, the
            frame's offset in ms, and the box.
    """
    live: list[_LiveTrack] = []
    count = 0
    for frame, detections in stream:
        ended = [track for track in live if frame.offset_ms - track.last.offset_ms > 1000 * max_gap_s]
        live = [track for track in live if track not in ended]
        yield from _convincing(ended)
        source, described = FrameThumbnail(frame, thumbnail), describe(frame, detections)
        continued = dict(_assign(described, live))
        for n, detection in enumerate(described):
            if n in continued:
                track = live[continued[n]]
                track.follow(detection)
            else:
                count += 1
                track = _LiveTrack(count, detection, CropAlbum(crops_per_track))
                live.append(track)
            track.album.offer(detection, source)
            on_seen(track.number, frame.offset_ms, detection.box)
    yield from _convincing(live)


class _LiveTrack:
    """A track that goes on."""

    def __init__(self, number: int, first: TrackedDetection, album: CropAlbum) -> None:
        self.number = number
        self.album = album
        self.start_ms = first.offset_ms
        self.last = self.first = first
        self.frames = 1
        self._velocity: NDArray[np.float64] = np.zeros(2)  # pixels a second
        self._colours: Colours = first.colours

    def cost(self, detection: TrackedDetection) -> float:
        """Return how badly a detection continues this track; inf if it cannot."""
        seconds = (detection.offset_ms - self.last.offset_ms) / 1000
        expected = self.last.points + self._velocity * seconds
        off = np.hypot(*(detection.points - expected).T).min()  # feet or head may be hidden
        tall, short = sorted((detection.box.height, self.last.box.height), reverse=True)
        common = alike(detection.colours, self._colours)
        if off > STEPS_PER_S * max(seconds, 1.0) * tall or short < LEAST_SIZE * tall or common < LEAST_ALIKE:
            return float("inf")
        turned = (
            RETURN if self._has_left(expected[0, 0]) and self._velocity[0] * (detection.x - self.last.x) < 0 else 0.0
        )
        return float(0.5 * off / (tall * max(seconds, 1.0)) + (1 - common) + 0.3 * np.log(tall / short) + turned)

    def _has_left(self, x: float) -> bool:
        """Return whether somebody expected at `x` walked out at a side of the frame."""
        last, speed = self.last, self._velocity[0]
        leftwards = speed < 0 and (x < 0 or last.box.x1 <= 1)
        return leftwards or (speed > 0 and (x > last.frame_width or last.box.x2 >= last.frame_width - 1))

    def follow(self, detection: TrackedDetection) -> None:
        """Continue with a detection. One that is half hidden, or two people in one box, change the colours little."""
        seconds = max((detection.offset_ms - self.last.offset_ms) / 1000, 0.1)
        moved = (detection.points - self.last.points)[1] / seconds
        self._velocity = moved if self.frames == 1 else 0.3 * self._velocity + 0.7 * moved
        share = 0.4 if detection.is_whole else 0.15
        self._colours = np.asarray((1 - share) * self._colours + share * detection.colours, np.float32)
        self.last = detection
        self.frames += 1

    @property
    def is_convincing(self) -> bool:
        """Return whether this is a person rather than a flicker."""
        if self.frames > 1:
            return True
        one, height = self.first, self.album.crops[0].frame_height
        return one.is_whole and one.score >= SURE and one.box.height >= SMALLEST_GLIMPSE * height


def _assign(detections: list[TrackedDetection], live: list[_LiveTrack]) -> list[tuple[int, int]]:
    """Return (detection, track that it continues) as numbers, each at most once, of the least cost in sum."""
    from scipy.optimize import linear_sum_assignment  # here: it takes 0.3 s to import, and a search needs none

    table = [[track.cost(detection) for track in live] for detection in detections]
    costs = np.array(table, np.float64).reshape(len(detections), len(live))
    pairs = zip(*linear_sum_assignment(np.minimum(costs, LIMIT)), strict=True)  # as dear as being left alone
    return [(int(n), int(m)) for n, m in pairs if costs[n, m] < LIMIT]


def _convincing(tracks: Iterable[_LiveTrack]) -> Iterator[Track]:
    for track in tracks:
        if track.is_convincing:
            yield Track(track.number, track.start_ms, track.last.offset_ms, track.album.crops)
