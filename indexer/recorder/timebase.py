"""Puts a live stream's frames on the wall clock.

The machine's clock at arrival gives the time. The stream's own stamps only give the distance between frames, because a
camera's clock may be wrong by hours, jump, or run backwards. A burst (after connecting, after a stall) arrives late,
never early, so the earliest arrival among a file's frames is the offset between the two clocks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

STEP_MS = 40.0  # between frames, until the stream has shown another one
JUMP_MS = 2000.0  # from here on two clocks contradict each other
WALL_JUMP_MS = 1000.0
LEAST_MS = 0.1  # between two frames
GAP_MS = 2000.0  # without frames: no file goes on across it
GAP_STEPS = 4.0  # nor across so many missing frames of a slow stream
STEER_MS = 20.0  # by which a file's start may leave the end of the one before, to follow a clock that drifts
DRIFT_MS = 1500.0  # from here on the drift is a jump


@dataclass(frozen=True, slots=True)
class PacketArrival:
    """Arrival of a packet: Unix ms of the wall clock, and ms of the monotonic clock, which never jumps."""

    wall_ms: float
    mono_ms: float


def now() -> PacketArrival:
    """Return the moment of the call."""
    return PacketArrival(time.time() * 1000, time.monotonic() * 1000)


@dataclass(frozen=True, slots=True)
class PlacedPacket:
    """A packet on a connection's own clock, which starts at 0 and never runs backwards.

    `jumped`: the stream's stamps, or the machine's clock, contradict the time that has passed. `gap`: frames are
    missing before this one. `restarted`: the machine's clock was set.
    """

    media_ms: float
    jumped: bool = False
    gap: bool = False
    restarted: bool = False


class Timebase:
    """Places one connection's packets, in the order of their arrival, on the connection's own clock."""

    def __init__(self) -> None:
        self.step_ms = STEP_MS
        self._came: PacketArrival | None = None
        self._base: float | None = None  # the stream's stamp at 0 of the connection's own clock
        self._media = 0.0

    def place(self, stamp_ms: float | None, at: PacketArrival) -> PlacedPacket:
        """Return the packet's place.

        Args:
            stamp_ms: decoding time on the stream's clock; None where it has none.
            at: time of arrival.
        """
        if self._came is None:
            self._came = at
            self._base = stamp_ms
            return PlacedPacket(0.0)
        passed = at.mono_ms - self._came.mono_ms
        restarted = abs(at.wall_ms - self._came.wall_ms - passed) > WALL_JUMP_MS
        self._came = at
        base = self._base
        step = self.step_ms if stamp_ms is None or base is None else stamp_ms - base - self._media
        jumped = step < -JUMP_MS or (step > JUMP_MS and abs(step - passed) > JUMP_MS)
        if jumped:
            step = max(self.step_ms, passed)
        gap = step > max(GAP_MS, GAP_STEPS * self.step_ms)
        if not jumped and not gap and step > 0:
            self.step_ms += 0.05 * (step - self.step_ms)
        self._media += max(step, LEAST_MS)  # a small step back is made up for by the next steps
        if stamp_ms is not None and (jumped or self._base is None):
            self._base = stamp_ms - self._media
        return PlacedPacket(self._media, jumped or restarted, gap, restarted)


class WallClockAnchor:
    """Maps the connection's clock to the wall clock: one file after the other, without seams."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._earliest: float | None = None

    def saw(self, placed: PlacedPacket, at: PacketArrival) -> None:
        """Take in one more packet of the file that is being written."""
        offset = at.wall_ms - placed.media_ms
        if placed.restarted or self._earliest is None:
            self._earliest = offset
        self._earliest = min(self._earliest, offset)

    def provisional(self, media_ms: float) -> int:
        """Return the Unix ms of a place in the file that is being written, as far as is known."""
        offset = self._offset if self._offset is not None else self._earliest
        return round(media_ms + (offset or 0.0))

    def settle(self, media_ms: float) -> tuple[int, bool]:
        """Return the Unix ms of a complete file's first frame, and whether the clock had to jump for it."""
        earliest = self._earliest if self._earliest is not None else 0.0
        off = 0.0 if self._offset is None else earliest - self._offset
        drifted = abs(off) > DRIFT_MS
        if self._offset is None or drifted:
            self._offset = earliest
        else:
            self._offset += min(max(off, -STEER_MS), STEER_MS)
        self._earliest = None
        return round(media_ms + self._offset), drifted
