"""Makes a copy of a recording in which bystanders cannot be recognised: everybody but one person is blurred.

People are detected a few times a second and joined to tracks. Between two samples the hull of a person's two boxes is
blurred, which is more than the person covers. A blurred part is reduced to a few pixels first, so that it cannot be
restored. A person who never moves, or is not detected, is not blurred: somebody must check every copy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from indexer.decoding import VideoSource, blackened
from indexer.detection import Detector, track_people
from search.errors import BadMedia, Unavailable
from search.stream_types import Polygon
from search.types import Box, Frame, Image

LOOK_S = 0.5
"""Seconds between two samples."""
CELLS = 6
"""Number of cells that a blurred part keeps across its shorter side."""
_MAX_GAP_S = 2.2 * LOOK_S
_EVERY_S = 0.001  # of the source: every frame
_MARGIN = 0.1  # of a box's height, blurred around it
_STEPS_PER_S = 0.9  # of a person's height, gone in a second
_SAME = 0.3  # overlap (IoU) from which a track is the one that the index knows
_MS = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class KnownBox:
    """A known place of the person: `box` in pixels of a `width` x `height` frame, `offset_ms` in the file."""

    offset_ms: int
    box: Box
    width: int
    height: int


@dataclass(slots=True)
class RedactionReport:
    """Counts: frames written, those in which the person's place was known, and blurred tracks of others."""

    frames: int = 0
    with_person: int = 0
    others: int = 0


@dataclass(slots=True)
class PersonTrack:
    """One person's boxes, by offset (ms)."""

    offsets: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def at(self, offset_ms: int, slack_ms: float = 0) -> Box | None:
        """Return the person's box at that time; None before the first and after the last box, but for `slack_ms`."""
        n = bisect_right(self.offsets, offset_ms)
        if 0 < n < len(self.offsets):
            return _between(self.boxes[n - 1], self.boxes[n], self._share(n, offset_ms))
        nearest = min(n, len(self.offsets) - 1)
        return self.boxes[nearest] if abs(self.offsets[nearest] - offset_ms) <= slack_ms else None

    def around(self, offset_ms: int) -> Box | None:
        """Return a box that surely contains the person at that time; None if they are not there."""
        n = bisect_right(self.offsets, offset_ms)
        if 0 < n < len(self.offsets):
            return _widen(_hull(self.boxes[n - 1], self.boxes[n]), _MARGIN)
        nearest = min(n, len(self.offsets) - 1)
        seconds = abs(self.offsets[nearest] - offset_ms) / 1000
        return None if seconds > _MAX_GAP_S else _widen(self.boxes[nearest], _MARGIN, _STEPS_PER_S * seconds)

    def _share(self, n: int, offset_ms: int) -> float:
        return (offset_ms - self.offsets[n - 1]) / (self.offsets[n] - self.offsets[n - 1])


def blur_others(
    source: Path,
    target: Path,
    span: tuple[int, int],
    known: Sequence[KnownBox],
    detector: Detector,
    *,
    masks: Sequence[Polygon] = (),
    max_megapixels: float,
) -> RedactionReport:
    """Write `target`, H.264 in MP4: the frames of `source` in `span`, everybody but one person blurred.

    Args:
        source: a recording; more of it than the span helps, because tracks are found from before and after.
        target: a file that does not exist.
        span: (first, last) offset in ms, the last one exclusive.
        known: where the person is, at least at one moment; if no track fits, everybody is blurred.
        detector: open.
        masks: these parts of the frames are black.
        max_megapixels: larger frames are refused.

    Raises:
        BadMedia: the recording cannot be read, or has no frame in the span.
        Unavailable: the copy cannot be written.
    """

    def frames(interval_s: float) -> Generator[Frame, None, None]:
        reading = VideoSource(source, interval_s=interval_s, max_megapixels=max_megapixels)
        with closing(reading.frames()) as opened:
            for frame in opened:
                yield replace(frame, image=blackened(frame.image, masks))

    with closing(frames(LOOK_S)) as samples:
        tracks, size = _tracks(samples, detector)
    spared = _of_person(tracks, known, size)
    others = [track for track in tracks if track not in spared]
    report = RedactionReport(others=sum(any(track.around(at) for at in range(*span, 100)) for track in others))
    with closing(frames(_EVERY_S)) as every:
        _write(target, _blur(every, span, spared, others, report), span[0])
    if not report.frames:
        target.unlink(missing_ok=True)
        raise BadMedia("the recording has no frame there", reason="missing", got=source)
    return report


