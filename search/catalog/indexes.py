"""The catalogue's part about the indexes: which one answers, which others there are, and what each of them has.

One index is the rule, and then these tables are empty. `xunren reindex` makes a second one beside it. New rows go to
all of them; what an index lacks is what the catalogue has indexed and `covered` does not name: nothing depends on when
a job, a worker or a process began: whatever was missed shows, and is made up for.

Which one answers is one row, the fact "model", changed in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from search.catalog import tables
from search.catalog.catalog import Catalog, database_ms
from search.errors import Conflict
from search.times import now_ms
from search.types import Segment, SegmentState

FIRST = "xunren"
"""Collection of the index that a new data folder begins with."""


class IndexState(StrEnum):
    """Of an index. New rows go to all but those that are dropped."""

    BUILDING = "building"
    READY = "ready"
    LIVE = "live"
    OLD = "old"
    DROPPING = "dropping"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class ReindexScope:
    """What an index is to have: recordings that overlap [from_ms, to_ms), Unix ms, of these cameras (empty: all)."""

    from_ms: int | None = None
    to_ms: int | None = None
    cameras: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == ReindexScope()

    def condition(self) -> sa.ColumnElement[bool]:
        """On the segments' table."""
        c = tables.segments.c
        wanted: list[sa.ColumnElement[bool]] = [sa.true()]
        if self.from_ms is not None:
            wanted.append(c.start_ms + c.duration_ms > self.from_ms)
        if self.to_ms is not None:
            wanted.append(c.start_ms < self.to_ms)
        if self.cameras:
            wanted.append(c.camera_id.in_(self.cameras))
        return sa.and_(*wanted)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"from_ms": self.from_ms, "to_ms": self.to_ms, "cameras": list(self.cameras)}


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """One index. `model` is the setting that loads its model, empty where it is not known; `label` its vector space."""

    collection: str
    label: str
    dim: int
    model: str = ""
    state: IndexState = IndexState.LIVE
    scope: ReindexScope = ReindexScope()
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """What an index is to have, has and lacks: segments of its scope. `failed`: (segment id, path, why)."""

    segments: int
    done: int
    failed: Sequence[tuple[str, str, str]] = ()

    @property
    def missing(self) -> int:
        """Neither done nor failed."""
        return self.segments - self.done - len(self.failed)


@dataclass(frozen=True, slots=True)
class BackfillCost:
    """What a job has to read and to make."""

    segments: int
    rows: int
    frames: int
    duration_ms: int
    bytes: int


