"""The catalogue's part about what is old: which recordings go, and what remains of them. Beside `streams`.

Queries go by index, a few dozen segments at a time: a month of 50 cameras is 13 million segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.cameras import CameraStore
from search.catalog.database import Database, id_batches
from search.catalog.tables import SEGMENT_COLUMNS, to_segment
from search.errors import BadInput, NotFound
from search.stream_types import LIVE_ROLES, LONGEST_LIVE_MS, Gap, Hold, Reason
from search.types import Segment, SegmentState, StreamRole

_DAY_MS = 86_400_000
_RESTING = [
    s.value for s in SegmentState if s not in (SegmentState.LEASED, SegmentState.DELETING, SegmentState.UPLOADING)
]

Stream = tuple[str, StreamRole]


class RetentionStore:
    """Deletion and holds in an open `Database`. Every method raises `Unavailable` where it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def overdue(self, now_ms: int, keep_days: float, limit: int) -> list[Segment]:
        """Return live segments older than their camera's rule, or `keep_days`, without leased and held ones."""
        result: list[Segment] = []
        with self._database.begin() as db:
            for camera_id, keep in self._cameras(db, now_ms, keep_days, limit):
                result += self._overdue_of(db, camera_id, now_ms - round(keep * _DAY_MS), limit - len(result))
                if len(result) >= limit:
                    break
        return result

    def _cameras(self, db: sa.Connection, now_ms: int, keep_days: float, limit: int) -> list[tuple[str, float]]:
        """Return (camera id, days) of at most `limit` cameras with overdue segments."""
        c, r = tables.cameras.c, tables.rules.c
        keep = sa.func.coalesce(r.keep_days, keep_days)
        old = sa.exists().where(tables.segments.c.camera_id == c.id, _overdue(now_ms - keep * _DAY_MS))
        query = sa.select(c.id, keep).select_from(tables.cameras.outerjoin(tables.rules, r.camera_id == c.id))
        return [(row[0], float(row[1])) for row in db.execute(query.where(old).limit(limit))]

    def _overdue_of(self, db: sa.Connection, camera_id: str, before_ms: int, limit: int) -> list[Segment]:
        c = tables.segments.c
        query = sa.select(*SEGMENT_COLUMNS, c.attempts).where(c.camera_id == camera_id, _overdue(before_ms))
        return [to_segment(row) for row in db.execute(query.order_by(c.start_ms).limit(limit)).mappings()]

    def oldest(self, limit: int) -> list[Segment]:
        """Return the oldest live segments of all cameras, without leased and held ones."""
        c = tables.segments.c
        result: list[Segment] = []
        with self._database.begin() as db:
            for state in _RESTING:  # one by one, as the index is ordered
                for role in LIVE_ROLES:
                    query = sa.select(*SEGMENT_COLUMNS, c.attempts).where(c.state == state, c.role == role, ~is_held())
                    rows = db.execute(query.order_by(c.start_ms).limit(limit)).mappings()
                    result += [to_segment(row) for row in rows]
        return sorted(result, key=lambda segment: (segment.start_ms, segment.id))[:limit]

    def recorded_bytes(self) -> int:
        """Return the bytes of all live segments. Reads all of them: seconds, where there are millions."""
        c = tables.segments.c
        query = sa.select(sa.func.coalesce(sa.func.sum(c.size_bytes), 0)).where(c.role.in_(LIVE_ROLES))
        with self._database.begin() as db:
            return int(db.scalar(query) or 0)

    def held(self, now_ms: int, keep_days: float) -> int:
        """Return how many live segments are overdue and kept only by a hold."""
        s, h, r = tables.segments.c, tables.holds.c, tables.rules.c
        with self._database.begin() as db:
            first, last = db.execute(sa.select(sa.func.min(h.start_ms), sa.func.max(h.end_ms))).one()
            if first is None:
                return 0
            keep = sa.select(sa.func.coalesce(sa.func.max(r.keep_days), keep_days)).where(r.camera_id == s.camera_id)
            near = sa.and_(s.start_ms > first - LONGEST_LIVE_MS, s.start_ms < last)
            old = s.start_ms + s.duration_ms <= now_ms - keep.scalar_subquery() * _DAY_MS
            query = sa.select(sa.func.count()).where(near, s.role.in_(LIVE_ROLES), old, is_held())
            return int(db.scalar(query) or 0)

    def forget(self, segments: Sequence[Segment]) -> None:
        """Turn segments that are marked for deletion into gaps, in one transaction: the last step of a deletion."""
        t = tables.segments
        streams: dict[Stream, list[Segment]] = {}
        for segment in segments:
            streams.setdefault((segment.camera_id, segment.role), []).append(segment)
        with self._database.begin() as db:
            for stream, gone in streams.items():
                for run in self._runs(db, stream, sorted(gone, key=lambda segment: segment.start_ms)):
                    self._leave_gap(db, stream, run[0].start_ms, max(segment.end_ms for segment in run))
                ids = [segment.id for segment in gone]
                db.execute(t.delete().where(t.c.id.in_(ids), t.c.state == SegmentState.DELETING.value))
                db.execute(tables.covered.delete().where(tables.covered.c.segment_id.in_(ids)))

    def add_hold(self, camera_id: str, start_ms: int, end_ms: int, why: str) -> Hold:
        """Keep a range, of one camera or all (empty), from retention."""
        if camera_id:
            CameraStore(self._database).check([camera_id])
        if not why.strip():
            raise BadInput("a hold needs a reason", cure="name the case")
        values = {"camera_id": camera_id, "start_ms": start_ms, "end_ms": end_ms, "why": why}
        Hold(0, **values)  # type: ignore[arg-type]
        with self._database.begin() as db:
            made = db.execute(tables.holds.insert().values(**values)).inserted_primary_key
        return Hold(int(made[0]) if made else 0, camera_id, start_ms, end_ms, why)

    def holds(self) -> list[Hold]:
        """Return all holds, oldest first."""
        with self._database.begin() as db:
            return [Hold(**row) for row in db.execute(sa.select(tables.holds).order_by(tables.holds.c.id)).mappings()]

    def remove_hold(self, hold_id: int) -> None:
        """Remove a hold. Raises `NotFound`."""
        with self._database.begin() as db:
            if not db.execute(tables.holds.delete().where(tables.holds.c.id == hold_id)).rowcount:
                raise NotFound("there is no such hold", got=hold_id, cure="`xunren hold list` shows all")

    def mark_deleting(self, ids: Iterable[str]) -> None:
        """Mark segments for deletion, which hides them from answers and workers. Leased, held and unsent ones stay."""
        t = tables.segments
        busy = (SegmentState.LEASED, SegmentState.DELETING, SegmentState.UPLOADING)
        free = sa.and_(t.c.state.not_in([state.value for state in busy]), ~is_held())
        with self._database.begin() as db:
            for part in id_batches(ids):
                db.execute(
                    t.update()
                    .where(t.c.id.in_(part), free)
                    .values(
                        state=SegmentState.DELETING.value, owner=t.c.state
                    )  # nobody leases it: room for what it was
                )

    def unmark(self, ids: Iterable[str], *, only_held: bool = False) -> int:
        """Undo the mark of these segments, or (`only_held`) of those with a hold, and return how many."""
        t = tables.segments
        marked = sa.and_(
            t.c.state == SegmentState.DELETING.value, t.c.owner.is_not(None), is_held() if only_held else sa.true()
        )
        with self._database.begin() as db:
            back = [
                t.update().where(t.c.id.in_(p), marked).values(state=t.c.owner, owner=None) for p in id_batches(ids)
            ]
            return sum(int(db.execute(update).rowcount) for update in back)

    def deleting(self, limit: int) -> list[Segment]:
        """Return segments that are marked for deletion, oldest first."""
        c = tables.segments.c
        query = sa.select(*SEGMENT_COLUMNS, c.attempts).where(c.state == SegmentState.DELETING.value)
        with self._database.begin() as db:
            rows = db.execute(query.order_by(c.start_ms).limit(limit)).mappings()
            return [to_segment(row) for row in rows]

    def _runs(self, db: sa.Connection, stream: Stream, gone: list[Segment]) -> Iterator[list[Segment]]:
        """Yield the segments in runs, cut where one that stays lies between two."""
        stay = list(
            db.scalars(
                sa.select(tables.segments.c.start_ms)
                .where(_stays(stream), tables.segments.c.start_ms.between(gone[0].start_ms, gone[-1].start_ms))
                .order_by(tables.segments.c.start_ms)
            )
        )
        for _, run in groupby(gone, key=lambda segment: sum(start <= segment.start_ms for start in stay)):
            yield list(run)

    def _leave_gap(self, db: sa.Connection, stream: Stream, start_ms: int, end_ms: int) -> None:
        """Store one gap in place of the range and its deleted neighbours, up to the segments that stay."""
        g = tables.gaps
        low, high = self._between(db, stream, start_ms, end_ms)
        own = sa.and_(g.c.camera_id == stream[0], g.c.role == stream[1].value)
        deleted = sa.and_(own, g.c.reason == Reason.DELETED.value, g.c.start_ms >= low, g.c.end_ms <= high)
        first, last = db.execute(sa.select(sa.func.min(g.c.start_ms), sa.func.max(g.c.end_ms)).where(deleted)).one()
        start = start_ms if first is None else min(first, start_ms)
        end = end_ms if last is None else max(last, end_ms)
        db.execute(g.delete().where(own, g.c.start_ms >= start, g.c.end_ms <= end))
        db.execute(g.update().where(own, g.c.start_ms.between(start, end - 1)).values(start_ms=end))
        db.execute(g.update().where(own, g.c.start_ms < start, g.c.end_ms > start).values(end_ms=start))
        gap = Gap(stream[0], stream[1], start, end, Reason.DELETED)
        values = {name: getattr(gap, name) for name in Gap.__dataclass_fields__}
        db.execute(g.insert().values(**values | {"role": gap.role.value, "reason": gap.reason.value}))

    def _between(self, db: sa.Connection, stream: Stream, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return the end of the last segment that stays before the range, and the start of the first after it."""
        c = tables.segments.c
        before = sa.select(c.start_ms + c.duration_ms).where(_stays(stream), c.start_ms < start_ms)
        after = sa.select(c.start_ms).where(_stays(stream), c.start_ms >= start_ms)
        low = db.scalar(before.order_by(c.start_ms.desc()).limit(1))
        high = db.scalar(after.order_by(c.start_ms).limit(1))
        return min(start_ms, low or 0), 2**62 if high is None else max(end_ms, high)


def is_held() -> sa.ColumnElement[bool]:
    """Return the condition that a hold overlaps the segment."""
    s, h = tables.segments.c, tables.holds.c
    return sa.exists().where(
        sa.or_(h.camera_id == s.camera_id, h.camera_id == ""),
        h.start_ms < s.start_ms + s.duration_ms,
        h.end_ms > s.start_ms,
    )


def _overdue(before_ms: sa.ColumnElement[float] | int) -> sa.ColumnElement[bool]:
    """Return the condition that a segment ended before `before_ms` and may be deleted."""
    c = tables.segments.c
    old = sa.and_(c.start_ms < before_ms, c.start_ms + c.duration_ms <= before_ms)  # the first for the index
    return sa.and_(old, c.role.in_(LIVE_ROLES), c.state.in_(_RESTING), ~is_held())


def _stays(stream: Stream) -> sa.ColumnElement[bool]:
    c = tables.segments.c
    return sa.and_(c.camera_id == stream[0], c.role == stream[1].value, c.state != SegmentState.DELETING.value)
