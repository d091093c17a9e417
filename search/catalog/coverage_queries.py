"""Questions about recordings in a range of time: spans, what is not indexed, what waits."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database, id_batches
from search.catalog.tables import SEGMENT_COLUMNS, to_segment
from search.intervals import Interval
from search.stream_types import JOIN_MS, LIVE_ROLES, LONGEST_LIVE_MS, Reason, Stream
from search.types import Segment, SegmentState, StreamRole

_UNDONE = [s.value for s in (SegmentState.UPLOADING, SegmentState.PENDING, SegmentState.LEASED)]
_WAITING = dict.fromkeys(_UNDONE, Reason.WAITING.value)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Recorded seconds of live cameras that wait for the indexer.

    `oldest_ms` is the start of the oldest of them (None: nothing waits); `recent_ms` the end of the oldest one inside
    the limit of `CoverageQueries.backlog`.
    """

    segments: int
    seconds: float
    oldest_ms: int | None
    recent_ms: int | None


class CoverageQueries:
    """Questions about the recordings in an open `Database`.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def recordings(
        self,
        from_ms: int,
        to_ms: int,
        cameras: Collection[str] = (),
        *,
        states: Collection[SegmentState] = (),
        roles: Collection[StreamRole] = (),
    ) -> list[tuple[Segment, SegmentState, dict[str, Any]]]:
        """Return segments that overlap the range with state and report (empty: not done), by camera and start."""
        c = tables.segments.c
        query = sa.select(*SEGMENT_COLUMNS, c.attempts, c.state, c.report).where(
            c.start_ms < to_ms, c.start_ms + c.duration_ms > from_ms
        )
        for column, allowed in ((c.camera_id, cameras), (c.state, states), (c.role, roles)):
            if allowed:
                query = query.where(column.in_([str(value) for value in allowed]))
        if roles and StreamRole.FILE not in roles:  # so that an index of starts is enough, after months of recordings
            query = query.where(c.start_ms > from_ms - LONGEST_LIVE_MS)
        with self._database.begin() as db:
            rows = db.execute(query.order_by(c.camera_id, c.start_ms)).mappings()
            return [(to_segment(r), SegmentState(r["state"]), json.loads(r["report"] or "{}")) for r in rows]

    def spans(self, stream: Stream, from_ms: int, to_ms: int) -> list[Interval]:
        """Return a stream's segments that overlap the range as intervals, by start; the label is the result.

        That is "indexed", "waiting", or the reason why it was skipped. Segments that follow each other (`JOIN_MS`) and
        share a label come as one piece: a day is 8,640 segments.
        """
        c = tables.segments.c
        query = _in_range(from_ms, to_ms).where(
            c.camera_id == stream.camera_id,
            c.role == stream.role.value,
            c.start_ms > from_ms - LONGEST_LIVE_MS,  # the index knows starts only
            c.state != SegmentState.DELETING.value,
        )
        with self._database.begin() as db:
            return list(_runs(db.execute(query.order_by(c.start_ms)).all()))

    def unindexed(
        self, from_ms: int, to_ms: int, cameras: Collection[str] = (), *, live: bool
    ) -> dict[str, list[Interval]]:
        """Return camera id -> recordings in the range that are not indexed, with the reason; joined as in `spans`.

        Either those that were recorded live, or those that were imported.
        """
        c = tables.segments.c
        allowed = [*_UNDONE, SegmentState.SKIPPED.value]
        roles = LIVE_ROLES if live else (StreamRole.FILE.value,)
        query = _in_range(from_ms, to_ms).where(c.state.in_(allowed), c.role.in_(roles))
        if live:
            query = query.where(c.start_ms > from_ms - LONGEST_LIVE_MS)
        if cameras:
            query = query.where(c.camera_id.in_(list(cameras)))
        with self._database.begin() as db:
            rows = db.execute(query.order_by(c.camera_id, c.start_ms)).all()
        return {camera: list(_runs(its)) for camera, its in groupby(rows, key=itemgetter(0))}

    def newest_indexed(self, cameras: Collection[str] = ()) -> dict[str, int]:
        """Return camera id -> end (Unix ms) of its newest indexed live segment; of all where none is named."""
        c = tables.segments.c
        newest = (
            sa.select(c.start_ms + c.duration_ms)
            .where(c.camera_id == tables.cameras.c.id, c.role.in_(LIVE_ROLES), c.state == SegmentState.INDEXED.value)
            .order_by(c.start_ms.desc())  # the index tells at once; a maximum would read a month of recordings
            .limit(1)
            .scalar_subquery()
        )
        with self._database.begin() as db:
            query = sa.select(tables.cameras.c.id, newest)
            parts = [query.where(tables.cameras.c.id.in_(part)) for part in id_batches(cameras)] if cameras else [query]
            rows = [row for part in parts for row in db.execute(part)]
        return {row[0]: int(row[1]) for row in rows if row[1] is not None}

    def imported_until(self) -> dict[str, int]:
        """Return camera id -> end (Unix ms) of its newest recording imported from before it was live, if any."""
        c, s = tables.segments.c, tables.streams.c
        newest = (
            sa.select(c.start_ms + c.duration_ms)
            .where(c.camera_id == s.camera_id, c.role == StreamRole.FILE.value, c.start_ms < s.since_ms)
            .order_by(c.start_ms.desc())
            .limit(1)
            .scalar_subquery()
        )
        with self._database.begin() as db:
            rows = db.execute(sa.select(s.camera_id, newest)).all()
        return {camera_id: int(end) for camera_id, end in rows if end is not None}

    def backlog(self, recent_after_ms: int) -> Backlog:
        """Return the backlog of live segments; those that end after `recent_after_ms` count as recent."""
        c = tables.segments.c
        end = c.start_ms + c.duration_ms
        waits = sa.and_(c.role.in_(LIVE_ROLES), c.state.in_(_UNDONE))
        query = sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(c.duration_ms), 0),
            sa.func.min(c.start_ms),
            sa.func.min(sa.case((end > recent_after_ms, end))),
        ).where(waits)
        with self._database.begin() as db:
            count, ms, oldest, recent = db.execute(query).one()
        return Backlog(int(count), float(ms) / 1000, oldest, recent)

    def waiting(self) -> dict[str, float]:
        """Return camera id -> recorded seconds of live streams that wait for the indexer, if any."""
        c = tables.segments.c
        waits = sa.and_(c.role.in_(LIVE_ROLES), c.state.in_(_UNDONE))
        query = sa.select(c.camera_id, sa.func.sum(c.duration_ms)).where(waits).group_by(c.camera_id)
        with self._database.begin() as db:
            return {camera_id: float(ms) / 1000 for camera_id, ms in db.execute(query)}


def _in_range(from_ms: int, to_ms: int) -> sa.Select[Any]:
    """Select camera, start, end and state of the segments in the range, and the report of skipped ones."""
    c = tables.segments.c
    end = c.start_ms + c.duration_ms
    report = sa.case((c.state == SegmentState.SKIPPED.value, c.report))
    return sa.select(c.camera_id, c.start_ms, end, c.state, report).where(c.start_ms < to_ms, end > from_ms)


def _runs(rows: Iterable[Any]) -> Iterator[Interval]:
    """Yield a camera's rows of `_in_range` by start, neighbours that share a label joined."""
    start, end, label = 0, 0, ""
    for _, its_start, its_end, state, report in rows:
        its_label = _WAITING.get(state, state) if report is None else str(json.loads(report)["reason"])
        if its_label == label and its_start - end <= JOIN_MS:
            end = max(end, its_end)
            continue
        if label:
            yield Interval(start, end, label)
        start, end, label = its_start, its_end, its_label
    if label:
        yield Interval(start, end, label)