class IndexStore:
    """Cheap to make, safe for many threads and processes. Raises `Unavailable` where the database does not answer."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def live(self) -> IndexInfo | None:
        """The one that answers; None while the data folder is new."""
        with self._catalog.begin() as db:
            return _live(db)

    def all(self) -> list[IndexInfo]:
        """All of them, those that are dropped too, by age."""
        with self._catalog.begin() as db:
            return _all(db)

    def written(self) -> list[IndexInfo]:
        """Those that new rows go to."""
        return [index for index in self.all() if index.state.value in tables.WRITTEN]

    def other(self) -> IndexInfo | None:
        """The one beside the live one, also while it is dropped."""
        return _beside(self.all())

    def begin(self, wanted: IndexInfo, live_model: str) -> IndexInfo:
        """Have a second index, to which new rows go from now on; the same one again where it is there, with this scope.

        Args:
            wanted: model, label, dim and scope count.
            live_model: the setting that loads the live index's model.

        Raises:
            Conflict: its model is the live one, or a third index would be needed.
        """
        with self._catalog.begin() as db:
            tables.settle(db)  # what is finished meanwhile must know of both
            live, other = _live(db), _beside(_all(db))
            if live is None:
                raise Conflict("there is nothing to index again", cure="index something first")
            if live.label == wanted.label:
                raise Conflict("the index answers by this model already", got=wanted.label, expected="another model")
            if other is not None and (other.label != wanted.label or other.state is IndexState.DROPPING):
                raise Conflict(
                    "there is a second index of another model", got=other.label, cure="`xunren reindex drop` removes it"
                )
            if other is None:
                return _add_beside(db, live, live_model, wanted)
            return _go_on(db, other, wanted)

    def ready(self, collection: str) -> None:
        """It has everything: `switch` may come."""
        self._to(collection, IndexState.BUILDING, IndexState.READY)

    def switch(self, collection: str) -> None:
        """Let this one answer from now on, and keep the one that did, in one transaction.

        Raises:
            Conflict: it is not ready, or lacks something that is indexed.
        """
        t, now = tables.indexes, now_ms()
        usable = (IndexState.READY.value, IndexState.OLD.value)
        with self._catalog.begin() as db:
            tables.settle(db)
            here = sa.and_(t.c.collection == collection, t.c.state.in_(usable))
            if not db.execute(t.update().where(here).values(state=IndexState.LIVE.value, changed_ms=now)).rowcount:
                raise Conflict("this index cannot answer yet", got=collection, cure="`xunren reindex status` says why")
            before = sa.and_(t.c.collection != collection, t.c.state == IndexState.LIVE.value)
            db.execute(t.update().where(before).values(state=IndexState.OLD.value, changed_ms=now))
            index = _one(db, collection)
            _check_whole(db, index)
            fact = {"label": index.label, "dim": index.dim, "collection": index.collection, "model": index.model}
            db.execute(tables.facts.update().where(tables.facts.c.name == "model").values(value=json.dumps(fact)))

    def drop_begins(self, collection: str) -> None:
        """Nothing is written to it from now on.

        Raises:
            Conflict: it is the one that answers, or that one lacks something that only this one may have.
        """
        t = tables.indexes
        there = sa.and_(t.c.collection == collection, t.c.state != IndexState.LIVE.value)
        changed = {"state": IndexState.DROPPING.value, "changed_ms": now_ms()}
        with self._catalog.begin() as db:
            tables.settle(db)
            if not db.execute(t.update().where(there).values(**changed)).rowcount:
                raise Conflict("the index that answers cannot be dropped", got=collection)
            _check_whole(db, next(index for index in _all(db) if index.state is IndexState.LIVE))

    def drop_ends(self, collection: str) -> None:
        """It is gone. Where one is left, nobody needs to remember what that has."""
        t, c = tables.indexes, tables.covered
        here = sa.and_(t.c.collection == collection, t.c.state == IndexState.DROPPING.value)
        with self._catalog.begin() as db:
            if not db.execute(t.update().where(here).values(state=IndexState.DROPPED.value)).rowcount:
                return  # another process was quicker
            db.execute(c.delete())
            live = t.c.state == IndexState.LIVE.value
            db.execute(
                t.update().where(live).values(state=IndexState.LIVE.value, scope=json.dumps(ReindexScope().as_dict()))
            )

    # what an index lacks --------------------------------------------------------------------------------------

    def cost(self, scope: ReindexScope) -> BackfillCost:
        """What a new index of this scope would cost, out of the reports; no file is touched."""
        c = tables.segments.c
        here = sa.and_(c.state == SegmentState.INDEXED.value, scope.condition())
        rows = frames = segments = duration = size = 0
        with self._catalog.begin() as db:
            for report, ms, held in db.execute(sa.select(c.report, c.duration_ms, c.size_bytes).where(here)):
                told = json.loads(report)
                rows, frames = rows + told["rows"], frames + told["indexed"]
                segments, duration, size = segments + 1, duration + ms, size + held
        return BackfillCost(segments, rows, frames, duration, size)

    def work(self, index: IndexInfo) -> BackfillProgress:
        """How far it is."""
        c, s = tables.covered.c, tables.segments.c
        mine = sa.and_(c.collection == index.collection, c.segment_id == s.id)
        here = sa.and_(s.state == SegmentState.INDEXED.value, index.scope.condition())
        count = sa.select(sa.func.count()).select_from(tables.segments)
        with self._catalog.begin() as db:
            segments = db.scalar(count.where(here))
            done = db.scalar(count.where(here, sa.exists().where(mine, c.state == "done")))
            bad = sa.select(s.id, s.path, c.said).where(here, mine, c.state == "failed").order_by(s.id)
            failed = [(row[0], row[1], row[2]) for row in db.execute(bad)]
        return BackfillProgress(int(segments or 0), int(done or 0), failed)

    def take(
        self, index: IndexInfo, source: IndexInfo, owner: str, most: int, lease_ms: int, until_ms: int | None = None
    ) -> list[Segment]:
        """Lease up to `most` segments that the index lacks and `source` has, newest first.

        Args:
            index: of it `collection` and `scope` count.
            source: of it `collection` counts.
            owner: of the leases.
            most: segments at once.
            lease_ms: after so long without `renew` others may take them.
            until_ms: only those that begin by then (Unix ms): to look for them from the newest on each time means to
                pass by all that is done already.
        """
        s, c = tables.segments.c, tables.covered.c
        insert = postgresql.insert if self._dialect() == "postgresql" else sqlite.insert
        missing = _missing(index, leased=True)
        has = sa.exists().where(c.collection == source.collection, c.segment_id == missing.c.id, c.state == "done")
        query = sa.select(missing.c.id).where(has).order_by(missing.c.start_ms.desc()).limit(most)
        with self._catalog.begin() as db:
            now = database_ms(db)
            if until_ms is None:
                over = sa.and_(c.collection == index.collection, c.state == "leased", c.lease_until_ms < now)
                db.execute(tables.covered.delete().where(over))
            else:
                query = query.where(missing.c.start_ms <= until_ms)
        with self._catalog.begin() as db:
            ids = list(db.scalars(query))
        lease = {"state": "leased", "owner": owner, "lease_until_ms": now + lease_ms, "said": ""}
        mine: list[str] = []
        with self._catalog.begin() as db:
            for id_ in ids:  # else another process was quicker
                values = lease | {"collection": index.collection, "segment_id": id_}
                made = insert(tables.covered).values(**values).on_conflict_do_nothing().returning(c.segment_id)
                mine += list(db.scalars(made))
            columns = (*tables.SEGMENT_COLUMNS, s.attempts)
            rows = db.execute(sa.select(*columns).where(s.id.in_(mine))).mappings()
            return sorted((tables.to_segment(row) for row in rows), key=lambda one: one.start_ms)

    def renew(self, index: IndexInfo, owner: str, lease_ms: int) -> None:
        """Extend the leases of `owner`."""
        c = tables.covered.c
        mine = sa.and_(c.collection == index.collection, c.state == "leased", c.owner == owner)
        with self._catalog.begin() as db:
            db.execute(tables.covered.update().where(mine).values(lease_until_ms=database_ms(db) + lease_ms))

    def done(self, index: IndexInfo, owner: str, segment: Segment, failed: str = "") -> bool:
        """The index has the segment's rows, or why it never will; False: it was changed meanwhile.

        What a worker has indexed again in between has taken the lease away (`Catalog.finish`), and some of its rows may
        have been written over since: it is missing again. What another one has leased stays its own.
        """
        c, s = tables.covered.c, tables.segments.c
        mine = sa.and_(c.collection == index.collection, c.segment_id == segment.id)
        same = sa.exists().where(s.id == segment.id, s.state == SegmentState.INDEXED.value)
        held = sa.and_(mine, c.state == "leased", c.owner == owner)
        values = {"state": "failed" if failed else "done", "owner": None, "lease_until_ms": None, "said": failed}
        with self._catalog.begin() as db:
            if db.execute(tables.covered.update().where(held, same).values(**values)).rowcount:
                return True
            db.execute(tables.covered.delete().where(sa.or_(held, sa.and_(mine, c.state == "done"))))
            return False

    def deleted(self, segment_id: str) -> bool:
        """Whether a segment is gone, or about to go."""
        c = tables.segments.c
        there = sa.and_(c.id == segment_id, c.state != SegmentState.DELETING.value)
        with self._catalog.begin() as db:
            return db.scalar(sa.select(c.id).where(there)) is None

    def release(self, owner: str | None = None) -> None:
        """Give the leases of `owner` back; None: everybody's, which only the sole owner of a store may do."""
        c = tables.covered.c
        held = c.state == "leased" if owner is None else sa.and_(c.state == "leased", c.owner == owner)
        with self._catalog.begin() as db:
            db.execute(tables.covered.delete().where(held))

    def comparable(self, a: IndexInfo, b: IndexInfo, ids: Iterable[str]) -> set[str]:
        """Those of the segments that both indexes are to have by now, and that nobody works on."""
        c, s = tables.covered.c, tables.segments.c
        found: set[str] = set()
        wanted = sorted(ids)
        for at in range(0, len(wanted), 500):
            has = [
                sa.exists().where(c.collection == index.collection, c.segment_id == s.id, c.state == "done")
                for index in (a, b)
            ]
            query = sa.select(s.id).where(s.id.in_(wanted[at : at + 500]), s.state == SegmentState.INDEXED.value, *has)
            with self._catalog.begin() as db:
                found.update(db.scalars(query))
        return found

    def _dialect(self) -> str:
        with self._catalog.begin() as db:
            return db.dialect.name

    def _to(self, collection: str, before: IndexState, after: IndexState) -> None:
        t = tables.indexes
        here = sa.and_(t.c.collection == collection, t.c.state == before.value)
        with self._catalog.begin() as db:
            db.execute(t.update().where(here).values(state=after.value, changed_ms=now_ms()))


