"""Frames on the wall clock: clocks that jump, drift, run backwards, and frames that come late."""

from __future__ import annotations

from itertools import pairwise

import pytest

from indexer.recorder.timebase import PacketArrival, PlacedPacket, Timebase, WallClockAnchor

WALL = 1_795_000_000_000.0
STEP = 40.0


class Line:
    """A connection: stamps and arrivals in, places out."""

    def __init__(self) -> None:
        self.timebase, self.anchor = Timebase(), WallClockAnchor()

    def send(self, stamp: float | None, mono: float, wall: float | None = None) -> PlacedPacket:
        at = PacketArrival(WALL + mono if wall is None else wall, 5000 + mono)
        placed = self.timebase.place(stamp, at)
        self.anchor.saw(placed, at)
        return placed


@pytest.fixture
def line() -> Line:
    return Line()


def test_even_frames_lie_where_they_arrived(line: Line) -> None:
    places = [line.send(7_000 + n * STEP, n * STEP) for n in range(50)]
    assert [p.media_ms for p in places] == pytest.approx([n * STEP for n in range(50)])
    assert not any(p.jumped or p.gap for p in places)
    assert line.anchor.settle(0.0) == (round(WALL), False)


def test_a_burst_after_connecting_is_late_not_early(line: Line) -> None:
    """A server that hands out the last two seconds at once must not shift the file into the future."""
    for n in range(50):
        line.send(n * STEP, 1.0)
    for n in range(50, 100):
        line.send(n * STEP, 1.0 + (n - 49) * STEP)
    start, _ = line.anchor.settle(0.0)
    assert start == pytest.approx(WALL + 1.0 - 49 * STEP, abs=2)


@pytest.mark.parametrize("hours", [1, -1, 5])
def test_the_cameras_clock_may_jump(line: Line, hours: int) -> None:
    for n in range(50):
        line.send(n * STEP, n * STEP)
    jumped = line.send(50 * STEP + hours * 3_600_000, 50 * STEP)
    after = line.send(51 * STEP + hours * 3_600_000, 51 * STEP)
    assert jumped.jumped
    assert not jumped.gap
    assert not after.jumped
    assert after.media_ms == pytest.approx(51 * STEP, abs=1)
    assert line.anchor.settle(0.0) == (round(WALL), False)


@pytest.mark.parametrize("seconds", [3600, -3600, -5])
def test_the_machines_clock_may_be_set(line: Line, seconds: int) -> None:
    for n in range(50):
        line.send(n * STEP, n * STEP)
    first, _ = line.anchor.settle(0.0)
    step = line.send(50 * STEP, 50 * STEP, WALL + 50 * STEP + seconds * 1000)
    assert step.restarted
    assert step.jumped
    for n in range(51, 100):
        line.send(n * STEP, n * STEP, WALL + n * STEP + seconds * 1000)
    start, drifted = line.anchor.settle(50 * STEP)
    assert first == round(WALL)
    assert drifted
    assert start == pytest.approx(WALL + 50 * STEP + seconds * 1000, abs=2)


def test_missing_frames_are_a_gap_and_late_ones_are_not(line: Line) -> None:
    for n in range(50):
        line.send(n * STEP, n * STEP)
    late = line.send(50 * STEP, 5_000.0)  # the network held it, and all that follow, back
    assert not late.gap
    assert not late.jumped
    missing = line.send(50 * STEP + 3_000, 8_000.0)
    assert missing.gap
    assert not missing.jumped


def test_a_slow_stream_has_no_gaps(line: Line) -> None:
    places = [line.send(n * 1500.0, n * 1500.0) for n in range(100)]
    assert not any(p.gap or p.jumped for p in places[60:])


def test_stamps_that_waver_do_not_run_away(line: Line) -> None:
    """A camera whose stamps are off by a fifth of a second, one way and the other, for a minute."""
    for n in range(1500):
        line.send(n * STEP + (200 if n % 3 else -200), n * STEP)
    placed = line.send(1500 * STEP, 1500 * STEP)
    assert placed.media_ms == pytest.approx(1500 * STEP, abs=401)


def test_no_stamps_and_small_steps_back(line: Line) -> None:
    line.send(None, 0.0)
    line.send(None, 40.0)
    places = [line.send(100.0, 80.0), line.send(100.0, 120.0), line.send(60.0, 160.0)]
    assert [b.media_ms > a.media_ms for a, b in pairwise(places)] == [True, True]
    assert not any(p.jumped for p in places)


def test_files_follow_one_another_without_seams_while_the_clock_drifts(line: Line) -> None:
    """The camera's clock runs 0.1 % fast; after an hour the files lie where the machine's clock says."""
    ends, n = [], 0
    for _ in range(360):
        first = line.timebase.place(n * STEP * 1.001, PacketArrival(WALL + n * STEP, n * STEP)) if not n else None
        start_media = first.media_ms if first else line.send(n * STEP * 1.001, n * STEP).media_ms
        for _ in range(249):
            n += 1
            line.send(n * STEP * 1.001, n * STEP)
        n += 1
        start, drifted = line.anchor.settle(start_media)
        assert not drifted
        ends.append(start)
    steps = [b - a for a, b in pairwise(ends)]
    assert max(abs(step - 10_010) for step in steps) <= 21
    assert ends[-1] == pytest.approx(WALL + 359 * 10_000, abs=100)
