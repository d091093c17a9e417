"""Streams that are silent. An answer costs as much as there are silent streams, not as there are streams.

A city has hundreds of thousands of cameras, of which nearly all record as they should.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import IDS_PER_STATEMENT, Database, id_batches
from search.stream_types import DEAD_MS, Health, Stream, StreamState
from search.types import StreamRole

_S, _H, _C = tables.streams.c, tables.health.c, tables.cameras.c


def _indexed_states() -> sa.ColumnElement[bool]:
    """Return the condition that a stream is indexed: not a main stream whose camera has a sub-stream."""
    other = tables.streams.alias()
    sub = sa.exists().where(other.c.camera_id == _S.camera_id, other.c.role == StreamRole.SUB.value)
    return sa.or_(_S.role != StreamRole.MAIN.value, ~sub)


def _silent() -> sa.Select[Any]:
    reported, opened, seen = _H.updated_ms, _H.open_since_ms, _H.last_frame_ms
    latest = sa.case((seen > opened, seen), else_=opened)
    dead = sa.or_(reported < sa.bindparam("dead_ms"), _H.state == StreamState.STOPPED.value)
    still = sa.and_(opened > 0, reported - latest >= sa.bindparam("least_ms"))
    # The silence of a dead one begins no earlier than so.
    in_range = sa.or_(reported - DEAD_MS < sa.bindparam("end_ms"), sa.and_(opened > 0, opened < sa.bindparam("end_ms")))
    same = sa.and_(_H.camera_id == _S.camera_id, _H.role == _S.role)
    both = sa.select(tables.streams, tables.health).select_from(tables.streams.outerjoin(tables.health, same))
    return both.where(sa.or_(reported.is_(None), sa.and_(sa.or_(dead, still), in_range)), _indexed_states())


# Made once: to make a statement takes longer than to answer it.
_OF: sa.BindParameter[Any] = sa.bindparam("cameras", expanding=True)
_SILENT = _silent()
_BEGUN = sa.select(tables.streams).where(_S.since_ms > sa.bindparam("after_ms"), _indexed_states())
_ROLES = sa.select(_S.camera_id, sa.func.max(_S.role)).where(_S.camera_id.in_(_OF)).group_by(_S.camera_id)
_ALL = sa.select(sa.func.count()).select_from(tables.cameras)
_SILENT_OF, _ALL_OF = _SILENT.where(_S.camera_id.in_(_OF)), _ALL.where(_C.id.in_(_OF))


class SilentStreams:
    """Streams that report nothing, in an open `Database`. Methods raise `Unavailable` where it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cameras(self, camera_ids: Collection[str], without: Collection[str]) -> int:
        """Return how many of the camera_ids cameras exist (none: all), less those that are left out."""
        if not camera_ids:
            return self._count(None) - (self._count(without) if without else 0)
        return self._count(set(camera_ids) - set(without))

    def silent(
        self, end_ms: int, now_ms: int, least_ms: int, cameras: Collection[str] = ()
    ) -> list[tuple[Stream, Health | None]]:
        """Return indexed streams with unreported time before `end_ms`, and their last health.

        Less than `least_ms` does not count. Where many `cameras` are named, it gives others as well.
        """
        values = {"dead_ms": now_ms - DEAD_MS, "least_ms": least_ms, "end_ms": end_ms}
        few = 0 < len(cameras) <= IDS_PER_STATEMENT  # to name many takes longer than to read all
        with self._database.begin() as db:
            rows = db.execute(_SILENT_OF, values | {"cameras": list(cameras)}) if few else db.execute(_SILENT, values)
            return [(_stream(row[:5]), None if row[5] is None else _health(row[5:])) for row in rows]

    def begun(self, after_ms: int) -> list[Stream]:
        """Return indexed streams whose recording began after this."""
        with self._database.begin() as db:
            return [_stream(row) for row in db.execute(_BEGUN, {"after_ms": after_ms})]

    def roles(self, cameras: Collection[str]) -> dict[str, str]:
        """Return camera id -> role of its indexed stream: "sub" comes after "main"."""
        with self._database.begin() as db:
            parts = (db.execute(_ROLES, {"cameras": part}) for part in id_batches(cameras))
            return {row[0]: row[1] for part in parts for row in part}

    def _count(self, ids: Collection[str] | None) -> int:
        with self._database.begin() as db:
            if ids is None:
                return int(db.scalar(_ALL) or 0)
            return sum(int(db.scalar(_ALL_OF, {"cameras": part}) or 0) for part in id_batches(ids))


def _stream(row: Sequence[Any]) -> Stream:
    return Stream(row[0], StreamRole(row[1]), *row[2:])


def _health(row: Sequence[Any]) -> Health:
    return Health(row[0], StreamRole(row[1]), StreamState(row[2]), *row[3:])