def _live(db: sa.Connection) -> IndexInfo | None:
    value = db.scalar(sa.select(tables.facts.c.value).where(tables.facts.c.name == "model"))
    if value is None:
        return None
    fact = json.loads(value)
    return IndexInfo(fact.get("collection", FIRST), fact["label"], fact["dim"], fact.get("model", ""))


def _missing(index: IndexInfo, *, leased: bool = False) -> sa.Subquery:
    """(id, start_ms) of what the index is to have and has not; `leased`: nor is anybody at it, nor has it failed."""
    c, s = tables.covered.c, tables.segments.c
    mine = sa.and_(c.collection == index.collection, c.segment_id == s.id)
    there = sa.exists().where(mine) if leased else sa.exists().where(mine, c.state == "done")
    here = sa.and_(s.state == SegmentState.INDEXED.value, index.scope.condition(), ~there)
    return sa.select(s.id, s.start_ms).where(here).subquery()


def _all(db: sa.Connection) -> list[IndexInfo]:
    rows = db.execute(sa.select(tables.indexes).order_by(tables.indexes.c.created_ms)).mappings().all()
    live = _live(db)
    return [_to_index(row) for row in rows] or ([live] if live else [])


def _beside(there: Iterable[IndexInfo]) -> IndexInfo | None:
    """The one of them that is neither live nor gone."""
    gone = (IndexState.LIVE, IndexState.DROPPED)
    return next((index for index in there if index.state not in gone), None)