def _tracks(frames: Iterable[Frame], detector: Detector) -> tuple[list[PersonTrack], tuple[int, int]]:
    """Return the tracks of all people who are detected, and (width, height) of the frames."""
    tracks: dict[int, PersonTrack] = {}
    size = (1, 1)

    def sized() -> Iterator[Frame]:
        nonlocal size
        for frame in frames:
            size = (frame.image.shape[1], frame.image.shape[0])
            yield frame

    def seen(number: int, offset_ms: int, box: Box) -> None:
        track = tracks.setdefault(number, PersonTrack())
        track.offsets.append(offset_ms)
        track.boxes.append(box)

    for _ in track_people(
        detector.detect(sized()), crops_per_track=1, thumbnail=lambda _: b"", max_gap_s=_MAX_GAP_S, on_seen=seen
    ):
        pass
    return list(tracks.values()), size


def _of_person(tracks: Sequence[PersonTrack], known: Sequence[KnownBox], size: tuple[int, int]) -> list[PersonTrack]:
    """Return the tracks that are where the person is known to be."""
    matches: list[PersonTrack] = []
    for place in known:
        box = _scale(place, size)
        overlaps = [(own.iou(box), track) for track in tracks if (own := track.at(place.offset_ms, 500 * LOOK_S))]
        best, track = max(overlaps, key=lambda item: item[0], default=(0.0, None))
        if track is not None and best >= _SAME and track not in matches:
            matches.append(track)
    return matches


def _blur(
    frames: Iterable[Frame],
    span: tuple[int, int],
    spared: Sequence[PersonTrack],
    others: Sequence[PersonTrack],
    report: RedactionReport,
) -> Iterator[Frame]:
    """Yield the frames of the span, blurred but for the `spared` tracks, and count them in `report`."""
    for frame in frames:
        if frame.offset_ms >= span[1]:
            return
        if frame.offset_ms < span[0]:
            continue
        at = frame.offset_ms
        kept = [box for track in spared if (box := track.at(at, 500 * LOOK_S))]
        covered = [box for track in (others if kept else [*spared, *others]) if (box := track.around(at))]
        report.frames += 1
        report.with_person += bool(kept)
        yield replace(frame, image=_cover(frame.image, covered, kept))


def _cover(image: Image, covered: Iterable[Box], spared: Iterable[Box]) -> Image:
    """Return a copy of `image` with the parts in `covered` unrecognisable, but those in `spared` unchanged."""
    copy = image.copy()
    for box in covered:
        part = box.crop(copy)
        if part.size:
            part[:] = _coarse(part)
    for box in spared:
        box.crop(copy)[:] = box.crop(image)
    return copy


def _coarse(part: Image) -> Image:
    """Return `part` (h, w, 3) as if it had `CELLS` pixels across its shorter side."""
    import cv2

    height, width = part.shape[:2]
    share = min(1.0, CELLS / min(height, width))
    few = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(part, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _write(target: Path, frames: Iterable[Frame], first_ms: int) -> None:
    import av

    try:
        with av.open(str(target.absolute()), "w", format="mp4", options={"movflags": "+faststart"}) as out:
            stream = None
            for frame in frames:
                if stream is None:
                    stream = out.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "20"})
                    stream.pix_fmt, stream.codec_context.time_base = "yuv420p", _MS
                    stream.height, stream.width = (max(2, side // 2 * 2) for side in frame.image.shape[:2])
                image = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
                image = image.reformat(stream.width, stream.height, "yuv420p")
                image.pts, image.time_base = frame.offset_ms - first_ms, _MS
                out.mux(stream.encode(image))
            if stream is not None:
                out.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as e:
        cure = f"{e.strerror or e}; check room and rights of the folder"
        raise Unavailable("the blurred copy cannot be written", got=target, cure=cure) from None


def _between(a: Box, b: Box, share: float) -> Box:
    return Box(*(round(x + (y - x) * share) for x, y in zip(a.xyxy, b.xyxy, strict=True)))


def _hull(a: Box, b: Box) -> Box:
    return Box(min(a.x1, b.x1), min(a.y1, b.y1), max(a.x2, b.x2), max(a.y2, b.y2))


def _widen(box: Box, margin: float, across: float = 0.0) -> Box:
    """Widen a box by `margin` on every side, and by `across` to the left and the right: shares of its height."""
    more, aside = round(margin * box.height), round((margin + across) * box.height)
    return Box(max(0, box.x1 - aside), max(0, box.y1 - more), box.x2 + aside, box.y2 + more)


def _scale(known: KnownBox, size: tuple[int, int]) -> Box:
    across, down = size[0] / known.width, size[1] / known.height
    x1, y1 = int(known.box.x1 * across), int(known.box.y1 * down)
    return Box(x1, y1, max(x1 + 1, round(known.box.x2 * across)), max(y1 + 1, round(known.box.y2 * down)))
