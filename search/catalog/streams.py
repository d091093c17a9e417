"""The catalogue's part about live cameras: streams, their health and gaps, rules, holds. Beside `catalog`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.catalog import Catalog
from search.catalog.tables import SEGMENT_COLUMNS, segment_values, to_segment
from search.errors import BadInput, NotFound
from search.intervals import Interval
from search.stream_types import (
    JOIN_MS,
    LIVE_ROLES,
    LONGEST_LIVE_MS,
    Gap,
    Health,
    Hold,
    Reason,
    Rules,
    Stream,
    StreamState,
)
from search.types import Camera, Segment, SegmentState, StreamRole

_AT_ONCE = 500  # ids or ranges in one statement
_UNDONE = [s.value for s in (SegmentState.UPLOADING, SegmentState.PENDING, SegmentState.LEASED)]
_WAITING = dict.fromkeys(_UNDONE, Reason.WAITING.value)


@dataclass(slots=True)
class RecorderUpdate:
    """What a recorder tells the catalogue at once: closed segments, gaps as they are, gaps that were none, health."""

    segments: list[tuple[Segment, SegmentState]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    no_gaps: list[Gap] = field(default_factory=list)
    health: list[Health] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.segments or self.gaps or self.no_gaps or self.health)


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """A camera with its streams (none: it is not recorded) and rules (None: the settings hold)."""

    camera: Camera
    streams: tuple[Stream, ...] = ()
    rules: Rules | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Recorded seconds of live cameras that wait for the indexer.

    `oldest_ms` is the start of the oldest of them (None: nothing waits); `recent_ms` the end of the oldest one inside
    the limit of `StreamStore.backlog`.
    """

    segments: int
    seconds: float
    oldest_ms: int | None
    recent_ms: int | None


