"""Samples frames from a media file and accounts for every packet of it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from indexer.decoding.decoder import Decoder
from indexer.decoding.probe import MediaInfo, probe
from indexer.decoding.sampling import FrameCounts, FrameSampler
from search.errors import BadInput
from search.media import Timeline, check_size, not_by_card, open_video
from search.types import Frame, Image

if TYPE_CHECKING:
    from av.codec.hwaccel import HWAccel
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["FrameCounts", "FrameSource", "MediaInfo", "OpenCVSource", "VideoSource", "probe"]


class FrameSource(Protocol):
    """The frames of one recording at a sampling interval, in order of time."""

    @property
    def counts(self) -> FrameCounts:
        """Return the counts of the last reading, complete when it has ended."""
        ...

    def frames(self) -> Generator[Frame, None, None]:
        """Read from the start and yield the frames. Closing the generator closes the decoder.

        `offset_ms` counts from the file's first frame, is never negative and rises strictly. All frames of a source
        have the same size.
        """
        ...


class VideoSource:
    """Samples a file with PyAV, decoding no more than it must. Deterministic; one decoding thread.

    Due times are the multiples of `interval_s` from the first frame; each takes the frame nearest to it among those
    that are decoded (all of them, or the key frames where these are no further apart than the interval).
    Odd time stamps: see `search.media.timestamps`.

    Args:
        path: a media file.
        interval_s: seconds between samples, above 0.
        max_megapixels: larger frames are refused before they are decoded.
        card: decodes the frames (`indexer.decoding.nvdec`); None: the CPU.
    """

    def __init__(self, path: Path, *, interval_s: float, max_megapixels: float, card: HWAccel | None = None) -> None:
        self._path = path
        self._interval_ms = _interval_ms(interval_s)
        self._max_megapixels = max_megapixels
        self._card = card
        self.counts = FrameCounts()

    def frames(self) -> Generator[Frame, None, None]:
        """See `FrameSource.frames`.

        Raises:
            Unavailable: the card does not decode, and the file is not the reason.
            BadMedia: as `probe`, or a kind of video that the card does not know. Damage inside the file
                does not raise, it is counted.
        """
        counts = self.counts = FrameCounts()
        with open_video(self._path, self._card) as (container, stream):
            check_size(self._path, stream, self._max_megapixels)
            timeline = Timeline(container, stream)
            by_order = container.format.name == "avi"
            doubt = self._try_on_cpu if self._card else None
            decoder = Decoder(stream, max_megapixels=self._max_megapixels, by_order=by_order, doubt=doubt)
            size = (stream.width, stream.height)
            sampler = FrameSampler(timeline, decoder, self._interval_ms, counts)
            try:
                for frame in sampler.frames():
                    counts.yielded += 1
                    yield Frame(decoder.image(frame, size), timeline.offset_ms(frame.pts))
            finally:
                decoder.drop()
                counts.seen += timeline.unreadable
                counts.damaged = min(decoder.damaged + timeline.unreadable, counts.seen - counts.yielded)
                counts.not_due = counts.seen - counts.yielded - counts.damaged

    def _try_on_cpu(self, packet: Packet[VideoStream], why: str) -> None:
        """Raise if the CPU decodes a key packet from which the card made no frame: then it is not damaged."""
        with open_video(self._path) as (_, stream):
            if Decoder(stream, max_megapixels=self._max_megapixels).single(packet):
                raise not_by_card(self._path, stream, why)


class OpenCVSource:
    """A simple source, as a baseline: OpenCV decodes every frame, and those that are due are kept.

    It hides damage (`damaged` stays 0) and threads as it likes. Arguments as `VideoSource`, without a card.
    """

    def __init__(self, path: Path, *, interval_s: float, max_megapixels: float) -> None:
        self._path = path
        self._interval_ms = _interval_ms(interval_s)
        self._max_megapixels = max_megapixels
        self.counts = FrameCounts()

    def frames(self) -> Generator[Frame, None, None]:
        """See `FrameSource.frames`.

        Raises:
            BadMedia: as `indexer.decoding.probe.probe`, which runs first, because OpenCV would follow playlists.
        """
        import cv2

        info = probe(self._path, max_megapixels=self._max_megapixels)
        counts = self.counts = FrameCounts()
        slack = min(1000 / info.fps, self._interval_ms) / 2
        first, due, last = None, 0, -1
        video = cv2.VideoCapture(str(self._path.absolute()), cv2.CAP_FFMPEG)
        try:
            while True:
                read, bgr = video.read()
                if not read:
                    return
                counts.seen += 1
                position = video.get(cv2.CAP_PROP_POS_MSEC)
                first = position if first is None else first
                offset = round(position - first)
                if offset <= last or offset < due - slack:
                    counts.not_due += 1
                    continue
                last, due = offset, int((offset + slack) // self._interval_ms + 1) * self._interval_ms
                counts.yielded += 1
                image: Image = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
                yield Frame(image, offset)
        finally:
            video.release()


def _interval_ms(interval_s: float) -> int:
    if not 0 < interval_s <= 86_400:
        raise BadInput("not a sampling interval", got=interval_s, expected="seconds above 0, at most a day")
    return max(1, round(interval_s * 1000))
