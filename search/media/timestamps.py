"""Repairs the time stamps of a file's packets: one clock that never runs backwards.

The clock is the file's own wherever it can be true: gaps stay gaps, up to a day at once, because recorders that wait
for motion write such files. Impossible stamps are joined: a step backwards, or a jump of more than a day, goes on one
frame after the last; a single stamp that its neighbours contradict is replaced; missing stamps follow the last one.
Nothing is ever filled in, so a jump costs nothing. The same file always gets the same times.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice
from typing import TYPE_CHECKING

from search.media.containers import mean_fps

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

MAX_JUMP_S = 86_400
MAX_TOTAL_S = 366 * 86_400
USUAL_GAP_S = 10  # no jump at all
REORDER_S = 3  # presentation times run back this far in sound files
BACK_S = 0.5  # decoding times never run back; this much is forgiven
_HEAD = 32  # packets among which the first frame is looked for
_READ_FAILURES = 32  # in a row, then the rest of the file is given up


class Timeline:
    """The packets of a video stream in file order, with repaired time stamps. Iterate once.

    Every packet's `pts` is set and lies on the repaired clock, in the stream's time base.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._ms = Fraction(stream.time_base or Fraction(1, 1000)) * 1000
        self._per_s = float(1000 / self._ms)  # a float: this is asked several times a packet
        self._step = max(1, round(1000 / mean_fps(stream) / self._ms))
        self._untrusted_pts = container.format.name == "avi"  # AVI has none, FFmpeg invents them
        self._first: int | None = None
        self._high: int | None = None
        self._high_is_dts = False
        self._shift = 0
        self.unreadable = 0
        """Number of places in the container that could not be read so far."""
        self.spliced = False
        """Whether stamps had to be joined so far: then times are no longer positions in the file."""
        packets = self._repair(self._read(container, stream))
        head = list(islice(packets, _HEAD))
        self._packets = chain(head, packets)
        self.first_pts = min((p.pts or 0 for p in head if not p.is_discard), default=0)
        """`pts` of the first frame that is shown."""

    def __iter__(self) -> Iterator[Packet[VideoStream]]:
        return self._packets

    @property
    def step_ms(self) -> float:
        """Return the mean time between two frames."""
        return float(self._step * self._ms)

    def offset_ms(self, pts: int) -> int:
        """Return the milliseconds from the first frame that is shown; negative for packets before it."""
        return round((pts - self.first_pts) * self._ms.numerator / self._ms.denominator)

    def _read(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        import av

        failures = 0
        while failures < _READ_FAILURES:
            try:
                for packet in container.demux(stream):
                    failures = 0
                    if packet.dts is not None or packet.pts is not None or packet.size:  # else PyAV's end mark
                        yield packet
                return
            except av.FFmpegError:
                failures += 1
                self.unreadable += failures == 1

    def _repair(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        packet = next(packets, None)
        while packet is not None:
            following = next(packets, None)
            self._place(packet, following)
            yield packet
            packet = following

    def _place(self, packet: Packet[VideoStream], following: Packet[VideoStream] | None) -> None:
        """Move the packet's stamps onto the clock."""
        stamp, by_dts = _stamp(packet), packet.dts is not None
        time = self._next() if stamp is None else stamp + self._shift
        if not self._is_plausible(time, by_dts):
            after = None if following is None else _stamp(following)
            if after is not None and self._is_plausible(after + self._shift, by_dts):
                packet.pts = packet.dts = self._high = self._next()  # a single wrong one
                return
            if not self._may_jump(time):
                self._shift += self._next() - time
                time = self._next()
                self.spliced = True
        packet.pts = self._shown_at(packet.pts, stamp, time)
        packet.dts = time if by_dts else None
        self._high = time if by_dts and not self._high_is_dts else max(time, self._or(time))
        self._high_is_dts = by_dts
        self._first = self._or(time) if self._first is None else self._first

    def _shown_at(self, pts: int | None, stamp: int | None, time: int) -> int:
        if pts is None or stamp is None or self._untrusted_pts or abs(pts - stamp) > self._ticks(USUAL_GAP_S):
            return time
        return time + pts - stamp

    def _is_plausible(self, time: int, by_dts: bool) -> bool:
        high = self._or(time)
        back = BACK_S if by_dts and self._high_is_dts else REORDER_S
        return high - self._ticks(back) <= time <= high + self._ticks(USUAL_GAP_S)

    def _may_jump(self, time: int) -> bool:
        jump, total = time - self._or(time), time - (self._first or 0)
        return 0 < jump <= self._ticks(MAX_JUMP_S) and total <= self._ticks(MAX_TOTAL_S)

    def _next(self) -> int:
        return 0 if self._high is None else self._high + self._step

    def _or(self, time: int) -> int:
        return time if self._high is None else self._high

    def _ticks(self, seconds: float) -> int:
        return int(seconds * self._per_s)


def _stamp(packet: Packet[VideoStream]) -> int | None:
    return packet.pts if packet.dts is None else packet.dts
