"""The segments that an index lacks, and the leases of the workers that add them.

An index lacks what the catalogue has indexed and `covered` does not name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from search.catalog import tables
from search.catalog.database import Database, database_ms, id_batches
from search.catalog.index_types import BackfillCost, BackfillProgress, IndexInfo, ReindexScope
from search.types import Segment, SegmentState


class IndexBackfill:
    """The work that is left for the indexes in an open `Database`.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def cost(self, scope: ReindexScope) -> BackfillCost:
        """Return what a new index of this scope would cost, from the reports; no file is read."""
        c = tables.segments.c
        matching = sa.and_(c.state == SegmentState.INDEXED.value, scope.condition())
        rows = frames = segments = duration = size = 0
        with self._database.begin() as db:
            for report, ms, held in db.execute(sa.select(c.report, c.duration_ms, c.size_bytes).where(matching)):
                summary = json.loads(report)
                rows, frames = rows + summary["rows"], frames + summary["indexed"]
                segments, duration, size = segments + 1, duration + ms, size + held
        return BackfillCost(segments, rows, frames, duration, size)

    def progress(self, index: IndexInfo) -> BackfillProgress:
        """Return how many segments of its scope an index has, and which failed."""
        c, s = tables.covered.c, tables.segments.c
        own = sa.and_(c.collection == index.collection, c.segment_id == s.id)
        matching = sa.and_(s.state == SegmentState.INDEXED.value, index.scope.condition())
        count = sa.select(sa.func.count()).select_from(tables.segments)
        with self._database.begin() as db:
            segments = db.scalar(count.where(matching))
            done = db.scalar(count.where(matching, sa.exists().where(own, c.state == "done")))
            bad = sa.select(s.id, s.path, c.said).where(matching, own, c.state == "failed").order_by(s.id)
            failed = [(row[0], row[1], row[2]) for row in db.execute(bad)]
        return BackfillProgress(int(segments or 0), int(done or 0), failed)

    def take(
        self, index: IndexInfo, source: IndexInfo, owner: str, most: int, lease_ms: int, until_ms: int | None = None
    ) -> list[Segment]:
        """Lease up to `most` segments that the index lacks and `source` has, newest first.

        Args:
            index: of it `collection` and `scope` count.
            source: of it `collection` counts.
            owner: owner of the leases.
            most: segments at once.
            lease_ms: after so long without `renew` others may take them.
            until_ms: only those that begin by then (Unix ms): to look for them from the newest on each time means to
                pass by all that is done already.
        """
        s, c = tables.segments.c, tables.covered.c
        insert = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
        missing = missing_segments(index, leased=True)
        has = sa.exists().where(c.collection == source.collection, c.segment_id == missing.c.id, c.state == "done")
        query = sa.select(missing.c.id).where(has).order_by(missing.c.start_ms.desc()).limit(most)
        with self._database.begin() as db:
            now = database_ms(db)
            if until_ms is None:
                over = sa.and_(c.collection == index.collection, c.state == "leased", c.lease_until_ms < now)
                db.execute(tables.covered.delete().where(over))
            else:
                query = query.where(missing.c.start_ms <= until_ms)
        with self._database.begin() as db:
            ids = list(db.scalars(query))
        lease = {"state": "leased", "owner": owner, "lease_until_ms": now + lease_ms, "said": ""}
        own: list[str] = []
        with self._database.begin() as db:
            for id_ in ids:  # else another process was quicker
                values = lease | {"collection": index.collection, "segment_id": id_}
                made = insert(tables.covered).values(**values).on_conflict_do_nothing().returning(c.segment_id)
                own += list(db.scalars(made))
            columns = (*tables.SEGMENT_COLUMNS, s.attempts)
            rows = db.execute(sa.select(*columns).where(s.id.in_(own))).mappings()
            return sorted((tables.to_segment(row) for row in rows), key=lambda one: one.start_ms)

    def renew(self, index: IndexInfo, owner: str, lease_ms: int) -> None:
        """Extend the leases of `owner`."""
        c = tables.covered.c
        own = sa.and_(c.collection == index.collection, c.state == "leased", c.owner == owner)
        with self._database.begin() as db:
            db.execute(tables.covered.update().where(own).values(lease_until_ms=database_ms(db) + lease_ms))

    def done(self, index: IndexInfo, owner: str, segment: Segment, failed: str = "") -> bool:
        """Record that the index has the segment's rows, or why it never will. False: it was changed meanwhile.

        What a worker has indexed again in between has taken the lease away (`Catalog.finish`), and some of its rows may
        have been written over since: it is missing again. What another one has leased stays its own.
        """
        c, s = tables.covered.c, tables.segments.c
        own = sa.and_(c.collection == index.collection, c.segment_id == segment.id)
        same = sa.exists().where(s.id == segment.id, s.state == SegmentState.INDEXED.value)
        held = sa.and_(own, c.state == "leased", c.owner == owner)
        values = {"state": "failed" if failed else "done", "owner": None, "lease_until_ms": None, "said": failed}
        with self._database.begin() as db:
            if db.execute(tables.covered.update().where(held, same).values(**values)).rowcount:
                return True
            db.execute(tables.covered.delete().where(sa.or_(held, sa.and_(own, c.state == "done"))))
            return False

    def deleted(self, segment_id: str) -> bool:
        """Return whether a segment is deleted or marked for deletion."""
        c = tables.segments.c
        kept = sa.and_(c.id == segment_id, c.state != SegmentState.DELETING.value)
        with self._database.begin() as db:
            return db.scalar(sa.select(c.id).where(kept)) is None

    def release(self, owner: str | None = None) -> None:
        """Release the leases of `owner`; None: of everybody, which only the sole owner of a store may do."""
        c = tables.covered.c
        held = c.state == "leased" if owner is None else sa.and_(c.state == "leased", c.owner == owner)
        with self._database.begin() as db:
            db.execute(tables.covered.delete().where(held))

    def comparable(self, a: IndexInfo, b: IndexInfo, ids: Iterable[str]) -> set[str]:
        """Return those of the segments that both indexes have and that nobody works on."""
        c, s = tables.covered.c, tables.segments.c
        result: set[str] = set()
        for batch in id_batches(sorted(ids)):
            has = [
                sa.exists().where(c.collection == index.collection, c.segment_id == s.id, c.state == "done")
                for index in (a, b)
            ]
            query = sa.select(s.id).where(s.id.in_(batch), s.state == SegmentState.INDEXED.value, *has)
            with self._database.begin() as db:
                result.update(db.scalars(query))
        return result


def missing_segments(index: IndexInfo, *, leased: bool = False) -> sa.Subquery:
    """Select (id, start_ms) of the segments that the index lacks; `leased`: without leased and failed ones."""
    c, s = tables.covered.c, tables.segments.c
    own = sa.and_(c.collection == index.collection, c.segment_id == s.id)
    covered = sa.exists().where(own) if leased else sa.exists().where(own, c.state == "done")
    matching = sa.and_(s.state == SegmentState.INDEXED.value, index.scope.condition(), ~covered)
    return sa.select(s.id, s.start_ms).where(matching).subquery()
