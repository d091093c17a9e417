"""The door to decoding: samples pictures from a media file and accounts for every packet of it.

How little is decoded is decided group by group (a key frame and what depends on it), from the packets' own flags and
times. Where the next key frame comes within the sampling interval, the key frame alone is decoded, and only if it is
the nearest one to a due time; all else is skipped unread. Where key frames are further apart, the group's pictures are
decoded up to the last one that is due.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from av.codec.hwaccel import HWAccel
from av.packet import Packet
from av.video.stream import VideoStream

from indexer.decoding.decoder import DecodedFrame, Decoder
from indexer.decoding.probe import MediaInfo, probe
from search.errors import BadInput
from search.media.containers import check_size, not_by_card, open_video
from search.media.timestamps import Timeline
from search.types import Frame, Image

__all__ = ["FrameCounts", "FrameSource", "MediaInfo", "OpenCVSource", "VideoSource", "probe"]

_GROUP_BYTES = 64_000_000  # of packets held while a group's length is not yet known


@dataclass(slots=True)
class FrameCounts:
    """What became of the coded pictures of a file. Once read to its end: seen = yielded + not_due + damaged.

    Attributes:
        seen: packets met (a packet is a picture, save for rarities such as separate fields).
        yielded: decoded and handed out.
        not_due: skipped because the sampling interval does not ask for them.
        damaged: undecodable.
    """

    seen: int = 0
    yielded: int = 0
    not_due: int = 0
    damaged: int = 0


class FrameSource(Protocol):
    """Pictures of one recording at a sampling interval, in order of time."""

    @property
    def counts(self) -> FrameCounts:
        """The account of the last reading, complete when it has ended."""
        ...

    def frames(self) -> Generator[Frame, None, None]:
        """Read from the start. Closing the generator closes the decoder.

        `offset_ms` counts from the file's first picture, is never negative and rises strictly. All pictures of a
        source have the same size.
        """
        ...


class VideoSource:
    """Samples a file with PyAV, decoding no more than it must. Deterministic; one decoding thread.

    Due times are the multiples of `interval_s` from the first picture; each takes the picture nearest to it among
    those that are decoded (all of them, or the key frames where these are no further apart than the interval).
    How odd time stamps are read is said in `search.media.timestamps`.

    Args:
        path: a media file.
        interval_s: seconds between samples, above 0.
        max_megapixels: larger pictures are refused before they are decoded.
        card: what decodes (`indexer.decoding.nvdec`); None: the CPU.
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
            sampling = _Sampling(timeline, decoder, self._interval_ms, counts)
            try:
                for picture in sampling.pictures():
                    counts.yielded += 1
                    yield Frame(decoder.image(picture, size), timeline.offset_ms(picture.pts))
            finally:
                decoder.drop()
                counts.seen += timeline.unreadable
                counts.damaged = min(decoder.damaged + timeline.unreadable, counts.seen - counts.yielded)
                counts.not_due = counts.seen - counts.yielded - counts.damaged

    def _try_on_cpu(self, packet: Packet[VideoStream], why: str) -> None:
        """Raise if the CPU decodes a key packet of which the card made no picture: then it is not damaged."""
        with open_video(self._path) as (_, stream):
            if Decoder(stream, max_megapixels=self._max_megapixels).single(packet):
                raise not_by_card(self._path, stream, why)


@dataclass(slots=True)
class _Group:
    """A key packet and what follows it up to the next, as far as it is held; times in ms from the first picture."""

    packets: list[Packet[VideoStream]] = field(default_factory=list)
    start: int = 0
    last: int = 0
    size: int = 0
    released: bool = False  # too long to be held: its packets are decoded as they come

    def add(self, packet: Packet[VideoStream], offset_ms: int) -> None:
        self.start = self.start if self.packets else offset_ms
        self.last = max(self.last, offset_ms) if self.packets else offset_ms
        self.packets.append(packet)
        self.size += packet.size


class _Sampling:
    """Decides what is decoded and which pictures are due."""

    def __init__(self, timeline: Timeline, decoder: Decoder, interval_ms: int, counts: FrameCounts) -> None:
        self._timeline = timeline
        self._decoder = decoder
        self._interval = interval_ms
        self._counts = counts
        self._slack = min(timeline.step_ms, interval_ms) / 2  # half a picture
        self._due = 0
        self._last = -1
        self._keys_suffice = True

    def pictures(self) -> Iterator[DecodedFrame]:
        group = _Group()
        for packet in self._timeline:
            self._counts.seen += 1
            offset = self._timeline.offset_ms(packet.pts or 0)
            if packet.is_keyframe:
                yield from self._finish(group, offset)
                group = _Group()
            if group.released:
                yield from self._decode([packet])
                continue
            group.add(packet, offset)
            if len(group.packets) > 1 and (self._is_sparse(group, group.last) or group.size > _GROUP_BYTES):
                yield from self._decode(group.packets)
                group = _Group(released=True)
        yield from self._finish(group, None)
        yield from self._end_run()

    def _is_sparse(self, group: _Group, end: int) -> bool:
        """Whether its key frame is not enough: the next one is further away than the interval."""
        alone = len(group.packets) == 1 and group.packets[0].is_keyframe
        return not alone and end - group.start > self._interval + self._slack

    def _finish(self, group: _Group, next_start: int | None) -> Iterator[DecodedFrame]:
        """A group is whole. `next_start` is None at the end of the file."""
        if not group.packets:
            return
        step = self._timeline.step_ms
        end = round(group.last + step) if next_start is None else min(next_start, round(group.last + 2 * step))
        first = group.packets[0]
        if not self._keys_suffice or not first.is_keyframe or first.is_discard or self._is_sparse(group, end):
            yield from self._decode(group.packets, until=end if self._keys_suffice else None)
            return
        yield from self._end_run()
        nearest = int(group.last + self._slack) if next_start is None else (group.start + end) // 2
        if self._due <= nearest and group.start > self._last:
            yield from self._decode_key(group, nearest)

    def _decode_key(self, group: _Group, nearest: int) -> Iterator[DecodedFrame]:
        """Its key frame stands for the due times up to `nearest`."""
        damaged = self._decoder.damaged
        pictures = self._decoder.single(group.packets[0])
        if pictures:
            self._take(group.start, nearest)
            yield pictures[0]
        elif self._decoder.damaged == damaged:  # not damaged, but it needs what follows: intra refresh
            self._keys_suffice = False
            yield from self._decode(group.packets)

    def _decode(self, packets: list[Packet[VideoStream]], until: int | None = None) -> Iterator[DecodedFrame]:
        """Decode in order, up to the last picture that is due before `until`."""
        for packet in packets:
            if until is not None and self._due >= until - self._slack:
                self._decoder.drop()
                return
            yield from self._pick(self._decoder.feed(packet))

    def _end_run(self) -> Iterator[DecodedFrame]:
        yield from self._pick(self._decoder.drain())

    def _pick(self, pictures: Iterator[DecodedFrame]) -> Iterator[DecodedFrame]:
        for picture in pictures:
            offset = self._timeline.offset_ms(picture.pts)
            if offset > self._last and offset >= self._due - self._slack:
                self._take(offset, offset + self._slack)
                yield picture

    def _take(self, offset: int, stands_until: float) -> None:
        self._last = offset
        self._due = int(max(offset, stands_until) // self._interval + 1) * self._interval


class OpenCVSource:
    """The simple way, as a baseline: OpenCV decodes every picture, and those that are due are kept.

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
            BadMedia: as `indexer.decoding.probe.probe`, which looks first, because OpenCV would follow playlists.
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
