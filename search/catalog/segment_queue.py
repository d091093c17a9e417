"""The segments of the catalogue: their states, leases and reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database, database_ms
from search.catalog.tables import SEGMENT_COLUMNS, report_fields, segment_values, to_segment
from search.errors import NotFound
from search.stream_types import LIVE_ROLES, LONGEST_LIVE_MS
from search.types import Segment, SegmentReport, SegmentState, StartSource, StreamRole

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """A segment as the consistency check compares it; `rows`: how many its report names, if it is indexed."""

    id: str
    path: str
    role: StreamRole
    state: SegmentState
    rows: int


def segment_id(camera_id: str, sha256: str) -> str:
    """Return the id of a recording: the same content of the same camera is the same segment."""
    return hashlib.sha256(f"{camera_id}\n{sha256}".encode()).hexdigest()[:24]


class SegmentQueue:
    """The segments in an open `Database`, and which of them wait for the indexer.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, segment: Segment) -> bool:
        """Register a recording for indexing and return whether there is work to do.

        One that is already indexed stays as it is, unless it was `GIVEN` another start now: then it is indexed again
        with the new times. One that was skipped before is tried again.
        """
        with self._database.begin() as db:
            row = db.execute(sa.select(tables.segments).where(tables.segments.c.id == segment.id)).mappings().first()
            if row is None:
                db.execute(tables.segments.insert().values(**segment_values(segment), state="pending", attempts=0))
                return True
            changes: dict[str, Any] = {"path": segment.path}
            moved = segment.start_source is StartSource.GIVEN and segment.start_ms != row["start_ms"]
            if moved:
                changes |= {"start_ms": segment.start_ms, "start_source": segment.start_source.value}
            if moved or row["state"] == SegmentState.SKIPPED:
                changes["state"] = SegmentState.PENDING.value
            db.execute(tables.segments.update().where(tables.segments.c.id == segment.id).values(**changes))
            return str(changes.get("state", row["state"])) != SegmentState.INDEXED

    def lease(self, owner: str, lease_ms: int, recent_ms: int = 30_000) -> Segment | None:
        """Lease a segment that waits, or whose lease ran out, or return None.

        Of live cameras those that ended within the last `recent_ms` come first, oldest first, so that all cameras get
        their turn; then the rest of them, newest first; then imported files, oldest first.
        """
        while True:
            with self._database.begin() as db:
                now = database_ms(db)
                self._take_back(db, now)
                next_id = self._next(db, now - recent_ms)
            if next_id is None:
                return None
            with self._database.begin() as db:
                segment = self._take(db, next_id, owner, now + lease_ms)
            if segment is not None:  # else somebody else was quicker
                return segment

    def _next(self, db: sa.Connection, recent_after_ms: int) -> str | None:
        """Return the id of the next segment."""
        for roles, after, newest_first in (
            (LIVE_ROLES, recent_after_ms, False),
            (LIVE_ROLES, None, True),
            ((StreamRole.FILE.value,), None, False),
        ):
            firsts = [self._first(db, role, after, newest_first) for role in roles]
            waiting = sorted((start, id_) for id_, start in filter(None, firsts))
            if waiting:
                return waiting[-1 if newest_first else 0][1]
        return None

    def _take_back(self, db: sa.Connection, now: int) -> None:
        """Set segments whose lease ran out back to pending."""
        c = tables.segments.c
        over = sa.and_(c.state == SegmentState.LEASED.value, c.lease_until_ms < now)
        if db.scalar(sa.select(c.id).where(over).limit(1)) is not None:
            db.execute(tables.segments.update().where(over).values(state="pending", owner=None, lease_until_ms=None))

    def _first(self, db: sa.Connection, role: str, after: int | None, newest_first: bool) -> tuple[str, int] | None:
        """Return (id, start) of the first pending segment of a role; `after`: of those that end later than this."""
        c = tables.segments.c
        waits = [c.state == SegmentState.PENDING.value, c.role == role]
        if after is not None:  # the first condition is for the database's index, which knows starts only
            waits += [c.start_ms > after - LONGEST_LIVE_MS, c.start_ms + c.duration_ms > after]
        order = (c.start_ms.desc(), c.id) if newest_first else (c.start_ms, c.id)
        query = sa.select(c.id, c.start_ms).where(*waits).order_by(*order).limit(1)
        row = db.execute(query.with_for_update(skip_locked=True)).first()
        return None if row is None else (row[0], row[1])

    def _take(self, db: sa.Connection, id_: str, owner: str, until_ms: int) -> Segment | None:
        """Lease the segment and return it, or None if it no longer waits."""
        c = tables.segments.c
        take = (
            tables.segments.update()
            .where(c.id == id_, c.state == SegmentState.PENDING.value)
            .values(state=SegmentState.LEASED.value, owner=owner, lease_until_ms=until_ms, attempts=c.attempts + 1)
            .returning(*SEGMENT_COLUMNS, c.attempts)
        )
        row = db.execute(take).mappings().first()
        return None if row is None else to_segment(row)

    def renew(self, owner: str, lease_ms: int) -> None:
        """Extend all leases of `owner`."""
        own = sa.and_(tables.segments.c.state == SegmentState.LEASED, tables.segments.c.owner == owner)
        with self._database.begin() as db:
            db.execute(tables.segments.update().where(own).values(lease_until_ms=database_ms(db) + lease_ms))

    def release(self, owner: str | None = None) -> int:
        """Release the leases of `owner`, or of everybody (None), which only the sole owner of a store may do."""
        held = tables.segments.c.state == SegmentState.LEASED
        if owner is not None:
            held = sa.and_(held, tables.segments.c.owner == owner)
        with self._database.begin() as db:
            result = db.execute(
                tables.segments.update().where(held).values(state="pending", owner=None, lease_until_ms=None)
            )
            return int(result.rowcount)

    def held(self, segments: Iterable[Segment]) -> set[str]:
        """Return the ids of the segments that nobody else has leased since and that wait for `finish`."""
        c = tables.segments.c
        with self._database.begin() as db:
            return {s.id for s in segments if db.scalar(sa.select(c.id).where(_still(s))) is not None}

    def finish(self, report: SegmentReport, collections: Collection[str] | None = None) -> bool:
        """Write a segment's report and final state. Call it only after its rows are stored.

        Returns False, and the segment waits (again), where whoever reports has lost it meanwhile to another worker or
        to retention, or where no index that is written to by now has its rows.

        Args:
            report: report of the segment.
            collections: that have its rows, where there is more than one index; None: all of them.
        """
        segment, t = report.segment, tables.segments
        done = {
            "state": report.state.value,
            "owner": None,
            "lease_until_ms": None,
            "duration_ms": segment.duration_ms,
            "width": segment.width,
            "height": segment.height,
            "report": json.dumps(report.as_dict(), ensure_ascii=False),
        }
        with self._database.begin() as db:
            if not db.execute(t.update().where(_still(segment)).values(**done)).rowcount:
                return False
            kept = tables.cover(db, segment.id, collections) or report.state is not SegmentState.INDEXED
            if not kept:
                db.execute(t.update().where(t.c.id == segment.id).values(state=SegmentState.PENDING.value))
            return kept

    def summaries(self) -> Iterator[SegmentSummary]:
        """Yield a summary of every segment by id, read in pages, so that no writer waits."""
        c = tables.segments.c
        query = sa.select(c.id, c.path, c.role, c.state, c.report).order_by(c.id).limit(_PAGE)
        last = ""
        while True:
            with self._database.begin() as db:
                page = db.execute(query.where(c.id > last)).all()
            for id_, path, role, state, report in page:
                rows = json.loads(report)["rows"] if report and state == SegmentState.INDEXED.value else 0
                yield SegmentSummary(id_, path, StreamRole(role), SegmentState(state), rows)
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def indexed_of(self, camera_id: str, after: str, limit: int) -> list[str]:
        """Return the ids of a camera's indexed segments in order, at most `limit` after the id `after`."""
        c = tables.segments.c
        own = sa.and_(c.camera_id == camera_id, c.state == SegmentState.INDEXED.value, c.id > after)
        with self._database.begin() as db:
            return list(db.scalars(sa.select(c.id).where(own).order_by(c.id).limit(limit)))

    def index_again(self, ids: Sequence[str]) -> int:
        """Set indexed segments back to pending and return how many; new rows replace the old ones later."""
        c = tables.segments.c
        done = sa.and_(c.id.in_(ids), c.state == SegmentState.INDEXED.value)
        with self._database.begin() as db:
            return int(db.execute(tables.segments.update().where(done).values(state="pending")).rowcount)

    def get(self, id_: str) -> Segment:
        """Return one segment. Raises `NotFound`."""
        result = self.by_id([id_])
        if not result:
            raise NotFound("unknown segment", got=id_)
        return result[id_]

    def by_id(self, ids: Sequence[str]) -> dict[str, Segment]:
        """Return the segments with these ids; unknown ones are left out."""
        with self._database.begin() as db:
            rows = db.execute(
                sa.select(*SEGMENT_COLUMNS, tables.segments.c.attempts).where(tables.segments.c.id.in_(ids))
            ).mappings()
            return {row["id"]: to_segment(row) for row in rows}

    def reports(self, ids: Sequence[str] | None = None) -> list[SegmentReport]:
        """Return the reports of the finished segments by start, of all or of these ids."""
        query = (
            sa.select(tables.segments).where(tables.segments.c.report.is_not(None)).order_by(tables.segments.c.start_ms)
        )
        if ids is not None:
            query = query.where(tables.segments.c.id.in_(ids))
        done = query.where(tables.segments.c.state.in_([SegmentState.INDEXED, SegmentState.SKIPPED]))
        with self._database.begin() as db:
            return [
                SegmentReport(to_segment(row), **report_fields(json.loads(row["report"])))
                for row in db.execute(done).mappings()
            ]

    def states(self, ids: Sequence[str] | None = None) -> dict[str, int]:
        """Return the number of segments in each state."""
        query = sa.select(tables.segments.c.state, sa.func.count()).group_by(tables.segments.c.state)
        if ids is not None:
            query = query.where(tables.segments.c.id.in_(ids))
        with self._database.begin() as db:
            return {row[0]: int(row[1]) for row in db.execute(query)}

    def span(self) -> tuple[int, int] | None:
        """Return the start of the oldest recording and the end of the newest, Unix ms, or None."""
        c = tables.segments.c
        with self._database.begin() as db:
            first, last = db.execute(sa.select(sa.func.min(c.start_ms), sa.func.max(c.start_ms + c.duration_ms))).one()
        return None if first is None else (first, last)

    def totals_by_camera(self) -> list[dict[str, Any]]:
        """Return id, segments, indexed, first start and last end of each camera (Unix ms; None without segments)."""
        c = tables.segments.c
        query = (
            sa.select(
                tables.cameras.c.id,
                sa.func.count(c.id).label("segments"),
                sa.func.sum(sa.case((c.state == SegmentState.INDEXED, 1), else_=0)).label("indexed"),
                sa.func.min(c.start_ms).label("first_ms"),
                sa.func.max(c.start_ms + c.duration_ms).label("last_ms"),
            )
            .select_from(tables.cameras.outerjoin(tables.segments, c.camera_id == tables.cameras.c.id))
            .group_by(tables.cameras.c.id)
            .order_by(tables.cameras.c.id)
        )
        with self._database.begin() as db:
            return [dict(row) for row in db.execute(query).mappings()]


def _still(segment: Segment) -> sa.ColumnElement[bool]:
    """Return the condition that a segment is as it was leased: each lease adds one to `attempts`."""
    c = tables.segments.c
    open_ = c.state.in_((SegmentState.LEASED.value, SegmentState.PENDING.value))
    return sa.and_(c.id == segment.id, open_, c.attempts == segment.attempt, c.start_ms == segment.start_ms)