def _one(db: sa.Connection, collection: str) -> IndexInfo:
    return _to_index(
        db.execute(sa.select(tables.indexes).where(tables.indexes.c.collection == collection)).mappings().one()
    )


def _add_beside(db: sa.Connection, live: IndexInfo, live_model: str, wanted: IndexInfo) -> IndexInfo:
    """The new index; and what the live one has, which nobody had to remember while it was the only one."""
    t, s, now = tables.indexes, tables.segments.c, now_ms()
    everything = json.dumps(ReindexScope().as_dict())
    names = list(db.scalars(sa.select(t.c.collection)))
    collection = f"{FIRST}_{len(names) + 1 + (live.collection not in names)}"
    common = {"created_ms": now, "changed_ms": now}
    if live.collection not in names:
        known = {"collection": live.collection, "model": live_model, "label": live.label, "dim": live.dim}
        db.execute(
            t.insert().values(**known, state=IndexState.LIVE.value, scope=everything, **common | {"created_ms": 0})
        )
    made = {"collection": collection, "model": wanted.model, "label": wanted.label, "dim": wanted.dim}
    scope = json.dumps(wanted.scope.as_dict())
    db.execute(t.insert().values(**made, state=IndexState.BUILDING.value, scope=scope, **common))
    has = sa.select(sa.literal(live.collection), s.id, sa.literal("done"), sa.literal("")).where(
        s.state == SegmentState.INDEXED.value
    )
    db.execute(tables.covered.insert().from_select(["collection", "segment_id", "state", "said"], has))
    return _one(db, collection)


def _go_on(db: sa.Connection, other: IndexInfo, wanted: IndexInfo) -> IndexInfo:
    """The index that is there, with the scope that is wanted now; what failed is tried again.

    One that did answer keeps its own: `rollback` needs all of it.
    """
    t, c = tables.indexes, tables.covered
    changed: dict[str, Any] = {"model": wanted.model, "changed_ms": now_ms()}
    if other.state is not IndexState.OLD:
        changed |= {"state": IndexState.BUILDING.value, "scope": json.dumps(wanted.scope.as_dict())}
    db.execute(t.update().where(t.c.collection == other.collection).values(**changed))
    db.execute(c.delete().where(c.c.collection == other.collection, c.c.state == "failed"))
    return _one(db, other.collection)


def _check_whole(db: sa.Connection, index: IndexInfo) -> None:
    lacks = db.scalar(sa.select(sa.func.count()).select_from(_missing(index)))
    if lacks:
        got = f"{index.label}: {lacks}"
        raise Conflict("this index lacks recordings", got=got, expected="0", cure="wait until they are there")


def _to_index(row: Any) -> IndexInfo:
    scope = json.loads(row["scope"])
    return IndexInfo(
        collection=row["collection"],
        label=row["label"],
        dim=row["dim"],
        model=row["model"],
        state=IndexState(row["state"]),
        scope=ReindexScope(scope["from_ms"], scope["to_ms"], tuple(scope["cameras"])),
        created_ms=row["created_ms"],
    )
