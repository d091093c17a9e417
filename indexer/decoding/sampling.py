"""Decides which packets are decoded and which frames are due.

It works group by group (a key frame and what depends on it), from the packets' own flags and times. Where the next key
frame comes within the sampling interval, the key frame alone is decoded, and only if it is the nearest one to a due
time; all else is skipped. Where key frames are further apart, the group's frames are decoded up to the last one that is
due.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.decoding.decoder import DecodedFrame, Decoder
from search.media import Timeline

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_GROUP_BYTES = 64_000_000  # of packets held while a group's length is not yet known


@dataclass(slots=True)
class FrameCounts:
    """Counts of a file's coded frames. Once read to its end: seen = yielded + not_due + damaged.

    Attributes:
        seen: packets met (a packet is a frame, save for rarities such as separate fields).
        yielded: decoded and handed out.
        not_due: skipped because the sampling interval does not ask for them.
        damaged: undecodable.
    """

    seen: int = 0
    yielded: int = 0
    not_due: int = 0
    damaged: int = 0


@dataclass(slots=True)
class _Group:
    """A key packet and what follows it up to the next, as far as it is held; times in ms from the first frame."""

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


class FrameSampler:
    """Samples one file.

    Args:
        timeline: the packets.
        decoder: decoder of the same stream.
        interval_ms: between samples.
        counts: `seen` is counted here.
    """

    def __init__(self, timeline: Timeline, decoder: Decoder, interval_ms: int, counts: FrameCounts) -> None:
        self._timeline = timeline
        self._decoder = decoder
        self._interval = interval_ms
        self._counts = counts
        self._slack = min(timeline.step_ms, interval_ms) / 2  # half a frame
        self._due = 0
        self._last = -1
        self._keys_suffice = True

    def frames(self) -> Iterator[DecodedFrame]:
        """Yield the frames that are due, in order of time."""
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
        """Return whether the key frame is not enough: the next one is further away than the interval."""
        alone = len(group.packets) == 1 and group.packets[0].is_keyframe
        return not alone and end - group.start > self._interval + self._slack

    def _finish(self, group: _Group, next_start: int | None) -> Iterator[DecodedFrame]:
        """Sample a complete group. `next_start` is None at the end of the file."""
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
        """Take the group's key frame for the due times up to `nearest`."""
        damaged = self._decoder.damaged
        frames = self._decoder.single(group.packets[0])
        if frames:
            self._take(group.start, nearest)
            yield frames[0]
        elif self._decoder.damaged == damaged:  # not damaged, but it needs what follows: intra refresh
            self._keys_suffice = False
            yield from self._decode(group.packets)

    def _decode(self, packets: list[Packet[VideoStream]], until: int | None = None) -> Iterator[DecodedFrame]:
        """Decode in order, up to the last frame that is due before `until`."""
        for packet in packets:
            if until is not None and self._due >= until - self._slack:
                self._decoder.drop()
                return
            yield from self._pick(self._decoder.feed(packet))

    def _end_run(self) -> Iterator[DecodedFrame]:
        yield from self._pick(self._decoder.drain())

    def _pick(self, frames: Iterator[DecodedFrame]) -> Iterator[DecodedFrame]:
        for frame in frames:
            offset = self._timeline.offset_ms(frame.pts)
            if offset > self._last and offset >= self._due - self._slack:
                self._take(offset, offset + self._slack)
                yield frame

    def _take(self, offset: int, stands_until: float) -> None:
        self._last = offset
        self._due = int(max(offset, stands_until) // self._interval + 1) * self._interval
