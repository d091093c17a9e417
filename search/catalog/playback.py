"""The catalogue's part about clips: which segments may be shown, what lies beside them, which files show a moment.

Queries go by camera and start: a month of one camera is a quarter of a million segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database
from search.catalog.tables import SEGMENT_COLUMNS, to_segment
from search.errors import NotFound
from search.stream_types import JOIN_MS, LIVE_ROLES, LONGEST_LIVE_MS
from search.types import Segment, SegmentState, StreamRole, is_address

SLACK_MS = 100
"""What a stream may show less than the other one of its camera and still count as showing the same."""

_AT_ONCE = 500  # ids in one statement
_RANGES = 64  # ranges in one statement, always the same one: to compile it anew takes longer than to answer it
_Span = tuple[int, int]
_Range = tuple[str, StreamRole, int, int]

_C = tables.segments.c
_KEPT = sa.select(*SEGMENT_COLUMNS, _C.attempts).where(_C.state != SegmentState.DELETING.value)
_IN_RANGES = _KEPT.where(
    sa.or_(
        *(
            sa.and_(
                _C.camera_id == sa.bindparam(f"camera{n}"),
                _C.role == sa.bindparam(f"role{n}"),
                _C.start_ms > sa.bindparam(f"low{n}"),  # for the database's index, which knows starts only
                _C.start_ms < sa.bindparam(f"end{n}"),
                _C.start_ms + _C.duration_ms > sa.bindparam(f"start{n}"),
            )
            for n in range(_RANGES)
        )
    )
)


class PlaybackQueries:
    """Questions about playback, to an open `Database`. Every method raises `Unavailable` where it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def segment(self, segment_id: str) -> Segment:
        """Return a segment for playback. Raises `NotFound` if it is unknown or marked for deletion."""
        result = self.segments([segment_id])
        if not result:
            raise unknown_segment(segment_id)
        return result[segment_id]

    def at(self, camera_id: str, time_ms: int) -> Segment | None:
        """Return a segment of the camera that covers a moment, a live one before an imported file, or None."""
        live = self._select(sa.and_(_C.role.in_(LIVE_ROLES), _covers(camera_id, time_ms, LONGEST_LIVE_MS)))
        result = live or self._select(sa.and_(_C.role == StreamRole.FILE.value, _covers(camera_id, time_ms)))
        return min(result, key=lambda s: (s.start_ms, s.id), default=None)

    def segments(self, ids: Sequence[str]) -> dict[str, Segment]:
        """Return the segments with these ids, without unknown ones and those marked for deletion."""
        parts = (_C.id.in_(ids[n : n + _AT_ONCE]) for n in range(0, len(ids), _AT_ONCE))
        return {segment.id: segment for part in parts for segment in self._select(part)}

    def near(self, segments: Iterable[Segment], reach_ms: int) -> list[Segment]:
        """Return segments of the same live streams within `reach_ms` of these, these included; some come twice.

        One that is more than twice as long as the longest of these may be missed: so the index is read for seconds.
        """
        live = [s for s in segments if s.role is not StreamRole.FILE]
        ranges = _around(live, reach_ms)
        longest_ms = min(LONGEST_LIVE_MS, 2 * max((s.duration_ms for s in live), default=0) + reach_ms)
        result: list[Segment] = []
        with self._database.begin() as db:
            for n in range(0, len(ranges), _RANGES):
                values = _range_values(ranges[n : n + _RANGES], longest_ms)
                result += [to_segment(row) for row in db.execute(_IN_RANGES, values).mappings()]
        return result

    def showing(self, requested: Segment, start_ms: int, end_ms: int) -> list[Segment]:
        """Return the segments that cover `start_ms` <= t < `end_ms` of the same camera, by start; never empty.

        An imported file shows itself. Of a live camera it is the stream in full quality, unless the other one shows
        more of the range. Where nothing is left it is `requested`, so that whoever opens it is told.
        """
        if requested.role is StreamRole.FILE:
            return [requested]
        by_index = sa.and_(_C.start_ms > start_ms - LONGEST_LIVE_MS, _C.start_ms < end_ms)
        overlaps = sa.and_(by_index, _C.start_ms + _C.duration_ms > start_ms)
        recorded = self._select(sa.and_(_C.camera_id == requested.camera_id, _C.role.in_(LIVE_ROLES), overlaps))
        readable = [s for s in recorded if is_address(s.path) or Path(s.path).is_file()]
        return chosen(readable, requested, start_ms, end_ms) or [requested]

    def _select(self, condition: sa.ColumnElement[bool]) -> list[Segment]:
        with self._database.begin() as db:
            return [to_segment(row) for row in db.execute(_KEPT.where(condition)).mappings()]


