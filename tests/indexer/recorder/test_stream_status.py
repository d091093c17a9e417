from __future__ import annotations

import pytest

from indexer.recorder import stream_status
from indexer.recorder.stream_status import StreamStatus
from indexer.recorder.timebase import PacketArrival
from search.stream_types import Stream, StreamState
from search.types import StreamRole


class Clock:
    """Both clocks of a machine."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now(self) -> PacketArrival:
        return PacketArrival(1e12 + 1000 * self.s, 1000 * self.s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stream_status, "now", clock.now)
    return clock


@pytest.fixture
def status(clock: Clock) -> StreamStatus:
    return StreamStatus(Stream("gate", StreamRole.SUB, "", "", 0), silent_s=5.0)


def frames(status: StreamStatus, clock: Clock, count: int) -> None:
    for _ in range(count):
        clock.s += 0.1
        status.packet(1000, round(clock.now().wall_ms), jumped=False)


def test_frames_and_bytes_are_measured_since_the_last_time(status: StreamStatus, clock: Clock) -> None:
    frames(status, clock, 20)
    first = status.measured()
    assert (first.fps, first.kbit_s) == (10.0, 80.0)
    assert first.last_frame_ms == first.updated_ms == round(clock.now().wall_ms)
    clock.s += 1
    assert (status.measured().fps, status.measured().kbit_s) == (0.0, 0.0)


def test_a_stream_that_falls_silent_says_so_before_its_connection_fails(status: StreamStatus, clock: Clock) -> None:
    status.change(StreamState.RECORDING, detail="", open_since_ms=7)
    frames(status, clock, 1)
    clock.s += 4.9
    assert status.health().state is StreamState.RECORDING
    clock.s += 0.2
    assert status.health().state is StreamState.NO_FRAMES
    frames(status, clock, 1)
    assert status.health().state is StreamState.RECORDING


def test_a_state_counts_from_its_beginning(status: StreamStatus, clock: Clock) -> None:
    since = status.health().since_ms
    clock.s += 3
    status.change(StreamState.CONNECTING)
    assert status.health().since_ms == since
    status.change(StreamState.REFUSED, detail="wrong password")
    assert (status.health().since_ms, status.health().detail) == (since + 3000, "wrong password")


def test_connections_after_the_first_frame_are_reconnections(status: StreamStatus, clock: Clock) -> None:
    status.connected()
    status.connected()
    assert status.health().reconnects == 0
    frames(status, clock, 1)
    status.connected()
    status.clock_jumped()
    assert (status.health().reconnects, status.health().clock_jumps) == (1, 1)
