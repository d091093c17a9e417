"""The recorder's account: every moment is in a file or in a gap with a reason, whatever happens."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from indexer.recorder.gap_ledger import GapLedger
from search.catalog.recordings import RecorderUpdate
from search.stream_types import JOIN_MS, Gap, Reason, Stream
from search.types import Segment, SegmentState, StartSource, StreamRole

T0 = 1_795_000_000_000
STREAM = Stream("gate", StreamRole.MAIN, "sealed", "rtsp://gate/", T0)


def segment(start: int, end: int) -> Segment:
    made = Segment(f"{start}-{end}", "gate", "f.mp4", "0" * 64, 1, T0 + start, StartSource.RECORDER)
    return replace(made, duration_ms=end - start, role=StreamRole.MAIN)


class Book:
    """What the catalogue would hold."""

    def __init__(self) -> None:
        self.gaps: dict[int, Gap] = {}
        self.files: list[Segment] = []

    def take(self, written: RecorderUpdate) -> None:
        self.files += [file for file, _ in written.segments]
        for gap in written.no_gaps:
            self.gaps.pop(gap.start_ms, None)
        self.gaps |= {gap.start_ms: gap for gap in written.gaps}

    def holes(self, until: int) -> list[tuple[int, int]]:
        """Ranges that nothing explains."""
        spans = [(f.start_ms, f.end_ms) for f in self.files] + [(g.start_ms, g.end_ms) for g in self.gaps.values()]
        at, found = T0, []
        for start, end in sorted(spans):
            if start > at:
                found.append((at - T0, start - T0))
            at = max(at, end)
        if at < T0 + until:
            found.append((at - T0, until))
        return found


def file(account: GapLedger, book: Book, start: int, end: int) -> None:
    """A file is written and completed."""
    account.frames_from(T0 + start)
    book.take(account.recorded(segment(start, end), SegmentState.PENDING))


def test_what_lay_before_the_recorder_began_is_told_apart() -> None:
    account, book = GapLedger(STREAM, T0, T0 + 60_000), Book()
    book.take(RecorderUpdate(gaps=account.open_gaps(T0 + 61_000)))
    account.frames_from(T0 + 62_000)
    book.take(account.recorded(segment(62_000, 72_000), SegmentState.PENDING))
    reasons = [(g.start_ms - T0, g.end_ms - T0, g.reason) for g in book.gaps.values()]
    assert reasons == [(0, 60_000, Reason.NOT_RUNNING), (60_000, 62_000, Reason.NOT_CONNECTED)]


def test_a_new_recorder_that_finds_all_told_has_no_gap() -> None:
    account, book = GapLedger(STREAM, T0, T0 + 100), Book()
    file(account, book, 300, 10_300)
    assert book.gaps == {}


def test_a_gap_ends_where_the_file_begins_even_if_that_is_known_late() -> None:
    account, book = GapLedger(STREAM, T0, T0), Book()
    account.trouble(Reason.REFUSED, "wrong", T0 + 5_000)
    book.take(RecorderUpdate(gaps=account.open_gaps(T0 + 20_000)))
    account.frames_from(T0 + 22_000)
    book.take(RecorderUpdate(gaps=account.open_gaps(T0 + 31_000)))
    assert max(g.end_ms for g in book.gaps.values()) == T0 + 22_000
    book.take(account.recorded(segment(21_000, 31_000), SegmentState.PENDING))
    assert max(g.end_ms for g in book.gaps.values()) == T0 + 21_000
    assert account.open_gaps(T0 + 40_000) == []


def test_a_file_that_was_lost_becomes_a_gap_and_one_that_was_saved_does_not() -> None:
    account, book = GapLedger(STREAM, T0, T0), Book()
    file(account, book, 0, 10_000)
    account.frames_from(T0 + 10_000)
    account.trouble(Reason.DISK_FULL, "full", T0 + 15_000)
    book.take(RecorderUpdate(gaps=account.open_gaps(T0 + 18_000)))
    assert [(g.start_ms - T0, g.end_ms - T0) for g in book.gaps.values()] == [(10_000, 18_000)]
    book.take(account.recorded(segment(10_000, 14_000), SegmentState.PENDING))
    book.take(RecorderUpdate(gaps=account.open_gaps(T0 + 20_000)))
    assert [(g.start_ms - T0, g.end_ms - T0, g.reason) for g in book.gaps.values()] == [
        (14_000, 20_000, Reason.DISK_FULL)
    ]


def test_the_machines_clock_alone_can_part_two_files() -> None:
    account, book = GapLedger(STREAM, T0, T0), Book()
    file(account, book, 0, 10_000)
    file(account, book, 13_000, 23_000)
    assert [(g.start_ms - T0, g.end_ms - T0, g.reason) for g in book.gaps.values()] == [
        (10_000, 13_000, Reason.CLOCK_JUMP)
    ]


@given(st.lists(st.tuples(st.sampled_from(["file", "trouble", "tell", "lost"]), st.integers(0, 20_000)), max_size=25))
def test_nothing_is_ever_unexplained(steps: list[tuple[str, int]]) -> None:
    account, book, now = GapLedger(STREAM, T0, T0), Book(), 0
    for what, length in steps:
        start, now = now, now + length
        if what == "file" and length:
            account.frames_from(T0 + start)
            book.take(account.recorded(segment(start, now), SegmentState.PENDING))
        elif what == "lost":
            account.frames_from(T0 + start)
            account.trouble(Reason.NOT_CONNECTED, "", T0 + now)
        elif what == "trouble":
            account.trouble(Reason.NO_FRAMES, str(length % 3), T0 + now)
        book.take(RecorderUpdate(gaps=account.open_gaps(T0 + now)))
    account.trouble(Reason.NOT_CONNECTED, "end", T0 + now)
    book.take(RecorderUpdate(gaps=account.open_gaps(T0 + now)))
    assert all(end - start <= JOIN_MS for start, end in book.holes(now))
