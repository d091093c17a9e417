"""What an answer says about time that nobody could look at: every kind of gap, in range, out of range, and none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.coverage.answer_gaps import LISTED, AnswerGaps, answer_gaps
from search.stream_types import Gap, Health, Reason, Stream, StreamState
from search.types import Camera, Filter, Segment, SegmentReport, SegmentState, StartSource, StreamRole

NOW = 1_795_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR


class World:
    """A catalogue in which gate has been recorded for ten days, up to now."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.sqlite'}").open()
        self.add("gate")

    def close(self) -> None:
        self.catalog.close()

    def add(self, camera: str, since: int = NOW - 10 * DAY, updated: int = NOW) -> None:
        self.catalog.cameras.add(Camera(camera))
        self.catalog.streams.set(camera, [Stream(camera, StreamRole.MAIN, "sealed", "rtsp://x/", since)])
        health = Health(camera, StreamRole.MAIN, StreamState.RECORDING, last_frame_ms=updated, open_since_ms=updated)
        self.catalog.recordings.write(RecorderUpdate(health=[replace(health, updated_ms=updated)]))

    def gap(self, start: int, end: int, reason: Reason = Reason.NO_FRAMES, camera: str = "gate") -> None:
        self.catalog.recordings.write(
            RecorderUpdate(gaps=[Gap(camera, StreamRole.MAIN, NOW + start, NOW + end, reason)])
        )

    def file(self, start: int, state: SegmentState, role: StreamRole = StreamRole.MAIN, reason: str = "") -> None:
        id_ = segment_id("gate", str(start))
        made = Segment(id_, "gate", "f.mp4", "0" * 64, 1, NOW + start, StartSource.RECORDER, 10_000, role=role)
        self.catalog.recordings.write(RecorderUpdate(segments=[(made, SegmentState.PENDING)]))
        if state is not SegmentState.PENDING:
            self.catalog.segments.finish(SegmentReport(made, state, reason=reason))

    def told(self, **where: object) -> AnswerGaps:
        return answer_gaps(self.catalog, Filter(**where), NOW)  # type: ignore[arg-type]

    def gaps(self, **where: object) -> list[tuple[str, int, int, str]]:
        return [(c, p.start - NOW, p.end - NOW, str(p.label)) for c, p in self.told(**where).gaps]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with closing(World(tmp_path)) as made:
        yield made


def test_a_camera_that_was_always_recorded_has_no_gap(world: World) -> None:
    world.file(-60_000, SegmentState.INDEXED)
    told = world.told(start_ms=NOW - HOUR)
    assert (told.cameras, told.with_gaps, list(told.gaps)) == (1, 0, [])


def test_gaps_count_in_the_range_and_only_there(world: World) -> None:
    world.gap(-2 * HOUR, -HOUR)
    assert world.gaps(start_ms=NOW - 90 * 60_000) == [("gate", -90 * 60_000, -HOUR, "no frames")]
    assert world.gaps(start_ms=NOW - 30 * 60_000) == []
    assert world.gaps(end_ms=NOW - 90 * 60_000) == [("gate", -2 * HOUR, -90 * 60_000, "no frames")]


def test_without_a_time_the_last_day_is_told_about(world: World) -> None:
    world.gap(-26 * HOUR, -23 * HOUR)
    assert world.gaps() == [("gate", -24 * HOUR, -23 * HOUR, "no frames")]


def test_what_is_not_indexed_is_told_however_old(world: World) -> None:
    world.file(-100 * HOUR, SegmentState.SKIPPED, StreamRole.FILE, "undecodable")
    world.file(-90 * HOUR, SegmentState.PENDING, StreamRole.FILE)
    assert world.gaps() == [
        ("gate", -100 * HOUR, -100 * HOUR + 10_000, "undecodable"),
        ("gate", -90 * HOUR, -90 * HOUR + 10_000, "waiting"),
    ]
    assert world.told().waiting_ms == 10_000, "what cannot be indexed does not wait"


def test_what_waits_for_a_moment_is_no_gap(world: World) -> None:
    world.file(-30_000, SegmentState.PENDING)
    assert world.gaps() == []
    assert world.told().behind_ms == 10_000, "as much as waits"


def test_a_backlog_is_told_up_to_the_last_minute(world: World) -> None:
    for n in range(30):
        world.file(-10_000 * (n + 1), SegmentState.PENDING)
    assert world.gaps() == [("gate", -300_000, -60_000, "waiting")]
    assert world.gaps(start_ms=NOW - 100_000) == [("gate", -100_000, -60_000, "waiting")]
    assert (world.told().waiting_ms, world.told(start_ms=NOW - 100_000).waiting_ms) == (300_000, 100_000)


def test_what_was_recorded_live_and_is_not_indexed_is_told_for_the_last_day(world: World) -> None:
    world.file(-100 * HOUR, SegmentState.SKIPPED, reason="undecodable")
    world.file(-24 * HOUR - 5_000, SegmentState.SKIPPED, reason="undecodable")
    assert world.gaps() == [("gate", -24 * HOUR, -24 * HOUR + 5_000, "undecodable")]
    assert ("gate", -100 * HOUR, -100 * HOUR + 10_000, "undecodable") in world.gaps(start_ms=NOW - 101 * HOUR)


def test_a_file_that_reaches_into_the_range_counts_from_there(world: World) -> None:
    world.file(-HOUR, SegmentState.SKIPPED, StreamRole.FILE, "undecodable")
    assert world.gaps(start_ms=NOW - HOUR + 4_000) == [("gate", -HOUR + 4_000, -HOUR + 10_000, "undecodable")]