class StreamStore:
    """Live cameras in an open `Catalog`. Every method raises `Unavailable` where the database does not answer."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def catalog(self) -> Catalog:
        """The catalogue that it is a part of."""
        return self._catalog

    # streams -------------------------------------------------------------------------------------------------

    def set_streams(self, camera_id: str, streams: Sequence[Stream]) -> None:
        """Let these be the streams of a camera, none to stop recording it. A known role keeps its `since_ms`."""
        t = tables.streams
        with self._catalog.begin() as db:
            since = {r.role: r.since_ms for r in db.execute(sa.select(t).where(t.c.camera_id == camera_id))}
            db.execute(t.delete().where(t.c.camera_id == camera_id))
            for s in streams:
                first = min(since.get(s.role, s.since_ms), s.since_ms)
                db.execute(
                    t.insert().values(
                        camera_id=camera_id, role=s.role.value, sealed=s.sealed, shown=s.shown, since_ms=first
                    )
                )
            gone = tables.health.c.role.not_in([s.role.value for s in streams])
            db.execute(tables.health.delete().where(tables.health.c.camera_id == camera_id, gone))

    def known(self, camera_ids: Sequence[str]) -> dict[str, CameraConfig]:
        """Those of the cameras that are there, with their streams and rules."""
        c, s, r = tables.cameras, tables.streams, tables.rules
        found: dict[str, CameraConfig] = {}
        with self._catalog.begin() as db:
            for part in _parts(camera_ids):
                for row in db.execute(sa.select(c).where(c.c.id.in_(part))).mappings():
                    found[row["id"]] = CameraConfig(Camera(**row))
                for row in db.execute(sa.select(s).where(s.c.camera_id.in_(part)).order_by(s.c.role)).mappings():
                    at = found[row["camera_id"]]
                    found[row["camera_id"]] = replace(at, streams=(*at.streams, _to_stream(row)))
                for row in db.execute(sa.select(r).where(r.c.camera_id.in_(part))).mappings():
                    found[row["camera_id"]] = replace(found[row["camera_id"]], rules=_to_rules(row))
        return found

    def put(self, wanted: Sequence[CameraConfig]) -> None:
        """Let these be the cameras with their streams and rules, all in one transaction, new or not."""
        ids = [{"k": item.camera.id} for item in wanted]
        cameras = [_values(item.camera) for item in wanted]
        streams = [_values(stream) for item in wanted for stream in item.streams]
        rules = [_rule_values(item.rules) for item in wanted if item.rules]
        c, s, r, h = tables.cameras, tables.streams, tables.rules, tables.health
        with self._catalog.begin() as db:
            there = {
                i
                for part in _parts([i["k"] for i in ids])
                for i in db.scalars(sa.select(c.c.id).where(c.c.id.in_(part)))
            }
            changed = [{"k": row["id"]} | row for row in cameras if row["id"] in there]
            _many(db, c.update().where(c.c.id == sa.bindparam("k")), changed)
            _many(db, c.insert(), [row for row in cameras if row["id"] not in there])
            for table in (s, r):
                _many(db, table.delete().where(table.c.camera_id == sa.bindparam("k")), ids)
            _many(db, s.insert(), streams)
            _many(db, r.insert(), rules)
            live = sa.exists().where(s.c.camera_id == h.c.camera_id, s.c.role == h.c.role)
            _many(db, h.delete().where(h.c.camera_id == sa.bindparam("k"), ~live), ids)

    def streams(self) -> list[Stream]:
        """All streams that are to be recorded, by camera and role."""
        t = tables.streams
        with self._catalog.begin() as db:
            return [_to_stream(row) for row in db.execute(sa.select(t).order_by(t.c.camera_id, t.c.role)).mappings()]

    def indexed_streams(self) -> list[Stream]:
        """Of each live camera the stream that is indexed: its sub-stream where it has one."""
        chosen = {stream.camera_id: stream for stream in self.streams()}  # "sub" sorts after "main"
        return list(chosen.values())

    # what the recorder writes --------------------------------------------------------------------------------

    def write(self, written: RecorderUpdate, *, uploading_from: str = "") -> None:
        """Store all of it in one transaction; a segment that is known stays as it is.

        `uploading_from`: id of the folder where the segments wait for `uploaded`, which gives them their state.
        """
        with self._catalog.begin() as db:
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
                db.execute(tables.gaps.insert().values(**_values(gap)))
            for health in written.health:
                db.execute(tables.health.delete().where(_key(tables.health, health)))
                db.execute(tables.health.insert().values(**_values(health)))

    def uploading(self, folder: str, limit: int) -> list[Segment]:
        """Segments whose files wait in the folder of this id and are to be sent to the storage, oldest first.

        Paths do not tell: machines that are set up alike have the same ones.
        """
        c = tables.segments.c
        mine = c.owner.in_([_owner(state, folder) for state in SegmentState])
        query = sa.select(*SEGMENT_COLUMNS, c.attempts).where(c.state == SegmentState.UPLOADING.value, mine)
        with self._catalog.begin() as db:
            rows = db.execute(query.order_by(c.start_ms).limit(limit)).mappings()
            return [to_segment(row) for row in rows]

    def uploaded(self, segment: Segment, address: str) -> None:
        """The storage has it: it lies there from now on, and has the state with which it was told."""
        t = tables.segments
        here = sa.and_(t.c.id == segment.id, t.c.state == SegmentState.UPLOADING.value)
        with self._catalog.begin() as db:
            owner = db.scalar(sa.select(t.c.owner).where(here))
            if owner is not None:  # else another process of this folder was quicker
                state = owner.partition(":")[0]
                db.execute(t.update().where(here).values(path=address, state=state, owner=None))

    def moved(self, ids: Sequence[str]) -> set[str]:
        """Those of the segments that no longer lie where they were recorded."""
        c = tables.segments.c
        sent = sa.and_(c.state != SegmentState.UPLOADING.value, c.path.startswith("s3://"))
        with self._catalog.begin() as db:
            return {id_ for part in _parts(ids) for id_ in db.scalars(sa.select(c.id).where(c.id.in_(part), sent))}

    def _known(self, db: sa.Connection, ids: Sequence[str]) -> set[str]:
        c = tables.segments.c
        return {found for part in _parts(ids) for found in db.scalars(sa.select(c.id).where(c.id.in_(part)))}

    def covered_until(self, stream: Stream) -> int:
        """Unix ms up to which a stream's time is accounted for, as recorded or as a gap; at least its beginning."""
        s, g = tables.segments.c, tables.gaps.c
        mine = sa.and_(s.camera_id == stream.camera_id, s.role == stream.role.value)
        with self._catalog.begin() as db:
            newest = db.scalar(sa.select(s.start_ms).where(mine).order_by(s.start_ms.desc()).limit(1)) or 0
            recorded = db.scalar(
                sa.select(sa.func.max(s.start_ms + s.duration_ms)).where(mine, s.start_ms >= newest - LONGEST_LIVE_MS)
            )
            missed = db.scalar(
                sa.select(sa.func.max(g.end_ms)).where(g.camera_id == stream.camera_id, g.role == stream.role.value)
            )
        return max(stream.since_ms, recorded or 0, missed or 0)

    def paths(self, camera_id: str, role: StreamRole, from_ms: int) -> set[str]:
        """Files of a stream's segments that begin at or after `from_ms`."""
        c = tables.segments.c
        query = sa.select(c.path).where(c.camera_id == camera_id, c.role == role.value, c.start_ms >= from_ms)
        with self._catalog.begin() as db:
            return set(db.scalars(query))

    # what is asked -------------------------------------------------------------------------------------------

    def health(self) -> list[Health]:
        """Every stream that a recorder has told about, by camera and role."""
        t = tables.health
        with self._catalog.begin() as db:
            rows = db.execute(sa.select(t).order_by(t.c.camera_id, t.c.role)).mappings()
            words = [dict(r) | {"role": StreamRole(r["role"]), "state": StreamState(r["state"])} for r in rows]
        return [Health(**word) for word in words]

    def gaps(self, from_ms: int, to_ms: int, cameras: Collection[str] = ()) -> list[Gap]:
        """Gaps that overlap the range, by camera and start; of all cameras where none is named."""
        t = tables.gaps
        query = sa.select(t).where(t.c.start_ms < to_ms, t.c.end_ms > from_ms)
        if cameras:
            query = query.where(t.c.camera_id.in_(list(cameras)))
        with self._catalog.begin() as db:
            rows = db.execute(query.order_by(t.c.camera_id, t.c.start_ms)).all()
        return [
            Gap(camera, StreamRole(role), start, end, Reason(why), more) for camera, role, start, end, why, more in rows
        ]

    def recordings(
        self,
        from_ms: int,
        to_ms: int,
        cameras: Collection[str] = (),
        *,
        states: Collection[SegmentState] = (),
        roles: Collection[StreamRole] = (),
    ) -> list[tuple[Segment, SegmentState, dict[str, Any]]]:
        """Segments that overlap the range with their states and reports (empty: not done), by camera and start."""
        c = tables.segments.c
        query = sa.select(*SEGMENT_COLUMNS, c.attempts, c.state, c.report).where(
            c.start_ms < to_ms, c.start_ms + c.duration_ms > from_ms
        )
        for column, wanted in ((c.camera_id, cameras), (c.state, states), (c.role, roles)):
            if wanted:
                query = query.where(column.in_([str(value) for value in wanted]))
        if roles and StreamRole.FILE not in roles:  # so that an index of starts is enough, after months of recordings
            query = query.where(c.start_ms > from_ms - LONGEST_LIVE_MS)
        with self._catalog.begin() as db:
            rows = db.execute(query.order_by(c.camera_id, c.start_ms)).mappings()
            return [(to_segment(r), SegmentState(r["state"]), json.loads(r["report"] or "{}")) for r in rows]

    def spans(self, stream: Stream, from_ms: int, to_ms: int) -> list[Interval]:
        """A stream's segments that overlap the range, by start; a piece's label is what became of it.

        That is "indexed", "waiting", or the reason why it was skipped. Segments that follow each other (`JOIN_MS`) and
        share a label come as one piece: a day is 8,640 segments.
        """
        c = tables.segments.c
        query = _told(from_ms, to_ms).where(
            c.camera_id == stream.camera_id,
            c.role == stream.role.value,
            c.start_ms > from_ms - LONGEST_LIVE_MS,  # the index knows starts only
            c.state != SegmentState.DELETING.value,
        )
        with self._catalog.begin() as db:
            return list(_runs(db.execute(query.order_by(c.start_ms)).all()))

    def unindexed(
        self, from_ms: int, to_ms: int, cameras: Collection[str] = (), *, live: bool
    ) -> dict[str, list[Interval]]:
        """Camera id -> its recordings in the range that are not indexed: waiting, or why not; joined as in `spans`.

        Either those that were recorded live, or those that were imported.
        """
        c = tables.segments.c
        wanted = [*_UNDONE, SegmentState.SKIPPED.value]
        roles = LIVE_ROLES if live else (StreamRole.FILE.value,)
        query = _told(from_ms, to_ms).where(c.state.in_(wanted), c.role.in_(roles))
        if live:
            query = query.where(c.start_ms > from_ms - LONGEST_LIVE_MS)
        if cameras:
            query = query.where(c.camera_id.in_(list(cameras)))
        with self._catalog.begin() as db:
            rows = db.execute(query.order_by(c.camera_id, c.start_ms)).all()
        return {camera: list(_runs(its)) for camera, its in groupby(rows, key=itemgetter(0))}

    def newest_indexed(self, cameras: Collection[str] = ()) -> dict[str, int]:
        """Camera id -> end (Unix ms) of its newest live segment that is indexed; of all where none is named."""
        c = tables.segments.c
        newest = (
            sa.select(c.start_ms + c.duration_ms)
            .where(c.camera_id == tables.cameras.c.id, c.role.in_(LIVE_ROLES), c.state == SegmentState.INDEXED.value)
            .order_by(c.start_ms.desc())  # the index tells at once; a maximum would read a month of recordings
            .limit(1)
            .scalar_subquery()
        )
        with self._catalog.begin() as db:
            query = sa.select(tables.cameras.c.id, newest)
            parts = [query.where(tables.cameras.c.id.in_(part)) for part in _parts(cameras)] if cameras else [query]
            rows = [row for part in parts for row in db.execute(part)]
        return {row[0]: int(row[1]) for row in rows if row[1] is not None}

    def imported_until(self) -> dict[str, int]:
        """Camera id -> end (Unix ms) of the newest imported recording from before it was live; only those with any."""
        c, s = tables.segments.c, tables.streams.c
        newest = (
            sa.select(c.start_ms + c.duration_ms)
            .where(c.camera_id == s.camera_id, c.role == StreamRole.FILE.value, c.start_ms < s.since_ms)
            .order_by(c.start_ms.desc())
            .limit(1)
            .scalar_subquery()
        )
        with self._catalog.begin() as db:
            rows = db.execute(sa.select(s.camera_id, newest)).all()
        return {camera_id: int(end) for camera_id, end in rows if end is not None}

    def backlog(self, recent_after_ms: int) -> Backlog:
        """Live segments that wait; `recent_after_ms`: those that end later than this count as recent."""
        c = tables.segments.c
        end = c.start_ms + c.duration_ms
        waits = sa.and_(c.role.in_(LIVE_ROLES), c.state.in_(_UNDONE))
        query = sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(c.duration_ms), 0),
            sa.func.min(c.start_ms),
            sa.func.min(sa.case((end > recent_after_ms, end))),
        ).where(waits)
        with self._catalog.begin() as db:
            count, ms, oldest, recent = db.execute(query).one()
        return Backlog(int(count), float(ms) / 1000, oldest, recent)

    def waiting(self) -> dict[str, float]:
        """Camera id -> recorded seconds of its live streams that wait for the indexer; without those that have none."""
        c = tables.segments.c
        waits = sa.and_(c.role.in_(LIVE_ROLES), c.state.in_(_UNDONE))
        query = sa.select(c.camera_id, sa.func.sum(c.duration_ms)).where(waits).group_by(c.camera_id)
        with self._catalog.begin() as db:
            return {camera_id: float(ms) / 1000 for camera_id, ms in db.execute(query)}

    # rules and holds -----------------------------------------------------------------------------------------

    def set_rules(self, rules: Rules) -> None:
        """Let these hold for the camera instead of what held before."""
        t = tables.rules
        with self._catalog.begin() as db:
            db.execute(t.delete().where(t.c.camera_id == rules.camera_id))
            db.execute(t.insert().values(**_rule_values(rules)))

    def rules(self) -> dict[str, Rules]:
        """Camera id -> its rules; a camera without any is not in it."""
        with self._catalog.begin() as db:
            rows = db.execute(sa.select(tables.rules)).mappings()
            return {row["camera_id"]: _to_rules(row) for row in rows}

    def add_hold(self, camera_id: str, start_ms: int, end_ms: int, why: str) -> Hold:
        """Keep a range, of one camera or all (empty), from retention."""
        if camera_id:
            self._catalog.check_cameras([camera_id])
        if not why.strip():
            raise BadInput("a hold needs a reason", cure="name the case")
        values = {"camera_id": camera_id, "start_ms": start_ms, "end_ms": end_ms, "why": why}
        Hold(0, **values)  # type: ignore[arg-type]
        with self._catalog.begin() as db:
            made = db.execute(tables.holds.insert().values(**values)).inserted_primary_key
        return Hold(int(made[0]) if made else 0, camera_id, start_ms, end_ms, why)

    def holds(self) -> list[Hold]:
        """All holds, oldest first."""
        with self._catalog.begin() as db:
            return [Hold(**row) for row in db.execute(sa.select(tables.holds).order_by(tables.holds.c.id)).mappings()]

    def remove_hold(self, hold_id: int) -> None:
        """Let retention have the range again. Raises `NotFound`."""
        with self._catalog.begin() as db:
            if not db.execute(tables.holds.delete().where(tables.holds.c.id == hold_id)).rowcount:
                raise NotFound("there is no such hold", got=hold_id, cure="`xunren hold list` shows all")

    # deletion ------------------------------------------------------------------------------------------------

    def mark_deleting(self, ids: Iterable[str]) -> None:
        """Take segments out of answers and of the indexer's reach; leased, held and unsent ones stay as they are."""
        t = tables.segments
        busy = (SegmentState.LEASED, SegmentState.DELETING, SegmentState.UPLOADING)
        free = sa.and_(t.c.state.not_in([state.value for state in busy]), ~held())
        with self._catalog.begin() as db:
            for part in _parts(ids):
                db.execute(
                    t.update()
                    .where(t.c.id.in_(part), free)
                    .values(
                        state=SegmentState.DELETING.value, owner=t.c.state
                    )  # nobody leases it: room for what it was
                )

    def unmark(self, ids: Iterable[str], *, only_held: bool = False) -> int:
        """Give segments that are marked for deletion their state back, or those that are held since; how many."""
        t = tables.segments
        marked = sa.and_(
            t.c.state == SegmentState.DELETING.value, t.c.owner.is_not(None), held() if only_held else sa.true()
        )
        with self._catalog.begin() as db:
            back = [t.update().where(t.c.id.in_(p), marked).values(state=t.c.owner, owner=None) for p in _parts(ids)]
            return sum(int(db.execute(update).rowcount) for update in back)

    def deleting(self, limit: int) -> list[Segment]:
        """Segments that are marked for deletion, oldest first."""
        c = tables.segments.c
        query = sa.select(*SEGMENT_COLUMNS, c.attempts).where(c.state == SegmentState.DELETING.value)
        with self._catalog.begin() as db:
            rows = db.execute(query.order_by(c.start_ms).limit(limit)).mappings()
            return [to_segment(row) for row in rows]


