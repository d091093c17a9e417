"""The catalogue's part about streams that are silent: an answer costs what there is to tell, not what there is.

A city has hundreds of thousands of cameras, of which nearly all record as they should.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from search import tables
from search.catalog import Catalog
from search.coverage import DEAD_MS
from search.live import Health, Stream, StreamState
from search.types import Role

_AT_ONCE = 500  # ids in one statement
_S, _H, _C = tables.streams.c, tables.health.c, tables.cameras.c


class Silence:
    """What is asked of an open `Catalog`. Every method raises `Unavailable` where the database does not answer."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def cameras(self, wanted: Collection[str], without: Collection[str]) -> int:
        """How many of the wanted cameras there are (none: all), less those that are left out."""
        if not wanted:
            return self._count(None) - (self._count(without) if without else 0)
        return self._count(set(wanted) - set(without))

    def silent(self, now_ms: int, least_ms: int, cameras: Collection[str] = ()) -> list[tuple[Stream, Health | None]]:
        """Indexed streams whose newest `least_ms` or more nobody has told about, with what their recorder said last.

        Of many `cameras`, too, it gives others as well.
        """
        told, opened, seen = _H.updated_ms, _H.open_since_ms, _H.last_frame_ms
        shown = sa.case((seen > opened, seen), else_=opened)
        still = sa.or_(
            told.is_(None),
            told < now_ms - DEAD_MS,
            _H.state == StreamState.STOPPED.value,
            sa.and_(opened > 0, told - shown >= least_ms),
        )
        same = sa.and_(_H.camera_id == _S.camera_id, _H.role == _S.role)
        query = sa.select(tables.streams, tables.health).select_from(tables.streams.outerjoin(tables.health, same))
        with self._catalog.begin() as db:
            rows = db.execute(query.where(still, ~_beside(), _mostly(cameras))).all()
        return [(_stream(row[:5]), None if row[5] is None else _health(row[5:])) for row in rows]

    def begun(self, after_ms: int) -> list[Stream]:
        """Indexed streams that are recorded since later than this."""
        with self._catalog.begin() as db:
            rows = db.execute(sa.select(tables.streams).where(_S.since_ms > after_ms, ~_beside())).all()
        return [_stream(row) for row in rows]

    def roles(self, cameras: Collection[str]) -> dict[str, str]:
        """Of these cameras the role of the stream that is indexed: "sub" comes after "main"."""
        query = sa.select(_S.camera_id, sa.func.max(_S.role)).group_by(_S.camera_id)
        with self._catalog.begin() as db:
            parts = (db.execute(query.where(_S.camera_id.in_(part))) for part in _parts(cameras))
            return {row[0]: row[1] for part in parts for row in part}

    def _count(self, ids: Collection[str] | None) -> int:
        query = sa.select(sa.func.count()).select_from(tables.cameras)
        with self._catalog.begin() as db:
            if ids is None:
                return int(db.scalar(query) or 0)
            return sum(int(db.scalar(query.where(_C.id.in_(part))) or 0) for part in _parts(ids))


def _beside() -> sa.ColumnElement[bool]:
    """A main stream whose camera has a sub-stream."""
    other = tables.streams.alias()
    sub = sa.exists().where(other.c.camera_id == _S.camera_id, other.c.role == Role.SUB.value)
    return sa.and_(_S.role == Role.MAIN.value, sub)


def _parts(ids: Collection[str]) -> Iterator[list[str]]:
    wanted = list(ids)
    return (wanted[n : n + _AT_ONCE] for n in range(0, len(wanted), _AT_ONCE))


def _mostly(cameras: Collection[str]) -> sa.ColumnElement[bool]:
    """Only these cameras, if they are few: to name many takes longer than to read all."""
    return _S.camera_id.in_(list(cameras)) if 0 < len(cameras) <= _AT_ONCE else sa.true()


def _stream(row: Sequence[Any]) -> Stream:
    return Stream(row[0], Role(row[1]), *row[2:])


def _health(row: Sequence[Any]) -> Health:
    return Health(row[0], Role(row[1]), StreamState(row[2]), *row[3:])
