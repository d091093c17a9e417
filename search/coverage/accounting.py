"""Account of every second of a live camera: expected = recorded + missing, recorded = indexed + not indexed.

"Nothing found" must never be mistaken for "was not there": every answer says what of its range nobody could look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from search.catalog import Catalog
from search.intervals import Interval, cut_at, partition
from search.stream_types import JOIN_MS, LONGEST_LIVE_MS, Health, Reason, Stream, StreamState
from search.types import SegmentState

HOUR_MS = 3_600_000
DEAD_MS = 15_000
"""A recorder that has written nothing for so long is not running."""
INDEXED = SegmentState.INDEXED.value


@dataclass(frozen=True, slots=True)
class CoverageHour:
    """One camera in one range (an hour, or the requested part of it); milliseconds. The sums hold:
    expected = recorded + missing, recorded = indexed + not_indexed.
    """  # noqa: D205

    camera_id: str
    start_ms: int
    end_ms: int
    indexed_ms: int = 0
    not_indexed: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def recorded_ms(self) -> int:
        """Return the ms in files, or in the one that is being written."""
        return self.indexed_ms + sum(self.not_indexed.values())

    @property
    def expected_ms(self) -> int:
        """Return the ms that were to be recorded."""
        return self.recorded_ms + sum(self.missing.values())

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, in seconds."""
        return {
            "camera": self.camera_id,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "expected_s": self.expected_ms / 1000,
            "recorded_s": self.recorded_ms / 1000,
            "indexed_s": self.indexed_ms / 1000,
            "not_indexed_s": {label: ms / 1000 for label, ms in self.not_indexed.items()},
            "missing_s": {label: ms / 1000 for label, ms in self.missing.items()},
        }


def account(
    catalog: Catalog, from_ms: int, to_ms: int, now_ms: int, cameras: Collection[str] = (), step_ms: int = HOUR_MS
) -> list[CoverageHour]:
    """Return the coverage of live cameras by camera and hour (`step_ms`), without hours in which nothing was expected.

    Args:
        catalog: the catalogue.
        from_ms: start of the range.
        to_ms: its end; the future is not expected.
        now_ms: this moment.
        cameras: only these; empty: all.
        step_ms: length of a line.
    """
    result: list[CoverageHour] = []
    for camera_id, pieces in shared_out(catalog, from_ms, to_ms, now_ms, cameras).items():
        lines = groupby(cut_at(pieces, step_ms), key=lambda piece: piece.start // step_ms)
        result += [_line(camera_id, list(line)) for _, line in lines]
    return result


def shared_out(
    catalog: Catalog, from_ms: int, to_ms: int, now_ms: int, cameras: Collection[str] = ()
) -> dict[str, list[Interval]]:
    """Return camera id -> its expected time in the range, in intervals that follow one another."""
    streams = [s for s in catalog.streams.indexed() if not cameras or s.camera_id in cameras]
    health = {(h.camera_id, h.role): h for h in catalog.recordings.health()}
    before = _by_stream(catalog, from_ms, to_ms, cameras)
    files = {s.camera_id: catalog.coverage.spans(s, from_ms, to_ms) for s in streams}
    gaps = _by_stream(
        catalog, from_ms, to_ms, cameras
    )  # again: meanwhile a file may have become a gap, or a gap a file
    result = {}
    for stream in streams:
        key = (stream.camera_id, stream.role)
        more_files, more_gaps, until = tail(stream, health.get(key), now_ms)
        start, end = max(from_ms, stream.since_ms), min(to_ms, until)
        if end > start:
            why = [*gaps.get(key, ()), *before.get(key, ()), *more_gaps]
            pieces = partition(start, end, [*files[stream.camera_id], *more_files], why, JOIN_MS)
            result[stream.camera_id] = _with_reasons(pieces, more_files, end)
    return result


def is_alive(health: Health, now_ms: int) -> bool:
    """Return whether a recorder still reports the stream."""
    return now_ms - health.updated_ms <= DEAD_MS and health.state is not StreamState.STOPPED


def state_of(stream: Stream, health: Health | None, now_ms: int) -> StreamState | Reason:
    """Return the state to show of a stream; the last report of a dead recorder does not count."""
    if health is not None and is_alive(health, now_ms):
        return health.state
    is_new = health is None and now_ms - stream.since_ms <= DEAD_MS  # no recorder can have written of it yet
    return Reason.NOT_YET if is_new else Reason.NOT_RUNNING


def tail(stream: Stream, health: Health | None, now_ms: int) -> tuple[list[Interval], list[Interval], int]:
    """Return files, gaps and the end of what is known, for the newest seconds that no stored file or gap covers yet."""
    if health is None:
        return [], [Interval(stream.since_ms, now_ms, Reason.NOT_RUNNING, recorded=False)], now_ms
    reported = health.updated_ms
    if not is_alive(health, now_ms):
        begun = min(reported - DEAD_MS, health.open_since_ms or reported)  # a file that was cut off waits
        return [], [Interval(begun, now_ms, Reason.NOT_RUNNING, recorded=False)], now_ms
    if not health.open_since_ms:
        return [], [], reported
    begun = max(health.open_since_ms, health.last_frame_ms)
    silence = [Interval(begun, reported, Reason.NO_FRAMES, recorded=False)]
    return [Interval(health.open_since_ms, begun, Reason.WAITING, detail="being recorded")], silence, reported


def _with_reasons(pieces: Sequence[Interval], open_files: Sequence[Interval], end: int) -> list[Interval]:
    """Label intervals without a reason as unexplained, but for a file that is just being completed.

    That one lies directly before the open file (or the `end` of the range), and no file is longer than the longest.
    """
    named = []
    for piece in pieces:
        if piece.label:
            named.append(piece)
        elif any(piece.end == min(f.start, end) and f.start - piece.start <= LONGEST_LIVE_MS for f in open_files):
            named.append(Interval(piece.start, piece.end, Reason.WAITING, detail="being recorded"))
        else:
            named.append(Interval(piece.start, piece.end, Reason.UNEXPLAINED, recorded=False))
    return named


def _by_stream(
    catalog: Catalog, from_ms: int, to_ms: int, cameras: Collection[str]
) -> dict[tuple[str, str], list[Interval]]:
    result: dict[tuple[str, str], list[Interval]] = {}
    for gap in catalog.recordings.gaps(from_ms, to_ms, cameras):
        piece = Interval(gap.start_ms, gap.end_ms, gap.reason, recorded=False, detail=gap.detail)
        result.setdefault((gap.camera_id, gap.role), []).append(piece)
    return result


def _line(camera_id: str, pieces: Sequence[Interval]) -> CoverageHour:
    recorded = _sums(piece for piece in pieces if piece.recorded)
    indexed = recorded.pop(INDEXED, 0)
    missing = _sums(piece for piece in pieces if not piece.recorded)
    return CoverageHour(camera_id, pieces[0].start, pieces[-1].end, indexed, recorded, missing)


def _sums(pieces: Iterable[Interval]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for piece in pieces:
        sums[str(piece.label)] += piece.length
    return dict(sums)