def test_neighbours_with_one_reason_are_one_gap(world: World) -> None:
    world.gap(-30_000, -20_000)
    world.gap(-20_000, -10_000)
    world.gap(-10_000, -5_000, Reason.DISK_FULL)
    world.gap(-1_500, -800)
    assert world.gaps() == [("gate", -30_000, -10_000, "no frames"), ("gate", -10_000, -5_000, "disk full")]


def test_only_the_cameras_of_the_question(world: World) -> None:
    world.add("hall")
    world.gap(-30_000, -20_000, camera="hall")
    assert world.told(cameras=("gate",)).with_gaps == 0
    assert (world.told().cameras, world.told().with_gaps) == (2, 1)


def test_a_recorder_that_died_is_a_gap(world: World) -> None:
    world.add("hall", updated=NOW - HOUR)
    (camera, start, end, reason), *_ = world.gaps()
    assert (camera, end, reason) == ("hall", 0, "recorder not running")
    assert start == pytest.approx(-HOUR, abs=20_000)


def test_who_asks_about_a_time_before_the_camera_was_there_is_told(world: World) -> None:
    assert world.gaps(start_ms=NOW - 11 * DAY) == [("gate", -11 * DAY, -10 * DAY, "not recorded yet")]


def test_imported_recordings_from_before_are_no_gap(world: World) -> None:
    world.file(-10 * DAY - 3 * HOUR, SegmentState.INDEXED, StreamRole.FILE)
    begin = -10 * DAY - 3 * HOUR + 10_000
    assert world.gaps(start_ms=NOW - 11 * DAY) == [("gate", begin, -10 * DAY, "not recorded yet")]
    assert world.gaps(start_ms=NOW - 10 * DAY - HOUR) == [("gate", -10 * DAY - HOUR, -10 * DAY, "not recorded yet")]


def test_ranges_without_a_moment(world: World) -> None:
    world.gap(-HOUR, 0)
    for where in ({"end_ms": 0}, {"start_ms": NOW + 1}, {"start_ms": NOW + 1, "end_ms": NOW + 2}):
        assert world.gaps(**where) == []
    assert world.gaps(end_ms=NOW + HOUR) == [("gate", -HOUR, 0, "no frames")], "the future is no gap"


def test_the_longest_are_listed_and_the_others_counted(world: World) -> None:
    for n in range(LISTED + 7):
        world.gap(-20_000 * (n + 1), -20_000 * (n + 1) + 2000 + 10 * (7 * n % (LISTED + 7)))
    told = world.told()
    assert (len(told.gaps), told.more, told.with_gaps) == (LISTED, 7, 1)
    assert [p.length for _, p in told.gaps] == sorted((p.length for _, p in told.gaps), reverse=True)
    assert told.gaps[0][1].length == 2000 + 10 * (LISTED + 6)


def test_cameras_that_are_left_out_are_not_told_about(world: World) -> None:
    world.add("hall", updated=NOW - HOUR)
    world.gap(-30_000, -20_000)
    world.file(-300_000, SegmentState.PENDING)
    everything, without = world.told(), world.told(without=("gate",))
    assert (everything.cameras, {camera for camera, _ in everything.gaps}) == (2, {"gate", "hall"})
    assert (without.cameras, {camera for camera, _ in without.gaps}) == (1, {"hall"})
    assert (everything.behind_ms, without.behind_ms) == (10_000, 0)
    assert world.told(cameras=("gate", "hall"), without=("gate",)).cameras == 1
    assert world.told(without=("gate", "no such camera")).cameras == 1


def test_gaps_of_the_stream_that_is_not_indexed_are_none(world: World) -> None:
    world.gap(-30_000, -20_000)
    world.catalog.recordings.write(
        RecorderUpdate(gaps=[Gap("gate", StreamRole.SUB, NOW - 60_000, NOW - 50_000, Reason.NO_FRAMES)])
    )
    assert [start for _, start, _, _ in world.gaps()] == [-30_000], "no sub-stream: the main one is indexed"
    sub = Stream("gate", StreamRole.SUB, "sealed", "rtsp://x/sub", NOW - DAY)
    world.catalog.streams.set("gate", [Stream("gate", StreamRole.MAIN, "sealed", "rtsp://x/", NOW - 10 * DAY), sub])
    health = Health("gate", StreamRole.SUB, StreamState.RECORDING, last_frame_ms=NOW, open_since_ms=NOW, updated_ms=NOW)
    world.catalog.recordings.write(RecorderUpdate(health=[health]))
    assert [start for _, start, _, _ in world.gaps()] == [-60_000]
    assert ("gate", -2 * DAY, -DAY, "not recorded yet") in world.gaps(start_ms=NOW - 2 * DAY), "since the sub-stream is"


def test_a_recorder_that_stopped_or_shows_nothing_is_told_at_once(world: World) -> None:
    stopped = Health("gate", StreamRole.MAIN, StreamState.STOPPED, last_frame_ms=NOW - 5000, updated_ms=NOW - 3000)
    world.catalog.recordings.write(RecorderUpdate(health=[stopped]))
    assert [reason for *_, reason in world.gaps()] == ["recorder not running"]
    still = replace(stopped, state=StreamState.RECORDING, open_since_ms=NOW - 9000, updated_ms=NOW)
    world.catalog.recordings.write(RecorderUpdate(health=[still]))
    assert world.gaps() == [("gate", -5000, 0, "no frames")]
    world.catalog.recordings.write(RecorderUpdate(health=[replace(still, last_frame_ms=NOW - 500)]))
    assert world.gaps() == []
