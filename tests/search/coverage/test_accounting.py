"""Every second of a live camera is accounted for: against a plain account that looks at each moment by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.coverage.accounting import DEAD_MS, INDEXED, account, shared_out, state_of, tail
from search.coverage.answer_gaps import answer_gaps
from search.intervals import Interval, cut_at, partition
from search.stream_types import JOIN_MS, Gap, Health, Reason, Stream, StreamState
from search.types import Camera, Filter, Segment, SegmentReport, SegmentState, StartSource, StreamRole

T = 1_789_999_200_000
"""A full hour."""
HOUR = 3_600_000


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        yield opened


def add(
    catalog: Catalog, camera: str = "gate", since: int = T, roles: tuple[StreamRole, ...] = (StreamRole.MAIN,)
) -> Stream:
    """A live camera; the stream that is indexed."""
    catalog.cameras.add(Camera(camera))
    streams = [Stream(camera, role, "sealed", "rtsp://***", since) for role in roles]
    catalog.streams.set(camera, streams)
    return streams[-1]


def segment(start: int, end: int, camera: str = "gate", role: StreamRole = StreamRole.MAIN) -> Segment:
    sha = f"{camera}{role}{start}-{end}"
    id_ = segment_id(camera, sha)
    return Segment(id_, camera, f"/r/{sha}.mp4", sha, 1, start, StartSource.RECORDER, end - start, 64, 64, role=role)


def store(
    catalog: Catalog, one: Segment, state: SegmentState = SegmentState.INDEXED, reason: str = "undecodable"
) -> None:
    """A segment as it is after recording, indexing, or failing to."""
    done = state in (SegmentState.INDEXED, SegmentState.SKIPPED)
    catalog.recordings.write(RecorderUpdate(segments=[(one, SegmentState.PENDING if done else state)]))
    if done:
        catalog.segments.finish(SegmentReport(one, state, reason=reason if state is SegmentState.SKIPPED else ""))


def gap(start: int, end: int, reason: Reason = Reason.NOT_CONNECTED, camera: str = "gate") -> Gap:
    return Gap(camera, StreamRole.MAIN, start, end, reason)


def told(now: int, **values: object) -> Health:
    return replace(Health("gate", StreamRole.MAIN, StreamState.RECORDING, updated_ms=now), **values)  # type: ignore[arg-type]


def labels(catalog: Catalog, start: int, end: int, now: int) -> list[tuple[int, int, str]]:
    """The pieces of the gate in seconds after T."""
    pieces = shared_out(catalog, start, end, now).get("gate", [])
    return [((p.start - T) // 1000, (p.end - T) // 1000, str(p.label)) for p in pieces]


# pure intervals --------------------------------------------------------------------------------------------------

ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from("abc")), max_size=8)


def plain(start: int, end: int, files: list[Interval], gaps: list[Interval], join: int) -> list[tuple[str, bool]]:
    """(label, recorded) of each moment, looked at by itself."""
    found: list[tuple[str, bool]] = []
    for moment in range(start, end):
        over = [f for f in files if f.start <= moment < f.end and f.end > start and f.start < end]
        why = [g for g in gaps if g.start <= moment < g.end]
        if over:
            found.append((min(over, key=lambda f: (f.start, f.end)).label, True))
        else:
            found.append((min(why, key=lambda g: (g.start, g.end)).label if why else "", False))
    return joined(found, join)


def joined(moments: list[tuple[str, bool]], join: int) -> list[tuple[str, bool]]:
    """Short holes between what is recorded, or at the ends, go to the file before them, or else to the one after."""
    found = list(moments)
    at = 0
    while at < len(found):
        upto = at
        while upto < len(found) and not moments[upto][1]:
            upto += 1
        if 0 < upto - at <= join:
            beside = moments[at - 1] if at else (moments[upto] if upto < len(found) else None)
            if beside is not None:
                found[at:upto] = [beside] * (upto - at)
        at = max(upto, at + 1)
    return found


@settings(max_examples=400)
@given(ranges, ranges, st.integers(0, 40), st.integers(0, 50), st.integers(0, 4))
def test_a_range_is_shared_out_as_if_each_moment_were_looked_at(
    files: list[tuple[int, int, str]], gaps: list[tuple[int, int, str]], start: int, length: int, join: int
) -> None:
    recorded = [Interval(at, at + n, f"file {label}") for at, n, label in files]
    reasons = [Interval(at, at + n, f"gap {label}", recorded=False) for at, n, label in gaps]
    pieces = partition(start, start + length, recorded, reasons, join)
    moments = [(piece.label, piece.recorded) for piece in pieces for _ in range(piece.length)]
    assert moments == plain(start, start + length, recorded, reasons, join)
    assert all(piece.length > 0 for piece in pieces)
    cut = list(cut_at(pieces, 7))
    assert [(p.label, p.recorded) for p in cut for _ in range(p.length)] == moments
    assert all(p.start // 7 == (p.end - 1) // 7 for p in cut)


# the account of random recordings --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """What happens next, in seconds."""

    kind: str
    seconds: int


KINDS = ("indexed", "waiting", "undecodable", "not connected", "no frames", "deleted by retention", "unexplained")
steps = st.lists(st.builds(Step, st.sampled_from(KINDS), st.integers(1, 900)), min_size=1, max_size=14)
STATES = {"indexed": SegmentState.INDEXED, "waiting": SegmentState.LEASED, "undecodable": SegmentState.SKIPPED}


@settings(max_examples=60)
@given(steps, st.integers(-4000, 4000), st.integers(1, 9000), st.integers(0, 300))
def test_every_second_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, story: list[Step], begin: int, length: int, jitter: int
) -> None:
    seconds = [step.kind for step in story for _ in range(step.seconds)]
    now = T + 1000 * len(seconds)
    with Catalog(f"sqlite:///{tmp_path_factory.mktemp('story') / 'c.sqlite'}") as catalog:
        add(catalog)
        tell_story(catalog, story, jitter)
        catalog.recordings.write(RecorderUpdate(health=[told(now)]))
        start, end = T + 1000 * begin, T + 1000 * (begin + length)
        lines = account(catalog, start, end, now)
    expected = Counter(seconds[max(0, begin) : max(0, begin + length)])
    sums: Counter[str] = Counter()
    for line in lines:
        assert line.expected_ms == line.end_ms - line.start_ms == line.recorded_ms + sum(line.missing.values())
        assert line.recorded_ms == line.indexed_ms + sum(line.not_indexed.values())
        assert line.start_ms // HOUR == (line.end_ms - 1) // HOUR
        assert set(line.not_indexed) <= {"waiting", "undecodable"}
        assert set(line.missing) <= set(KINDS) - set(STATES)
        sums.update({INDEXED: line.indexed_ms} | dict(line.not_indexed) | dict(line.missing))
    assert sum(sums.values()) == 1000 * sum(expected.values())
    wrong = 2 * len(story) * (jitter + 1)  # at most the jitter at each end of a file
    assert all(abs(sums[kind] - 1000 * expected[kind]) <= wrong for kind in KINDS)


def tell_story(catalog: Catalog, story: list[Step], jitter: int) -> None:
    """Write it as recorder, indexer and retention do: files of 10 s, `jitter` ms short where others follow."""
    at = T
    for n, step in enumerate(story):
        end = at + 1000 * step.seconds
        if step.kind in STATES:
            for start in range(at, end, 10_000):
                stop = min(start + 10_000, end)
                follows = stop < end or (n + 1 < len(story) and story[n + 1].kind in STATES)
                store(catalog, segment(start, stop - (jitter if follows else 0)), STATES[step.kind])
        elif step.kind != "unexplained":
            catalog.recordings.write(RecorderUpdate(gaps=[gap(at, end, Reason(step.kind))]))
        at = end


def test_segments_that_follow_each_other_come_as_one(catalog: Catalog) -> None:
    stream = add(catalog)
    for n in range(6):
        store(catalog, segment(T + 10_000 * n + n, T + 10_000 * (n + 1)), SegmentState.INDEXED)
    store(catalog, segment(T + 60_000, T + 70_000), SegmentState.SKIPPED, "undecodable")
    store(catalog, segment(T + 70_000, T + 80_000), SegmentState.SKIPPED, "load")
    store(catalog, segment(T + 80_000, T + 90_000), SegmentState.PENDING)
    store(catalog, segment(T + 90_000, T + 100_000), SegmentState.LEASED)
    store(catalog, segment(T + 100_000 + JOIN_MS + 1, T + 120_000), SegmentState.PENDING)
    store(catalog, segment(T + 120_000, T + 130_000), SegmentState.DELETING)
    found = [(p.start - T, p.end - T, str(p.label)) for p in catalog.coverage.spans(stream, T, T + HOUR)]
    assert found == [
        (0, 60_000, "indexed"),
        (60_000, 70_000, "undecodable"),
        (70_000, 80_000, "load"),
        (80_000, 100_000, "waiting"),
        (100_501, 120_000, "waiting"),
    ]
    assert catalog.coverage.spans(stream, T + 5_000, T + 6_000) == [Interval(T, T + 10_000, "indexed")]


def test_the_stream_that_is_indexed_counts(catalog: Catalog) -> None:
    add(catalog, roles=(StreamRole.MAIN, StreamRole.SUB))
    store(catalog, segment(T, T + 60_000), SegmentState.KEPT)
    store(catalog, segment(T, T + 20_000, role=StreamRole.SUB))
    catalog.recordings.write(RecorderUpdate(health=[told(T + 60_000, role=StreamRole.SUB)]))
    assert labels(catalog, T, T + HOUR, T + 60_000) == [(0, 20, "indexed"), (20, 60, "unexplained")]


# the newest seconds ----------------------------------------------------------------------------------------------


def test_the_open_file_waits_and_silence_after_it_is_missing(catalog: Catalog) -> None:
    add(catalog)
    store(catalog, segment(T, T + 10_000))
    catalog.recordings.write(
        RecorderUpdate(health=[told(T + 20_000, open_since_ms=T + 10_000, last_frame_ms=T + 17_000)])
    )
    assert labels(catalog, T, T + HOUR, T + 21_000) == [
        (0, 10, "indexed"), (10, 17, "waiting"), (17, 20, "no frames"),
    ]  # fmt: skip


def test_a_file_that_is_being_completed_waits(catalog: Catalog) -> None:
    add(catalog)
    store(catalog, segment(T, T + 10_000))
    catalog.recordings.write(
        RecorderUpdate(health=[told(T + 25_000, open_since_ms=T + 20_000, last_frame_ms=T + 25_000)])
    )
    assert labels(catalog, T, T + HOUR, T + 25_000) == [(0, 10, "indexed"), (10, 20, "waiting"), (20, 25, "waiting")]
    assert labels(catalog, T, T + 15_000, T + 25_000) == [(0, 10, "indexed"), (10, 15, "waiting")]
    (line,) = account(catalog, T, T + HOUR, T + 25_000)
    assert (line.recorded_ms, line.indexed_ms, line.missing) == (25_000, 10_000, {})


def test_no_file_is_completed_for_hours(catalog: Catalog) -> None:
    now = T + 2 * HOUR
    add(catalog)
    store(catalog, segment(T, T + 10_000))
    catalog.recordings.write(RecorderUpdate(health=[told(now, open_since_ms=now - 5_000, last_frame_ms=now)]))
    assert labels(catalog, T, now, now) == [(0, 10, "indexed"), (10, 7195, "unexplained"), (7195, 7200, "waiting")]
    assert labels(catalog, T, T + HOUR, now) == [(0, 10, "indexed"), (10, 3600, "unexplained")]


@pytest.mark.parametrize("state", [StreamState.RECORDING, StreamState.STOPPED])
def test_a_recorder_that_tells_nothing_is_not_running(catalog: Catalog, state: StreamState) -> None:
    add(catalog)
    store(catalog, segment(T, T + 10_000))
    last = told(T + 40_000, state=state, open_since_ms=T + 10_000, last_frame_ms=T + 39_000)
    catalog.recordings.write(RecorderUpdate(health=[last]))
    late = T + 40_000 + DEAD_MS + 1000
    assert labels(catalog, T, T + HOUR, late) == [(0, 10, "indexed"), (10, 56, "recorder not running")]


def test_a_recorder_that_was_stopped_is_not_running_at_once(catalog: Catalog) -> None:
    add(catalog)
    store(catalog, segment(T, T + 10_000))
    catalog.recordings.write(RecorderUpdate(health=[told(T + 10_000, state=StreamState.STOPPED)]))
    assert labels(catalog, T, T + HOUR, T + 12_000) == [(0, 10, "indexed"), (10, 12, "recorder not running")]


def test_a_new_stream_is_not_recorded_yet_and_an_old_one_has_no_recorder(catalog: Catalog) -> None:
    stream = add(catalog)
    assert state_of(stream, None, T + DEAD_MS) is Reason.NOT_YET
    assert state_of(stream, None, T + DEAD_MS + 1) is Reason.NOT_RUNNING
    last = told(T, state=StreamState.NO_FRAMES)
    assert state_of(stream, last, T + DEAD_MS) is StreamState.NO_FRAMES
    assert state_of(stream, last, T + DEAD_MS + 1) is Reason.NOT_RUNNING


def test_a_camera_that_no_recorder_knows(catalog: Catalog) -> None:
    add(catalog)
    assert labels(catalog, T - HOUR, T + HOUR, T + 60_000) == [(0, 60, "recorder not running")]
    assert account(catalog, T - HOUR, T, T + 60_000) == []


def test_a_gap_that_goes_on_explains_up_to_the_last_word(catalog: Catalog) -> None:
    stream = add(catalog)
    down = told(T + 30_000, state=StreamState.UNREACHABLE)
    catalog.recordings.write(RecorderUpdate(gaps=[gap(T, T + 30_000)], health=[down]))
    assert labels(catalog, T, T + HOUR, T + 31_000) == [(0, 30, "not connected")]
    assert tail(stream, down, T + 31_000) == ([], [], T + 30_000)


def test_what_retention_deleted_is_a_gap_and_what_it_is_about_to(catalog: Catalog) -> None:
    add(catalog)
    store(catalog, segment(T, T + 10_000), SegmentState.DELETING)
    store(catalog, segment(T + 10_000, T + 20_000))
    catalog.recordings.write(RecorderUpdate(gaps=[gap(T, T + 10_000, Reason.DELETED)], health=[told(T + 20_000)]))
    assert labels(catalog, T, T + HOUR, T + 20_000) == [(0, 10, "deleted by retention"), (10, 20, "indexed")]


# what an answer says ---------------------------------------------------------------------------------------------


def test_an_answer_is_behind_only_as_far_as_recordings_wait(catalog: Catalog) -> None:
    now = T + HOUR
    add(catalog)
    store(catalog, segment(T, T + 10_000))
    catalog.recordings.write(
        RecorderUpdate(gaps=[gap(T + 10_000, now)], health=[told(now, state=StreamState.UNREACHABLE)])
    )
    assert answer_gaps(catalog, Filter(), now).behind_ms == 0, "an hour without a connection is a gap"
    store(catalog, segment(now - 20_000, now - 10_000), SegmentState.PENDING)
    store(catalog, segment(now - 10_000, now), SegmentState.LEASED)
    assert answer_gaps(catalog, Filter(), now).behind_ms == 20_000
    store(catalog, segment(now - 9_000, now))
    assert answer_gaps(catalog, Filter(), now).behind_ms == 0
