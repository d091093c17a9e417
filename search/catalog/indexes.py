"""The catalogue's part about the indexes: which one answers, which others there are, and what each of them has.

One index is the rule, and then these tables are empty. `xunren reindex` makes a second one beside it. New rows go to
all of them; what an index lacks is what the catalogue has indexed and `covered` does not name: nothing depends on when
a job, a worker or a process began: whatever was missed shows, and is made up for.

Which one answers is one row, the fact "model", changed in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database
from search.catalog.index_backfill import missing_segments
from search.catalog.index_types import FIRST_COLLECTION, IndexInfo, IndexState, ReindexScope
from search.errors import Conflict
from search.times import now_ms
from search.types import SegmentState


class IndexStore:
    """The indexes in an open `Database`, safe for many threads and processes.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def live(self) -> IndexInfo | None:
        """Return the index that answers; None while the data folder is new."""
        with self._database.begin() as db:
            return _live(db)

    def all(self) -> list[IndexInfo]:
        """Return all indexes by age, dropped ones too."""
        with self._database.begin() as db:
            return _all(db)

    def written(self) -> list[IndexInfo]:
        """Return the indexes that new rows go to."""
        return [index for index in self.all() if index.state.value in tables.WRITTEN]

    def other(self) -> IndexInfo | None:
        """Return the second index, also while it is being dropped."""
        return _beside(self.all())

    def begin(self, target: IndexInfo, live_model: str) -> IndexInfo:
        """Add a second index, to which new rows go from now on. An existing one gets this scope.

        Args:
            target: model, label, dim and scope count.
            live_model: the setting that loads the live index's model.

        Raises:
            Conflict: its model is the live one, or a third index would be needed.
        """
        with self._database.begin() as db:
            tables.settle(db)  # what is finished meanwhile must know of both
            live, other = _live(db), _beside(_all(db))
            if live is None:
                raise Conflict("there is nothing to index again", cure="index something first")
            if live.label == target.label:
                raise Conflict("the index answers by this model already", got=target.label, expected="another model")
            if other is not None and (other.label != target.label or other.state is IndexState.DROPPING):
                raise Conflict(
                    "there is a second index of another model", got=other.label, cure="`xunren reindex drop` removes it"
                )
            if other is None:
                return _add_beside(db, live, live_model, target)
            return _go_on(db, other, target)

    def ready(self, collection: str) -> None:
        """Mark an index as complete, so that `switch` is allowed."""
        self._to(collection, IndexState.BUILDING, IndexState.READY)

    def switch(self, collection: str) -> None:
        """Make this index the live one and keep the previous one, in one transaction.

        Raises:
            Conflict: it is not ready, or lacks something that is indexed.
        """
        t, now = tables.indexes, now_ms()
        usable = (IndexState.READY.value, IndexState.OLD.value)
        with self._database.begin() as db:
            tables.settle(db)
            matching = sa.and_(t.c.collection == collection, t.c.state.in_(usable))
            if not db.execute(t.update().where(matching).values(state=IndexState.LIVE.value, changed_ms=now)).rowcount:
                raise Conflict("this index cannot answer yet", got=collection, cure="`xunren reindex status` says why")
            before = sa.and_(t.c.collection != collection, t.c.state == IndexState.LIVE.value)
            db.execute(t.update().where(before).values(state=IndexState.OLD.value, changed_ms=now))
            index = _one(db, collection)
            _check_whole(db, index)
            fact = {"label": index.label, "dim": index.dim, "collection": index.collection, "model": index.model}
            db.execute(tables.facts.update().where(tables.facts.c.name == "model").values(value=json.dumps(fact)))

    def drop_begins(self, collection: str) -> None:
        """Stop writing to an index before its rows are removed.

        Raises:
            Conflict: it is the one that answers, or that one lacks something that only this one may have.
        """
        t = tables.indexes
        existing = sa.and_(t.c.collection == collection, t.c.state != IndexState.LIVE.value)
        changed = {"state": IndexState.DROPPING.value, "changed_ms": now_ms()}
        with self._database.begin() as db:
            tables.settle(db)
            if not db.execute(t.update().where(existing).values(**changed)).rowcount:
                raise Conflict("the index that answers cannot be dropped", got=collection)
            _check_whole(db, next(index for index in _all(db) if index.state is IndexState.LIVE))

    def drop_ends(self, collection: str) -> None:
        """Mark an index as dropped, and forget what each index has: only one is left."""
        t, c = tables.indexes, tables.covered
        matching = sa.and_(t.c.collection == collection, t.c.state == IndexState.DROPPING.value)
        with self._database.begin() as db:
            if not db.execute(t.update().where(matching).values(state=IndexState.DROPPED.value)).rowcount:
                return  # another process was quicker
            db.execute(c.delete())
            live = t.c.state == IndexState.LIVE.value
            db.execute(
                t.update().where(live).values(state=IndexState.LIVE.value, scope=json.dumps(ReindexScope().as_dict()))
            )

    def model(self) -> tuple[str, int] | None:
        """Return (label, dim) of the model that made the live index, or None while it is new."""
        with self._database.begin() as db:
            value = db.scalar(sa.select(tables.facts.c.value).where(tables.facts.c.name == "model"))
        return None if value is None else (json.loads(value)["label"], json.loads(value)["dim"])

    def bind_model(self, label: str, measure_dim: Callable[[], int]) -> int:
        """Return the dimension of the index's model. A new index stores `label`; `measure_dim` loads the model.

        Raises:
            Conflict: the index was made with another model.
        """
        known = self.model()
        if known is None:
            known = self._bound(label, measure_dim())
        if known[0] != label:
            raise Conflict(
                "the index was made with another model",
                got=label,
                expected=known[0],
                cure=f"set model to the one of {known[0]}, or index into a new --data-dir",
            )
        return known[1]

    def _bound(self, label: str, dim: int) -> tuple[str, int]:
        """Store the model of a new index and return it, or that of a process that was quicker."""
        t = tables.facts
        with self._database.begin() as db:
            tables.alone(db)
            value = db.scalar(sa.select(t.c.value).where(t.c.name == "model"))
            if value is None:
                value = json.dumps({"label": label, "dim": dim})
                db.execute(t.insert().values(name="model", value=value))
        return json.loads(value)["label"], json.loads(value)["dim"]

    def _to(self, collection: str, before: IndexState, after: IndexState) -> None:
        t = tables.indexes
        matching = sa.and_(t.c.collection == collection, t.c.state == before.value)
        with self._database.begin() as db:
            db.execute(t.update().where(matching).values(state=after.value, changed_ms=now_ms()))