def _covers(camera_id: str, time_ms: int, longest_ms: int | None = None) -> sa.ColumnElement[bool]:
    """Return the condition for a camera's segments that cover a moment; `longest_ms` lets the index on starts help."""
    shows = sa.and_(_C.camera_id == camera_id, _C.start_ms <= time_ms, _C.start_ms + _C.duration_ms > time_ms)
    return shows if longest_ms is None else sa.and_(shows, _C.start_ms > time_ms - longest_ms)


def chosen(recorded: Sequence[Segment], requested: Segment, start_ms: int, end_ms: int) -> list[Segment]:
    """Return one stream's segments of a camera's live ones, without overlaps, by start; empty if none covers the range.

    `StreamRole.MAIN`, if it shows what `StreamRole.SUB` does, or more of the range than `SUB`.
    """
    main, sub = (
        _line([s for s in recorded if s.role is role], requested) for role in (StreamRole.MAIN, StreamRole.SUB)
    )
    main_ms, sub_ms, both_ms = (_shown_ms(line, start_ms, end_ms) for line in (main, sub, [*main, *sub]))
    line = main if main_ms > sub_ms or both_ms - main_ms <= SLACK_MS else sub
    return [s for s in line if s.start_ms < end_ms and s.end_ms > start_ms]


def _line(segments: Iterable[Segment], requested: Segment) -> list[Segment]:
    """Return segments of one stream that follow each other without overlaps, with `requested` if it is among them.

    They overlap where the machine's clock was set back.
    """
    line: list[Segment] = []
    for segment in sorted(segments, key=lambda s: (s.start_ms, s.id)):
        if line and segment.start_ms < line[-1].end_ms - JOIN_MS:
            if segment.id != requested.id:
                continue
            while line and segment.start_ms < line[-1].end_ms - JOIN_MS:
                line.pop()
        line.append(segment)
    return line


def _shown_ms(segments: Iterable[Segment], start_ms: int, end_ms: int) -> int:
    """Return the ms of a range that the segments cover; the join between two that follow each other counts."""
    spans: list[_Span] = []
    for segment in sorted(segments, key=lambda s: s.start_ms):
        if spans and segment.start_ms <= spans[-1][1] + JOIN_MS:
            spans[-1] = (spans[-1][0], max(spans[-1][1], segment.end_ms))
        else:
            spans.append((segment.start_ms, segment.end_ms))
    return sum(max(0, min(end, end_ms) - max(start, start_ms)) for start, end in spans)


def _around(live: Iterable[Segment], reach_ms: int) -> list[_Range]:
    """Return (camera, role, start, end) of what live segments and `reach_ms` on both sides cover, without overlaps."""
    ranges: list[_Range] = []
    for s in sorted(live, key=lambda s: (s.camera_id, s.role, s.start_ms)):
        start_ms, end_ms = s.start_ms - reach_ms, s.end_ms + reach_ms
        last = ranges[-1] if ranges else None
        if last and last[:2] == (s.camera_id, s.role) and start_ms <= last[3]:
            ranges[-1] = (*last[:3], max(last[3], end_ms))
        else:
            ranges.append((s.camera_id, s.role, start_ms, end_ms))
    return ranges


def _range_values(ranges: Sequence[_Range], longest_ms: int) -> dict[str, str | int]:
    """Return the values of `_IN_RANGES`; the last range fills the places that are left."""
    values: dict[str, str | int] = {}
    for n in range(_RANGES):
        camera_id, role, start_ms, end_ms = ranges[min(n, len(ranges) - 1)]
        values |= {f"camera{n}": camera_id, f"role{n}": role.value, f"start{n}": start_ms, f"end{n}": end_ms}
        values[f"low{n}"] = start_ms - longest_ms
    return values


def unknown_segment(segment_id: str) -> NotFound:
    """Return the error for a segment that does not exist, or not for this requester."""
    return NotFound("unknown segment", got=segment_id, cure="it may have been deleted since; search again")
