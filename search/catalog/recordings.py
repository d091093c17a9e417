"""The recorders' part of the catalogue: recordings, gaps and health of live streams."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database, id_batches
from search.catalog.tables import SEGMENT_COLUMNS, column_values, segment_values, to_segment
from search.stream_types import LONGEST_LIVE_MS, Gap, Health, Reason, Stream, StreamState
from search.types import Segment, SegmentState, StreamRole


@dataclass(slots=True)
class RecorderUpdate:
    """One update of a recorder: closed segments, gaps, gaps to remove (`no_gaps`), and health."""

    segments: list[tuple[Segment, SegmentState]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    no_gaps: list[Gap] = field(default_factory=list)
    health: list[Health] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.segments or self.gaps or self.no_gaps or self.health)


class RecordingStore:
    """Recordings, gaps and health of live streams, in an open `Database`.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, written: RecorderUpdate, *, uploading_from: str = "") -> None:
        """Store an update in one transaction; a known segment stays as it is.

        `uploading_from`: id of the folder where the segments wait for `uploaded`, which gives them their state.
        """
        with self._database.begin() as db:
            known = self._known(db, [segment.id for segment, _ in written.segments])
            for segment, state in written.segments:
                if segment.id not in known:
                    known.add(segment.id)
                    values = segment_values(segment) | {"state": state.value, "attempts": 0}
                    if uploading_from:
                        values |= {"state": SegmentState.UPLOADING.value, "owner": _owner(state, uploading_from)}
                    db.execute(tables.segments.insert().values(**values))
            for gap in written.no_gaps:
                db.execute(tables.gaps.delete().where(_same(gap)))
            for gap in written.gaps:  # one by one: the same gap may come twice, longer the second time
                db.execute(tables.gaps.delete().where(_same(gap)))
                db.execute(tables.gaps.insert().values(**column_values(gap)))
            for health in written.health:
                db.execute(tables.health.delete().where(_key(tables.health, health)))
                db.execute(tables.health.insert().values(**column_values(health)))

    def uploading(self, folder: str, limit: int) -> list[Segment]:
        """Return the segments in the folder of this id that wait for upload, oldest first.

        Paths do not tell: machines that are set up alike have the same ones.
        """
        c = tables.segments.c
        own = c.owner.in_([_owner(state, folder) for state in SegmentState])
        query = sa.select(*SEGMENT_COLUMNS, c.attempts).where(c.state == SegmentState.UPLOADING.value, own)
        with self._database.begin() as db:
            rows = db.execute(query.order_by(c.start_ms).limit(limit)).mappings()
            return [to_segment(row) for row in rows]

    def uploaded(self, segment: Segment, address: str) -> None:
        """Store a segment's new address after its upload, and set the state that it was written with."""
        t = tables.segments
        matching = sa.and_(t.c.id == segment.id, t.c.state == SegmentState.UPLOADING.value)
        with self._database.begin() as db:
            owner = db.scalar(sa.select(t.c.owner).where(matching))
            if owner is not None:  # else another process of this folder was quicker
                state = owner.partition(":")[0]
                db.execute(t.update().where(matching).values(path=address, state=state, owner=None))

    def moved(self, ids: Sequence[str]) -> set[str]:
        """Return the ids of those segments that were uploaded."""
        c = tables.segments.c
        sent = sa.and_(c.state != SegmentState.UPLOADING.value, c.path.startswith("s3://"))
        with self._database.begin() as db:
            return {id_ for part in id_batches(ids) for id_ in db.scalars(sa.select(c.id).where(c.id.in_(part), sent))}

    def _known(self, db: sa.Connection, ids: Sequence[str]) -> set[str]:
        c = tables.segments.c
        return {result for part in id_batches(ids) for result in db.scalars(sa.select(c.id).where(c.id.in_(part)))}

    def covered_until(self, stream: Stream) -> int:
        """Return the Unix ms up to which a stream is recorded or a gap; at least its beginning."""
        s, g = tables.segments.c, tables.gaps.c
        own = sa.and_(s.camera_id == stream.camera_id, s.role == stream.role.value)
        with self._database.begin() as db:
            newest = db.scalar(sa.select(s.start_ms).where(own).order_by(s.start_ms.desc()).limit(1)) or 0
            recorded = db.scalar(
                sa.select(sa.func.max(s.start_ms + s.duration_ms)).where(own, s.start_ms >= newest - LONGEST_LIVE_MS)
            )
            missed = db.scalar(
                sa.select(sa.func.max(g.end_ms)).where(g.camera_id == stream.camera_id, g.role == stream.role.value)
            )
        return max(stream.since_ms, recorded or 0, missed or 0)

    def paths(self, camera_id: str, role: StreamRole, from_ms: int) -> set[str]:
        """Return the paths of a stream's segments that begin at or after `from_ms`."""
        c = tables.segments.c
        query = sa.select(c.path).where(c.camera_id == camera_id, c.role == role.value, c.start_ms >= from_ms)
        with self._database.begin() as db:
            return set(db.scalars(query))

    def health(self) -> list[Health]:
        """Return the health of all streams that a recorder has reported, by camera and role."""
        t = tables.health
        with self._database.begin() as db:
            rows = db.execute(sa.select(t).order_by(t.c.camera_id, t.c.role)).mappings()
            words = [dict(r) | {"role": StreamRole(r["role"]), "state": StreamState(r["state"])} for r in rows]
        return [Health(**word) for word in words]

    def gaps(self, from_ms: int, to_ms: int, cameras: Collection[str] = ()) -> list[Gap]:
        """Return the gaps that overlap the range, by camera and start; of all cameras where none is named."""
        t = tables.gaps
        query = sa.select(t).where(t.c.start_ms < to_ms, t.c.end_ms > from_ms)
        if cameras:
            query = query.where(t.c.camera_id.in_(list(cameras)))
        with self._database.begin() as db:
            rows = db.execute(query.order_by(t.c.camera_id, t.c.start_ms)).all()
        return [
            Gap(camera, StreamRole(role), start, end, Reason(why), more) for camera, role, start, end, why, more in rows
        ]


def _owner(state: SegmentState, folder: str) -> str:
    """Return the `owner` of a segment that waits for upload: its later state and its folder."""
    return f"{state.value}:{folder}"


def _same(gap: Gap) -> sa.ColumnElement[bool]:
    return sa.and_(_key(tables.gaps, gap), tables.gaps.c.start_ms == gap.start_ms)


def _key(table: sa.Table, item: Gap | Health) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.camera_id == item.camera_id, table.c.role == item.role.value)