def _live(db: sa.Connection) -> IndexInfo | None:
    value = db.scalar(sa.select(tables.facts.c.value).where(tables.facts.c.name == "model"))
    if value is None:
        return None
    fact = json.loads(value)
    return IndexInfo(fact.get("collection", FIRST_COLLECTION), fact["label"], fact["dim"], fact.get("model", ""))


def _all(db: sa.Connection) -> list[IndexInfo]:
    rows = db.execute(sa.select(tables.indexes).order_by(tables.indexes.c.created_ms)).mappings().all()
    live = _live(db)
    return [_to_index(row) for row in rows] or ([live] if live else [])


def _beside(existing: Iterable[IndexInfo]) -> IndexInfo | None:
    """Return the index that is neither live nor dropped."""
    gone = (IndexState.LIVE, IndexState.DROPPED)
    return next((index for index in existing if index.state not in gone), None)


def _one(db: sa.Connection, collection: str) -> IndexInfo:
    return _to_index(
        db.execute(sa.select(tables.indexes).where(tables.indexes.c.collection == collection)).mappings().one()
    )


def _add_beside(db: sa.Connection, live: IndexInfo, live_model: str, target: IndexInfo) -> IndexInfo:
    """Add the second index, and store what the live one has: that is not stored while it is the only one."""
    t, s, now = tables.indexes, tables.segments.c, now_ms()
    everything = json.dumps(ReindexScope().as_dict())
    names = list(db.scalars(sa.select(t.c.collection)))
    collection = f"{FIRST_COLLECTION}_{len(names) + 1 + (live.collection not in names)}"
    common = {"created_ms": now, "changed_ms": now}
    if live.collection not in names:
        known = {"collection": live.collection, "model": live_model, "label": live.label, "dim": live.dim}
        db.execute(
            t.insert().values(**known, state=IndexState.LIVE.value, scope=everything, **common | {"created_ms": 0})
        )
    made = {"collection": collection, "model": target.model, "label": target.label, "dim": target.dim}
    scope = json.dumps(target.scope.as_dict())
    db.execute(t.insert().values(**made, state=IndexState.BUILDING.value, scope=scope, **common))
    has = sa.select(sa.literal(live.collection), s.id, sa.literal("done"), sa.literal("")).where(
        s.state == SegmentState.INDEXED.value
    )
    db.execute(tables.covered.insert().from_select(["collection", "segment_id", "state", "said"], has))
    return _one(db, collection)


def _go_on(db: sa.Connection, other: IndexInfo, target: IndexInfo) -> IndexInfo:
    """Give the existing second index this scope, and let what failed be tried again.

    One that did answer keeps its own: `rollback` needs all of it.
    """
    t, c = tables.indexes, tables.covered
    changed: dict[str, Any] = {"model": target.model, "changed_ms": now_ms()}
    if other.state is not IndexState.OLD:
        changed |= {"state": IndexState.BUILDING.value, "scope": json.dumps(target.scope.as_dict())}
    db.execute(t.update().where(t.c.collection == other.collection).values(**changed))
    db.execute(c.delete().where(c.c.collection == other.collection, c.c.state == "failed"))
    return _one(db, other.collection)


def _check_whole(db: sa.Connection, index: IndexInfo) -> None:
    lacks = db.scalar(sa.select(sa.func.count()).select_from(missing_segments(index)))
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