def held() -> sa.ColumnElement[bool]:
    """Whether a hold overlaps the segment."""
    s, h = tables.segments.c, tables.holds.c
    return sa.exists().where(
        sa.or_(h.camera_id == s.camera_id, h.camera_id == ""),
        h.start_ms < s.start_ms + s.duration_ms,
        h.end_ms > s.start_ms,
    )


def _owner(state: SegmentState, folder: str) -> str:
    """Nobody leases what is not sent yet: room for the state that waits for it, and for where it lies."""
    return f"{state.value}:{folder}"


def _told(from_ms: int, to_ms: int) -> sa.Select[Any]:
    """Camera, start, end and state of the segments in the range; the report where it says why one was skipped."""
    c = tables.segments.c
    end = c.start_ms + c.duration_ms
    report = sa.case((c.state == SegmentState.SKIPPED.value, c.report))
    return sa.select(c.camera_id, c.start_ms, end, c.state, report).where(c.start_ms < to_ms, end > from_ms)


def _runs(rows: Iterable[Any]) -> Iterator[Interval]:
    """A camera's rows of `_told`, by start, with neighbours that share a label in one piece."""
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


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids in as many at once as a statement takes."""
    wanted = list(ids)
    for n in range(0, len(wanted), _AT_ONCE):
        yield wanted[n : n + _AT_ONCE]


def _same(gap: Gap) -> sa.ColumnElement[bool]:
    return sa.and_(_key(tables.gaps, gap), tables.gaps.c.start_ms == gap.start_ms)


def _many(db: sa.Connection, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        db.execute(statement, rows)


def _to_stream(row: Mapping[Any, Any]) -> Stream:
    return Stream(**dict(row) | {"role": StreamRole(row["role"])})


def _to_rules(row: Mapping[Any, Any]) -> Rules:
    masks = tuple(tuple((x, y) for x, y in polygon) for polygon in json.loads(row["masks"]))
    return Rules(row["camera_id"], row["keep_days"], masks)


def _rule_values(rules: Rules) -> dict[str, Any]:
    masks = json.dumps(list(rules.masks))
    return {"camera_id": rules.camera_id, "keep_days": rules.keep_days, "masks": masks}


def _key(table: sa.Table, item: Gap | Health) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.camera_id == item.camera_id, table.c.role == item.role.value)


def _values(item: Gap | Health | Stream | Camera) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in type(item).__dataclass_fields__}
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}
