"""Live cameras in the catalogue: their streams and rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database, id_batches
from search.catalog.tables import column_values
from search.stream_types import Rules, Stream
from search.types import Camera, StreamRole


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """A camera with its streams (none: it is not recorded) and rules (None: the settings hold)."""

    camera: Camera
    streams: tuple[Stream, ...] = ()
    rules: Rules | None = None


class StreamStore:
    """The streams and rules of live cameras in an open `Database`.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, camera_id: str, streams: Sequence[Stream]) -> None:
        """Replace the streams of a camera; none stops its recording. A known role keeps its `since_ms`."""
        t = tables.streams
        with self._database.begin() as db:
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

    def configs(self, camera_ids: Sequence[str]) -> dict[str, CameraConfig]:
        """Return id -> camera with its streams and rules, without unknown ids."""
        c, s, r = tables.cameras, tables.streams, tables.rules
        result: dict[str, CameraConfig] = {}
        with self._database.begin() as db:
            for part in id_batches(camera_ids):
                for row in db.execute(sa.select(c).where(c.c.id.in_(part))).mappings():
                    result[row["id"]] = CameraConfig(Camera(**row))
                for row in db.execute(sa.select(s).where(s.c.camera_id.in_(part)).order_by(s.c.role)).mappings():
                    at = result[row["camera_id"]]
                    result[row["camera_id"]] = replace(at, streams=(*at.streams, _to_stream(row)))
                for row in db.execute(sa.select(r).where(r.c.camera_id.in_(part))).mappings():
                    result[row["camera_id"]] = replace(result[row["camera_id"]], rules=_to_rules(row))
        return result

    def put(self, configs: Sequence[CameraConfig]) -> None:
        """Add or replace these cameras with their streams and rules, in one transaction."""
        ids = [{"k": item.camera.id} for item in configs]
        cameras = [column_values(item.camera) for item in configs]
        streams = [column_values(stream) for item in configs for stream in item.streams]
        rules = [_rule_values(item.rules) for item in configs if item.rules]
        c, s, r, h = tables.cameras, tables.streams, tables.rules, tables.health
        with self._database.begin() as db:
            existing = {
                i
                for part in id_batches([i["k"] for i in ids])
                for i in db.scalars(sa.select(c.c.id).where(c.c.id.in_(part)))
            }
            changed = [{"k": row["id"]} | row for row in cameras if row["id"] in existing]
            _many(db, c.update().where(c.c.id == sa.bindparam("k")), changed)
            _many(db, c.insert(), [row for row in cameras if row["id"] not in existing])
            for table in (s, r):
                _many(db, table.delete().where(table.c.camera_id == sa.bindparam("k")), ids)
            _many(db, s.insert(), streams)
            _many(db, r.insert(), rules)
            live = sa.exists().where(s.c.camera_id == h.c.camera_id, s.c.role == h.c.role)
            _many(db, h.delete().where(h.c.camera_id == sa.bindparam("k"), ~live), ids)

    def all(self) -> list[Stream]:
        """Return all streams to record, by camera and role."""
        t = tables.streams
        with self._database.begin() as db:
            return [_to_stream(row) for row in db.execute(sa.select(t).order_by(t.c.camera_id, t.c.role)).mappings()]

    def indexed(self) -> list[Stream]:
        """Return the indexed stream of each live camera: its sub-stream where it has one."""
        chosen = {stream.camera_id: stream for stream in self.all()}  # "sub" sorts after "main"
        return list(chosen.values())

    def set_rules(self, rules: Rules) -> None:
        """Replace the rules of a camera."""
        t = tables.rules
        with self._database.begin() as db:
            db.execute(t.delete().where(t.c.camera_id == rules.camera_id))
            db.execute(t.insert().values(**_rule_values(rules)))

    def rules(self) -> dict[str, Rules]:
        """Return camera id -> its rules, without cameras that have none."""
        with self._database.begin() as db:
            rows = db.execute(sa.select(tables.rules)).mappings()
            return {row["camera_id"]: _to_rules(row) for row in rows}


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
