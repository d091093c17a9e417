"""The catalogue's tables, and how rows become the domain's types. Used by the modules of the catalogue only.

The tables of cases, accounts and the audit log (`api`) stand in the same `metadata`: one database, one version. A new
database is made as `metadata` says; an older one becomes so by `xunren migrate`.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from search.stream_types import Gap, Health, Stream
from search.types import Camera, Segment, SegmentState, StartSource, StreamRole

REVISION = "0003"
"""Of the schema: the newest of `api/migrations/versions`."""
_MADE = "tables"
_BEFORE = "3"  # in `facts`, where versions without migrations look, so that they refuse what is newer than they are
WRITTEN = ("building", "ready", "live", "old")  # states of an index that new rows go to
_WRITER = 0x78756E72656E  # any number that no other program on the database locks: "xunren"

metadata = sa.MetaData()
facts = sa.Table(
    "facts", metadata, sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False)
)
cameras = sa.Table(
    "cameras",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("district", sa.String, nullable=False),
    sa.Column("lat", sa.Float),
    sa.Column("lon", sa.Float),
    sa.Column("clock_offset_ms", sa.BigInteger, nullable=False),
)
segments = sa.Table(
    "segments",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("camera_id", sa.ForeignKey("cameras.id"), nullable=False, index=True),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("start_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("start_source", sa.String, nullable=False),
    sa.Column("duration_ms", sa.BigInteger, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("owner", sa.String),
    sa.Column("lease_until_ms", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("report", sa.Text),
    sa.Column("role", sa.String(8), nullable=False, server_default="file"),
)
INDEXES = (
    sa.Index("ix_segments_camera_time", segments.c.camera_id, segments.c.start_ms),
    sa.Index("ix_segments_queue", segments.c.state, segments.c.role, segments.c.start_ms),
)
refused = sa.Table(
    "refused",
    metadata,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("cure", sa.String, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
)
streams = sa.Table(
    "streams",
    metadata,
    sa.Column("camera_id", sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("role", sa.String(8), primary_key=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)
health = sa.Table(
    "health",
    metadata,
    sa.Column("camera_id", sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("role", sa.String(8), primary_key=True),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("last_frame_ms", sa.BigInteger, nullable=False),
    sa.Column("open_since_ms", sa.BigInteger, nullable=False),
    sa.Column("fps", sa.Float, nullable=False),
    sa.Column("kbit_s", sa.Float, nullable=False),
    sa.Column("reconnects", sa.Integer, nullable=False),
    sa.Column("clock_jumps", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("codec", sa.String(32), nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
)
gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("camera_id", sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("role", sa.String(8), primary_key=True),
    sa.Column("start_ms", sa.BigInteger, primary_key=True),
    sa.Column("end_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)
rules = sa.Table(
    "rules",
    metadata,
    sa.Column("camera_id", sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("keep_days", sa.Float),
    sa.Column("masks", sa.Text, nullable=False),
)
holds = sa.Table(
    "holds",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("camera_id", sa.String(64), nullable=False),
    sa.Column("start_ms", sa.BigInteger, nullable=False),
    sa.Column("end_ms", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sqlite_autoincrement=True,  # else the number of a hold that was removed is given again
)
# More than one index, while `xunren reindex` builds a second one and until the old one is dropped: `indexes`.
indexes = sa.Table(
    "indexes",
    metadata,
    sa.Column("collection", sa.String(64), primary_key=True),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("dim", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
)
covered = sa.Table(
    "covered",
    metadata,
    sa.Column("collection", sa.String(64), primary_key=True),
    sa.Column("segment_id", sa.String(32), primary_key=True, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("owner", sa.String),
    sa.Column("lease_until_ms", sa.BigInteger),
    sa.Column("said", sa.Text, nullable=False),
)
# Recorders and the cameras that each of them holds: `search.catalog.camera_leases`.
recorders = sa.Table(
    "recorders",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("shown", sa.String(128), nullable=False),
    sa.Column("folder", sa.String(64), nullable=False),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
)
camera_leases = sa.Table(
    "camera_leases",
    metadata,
    sa.Column("camera_id", sa.String(64), primary_key=True),
    sa.Column("recorder", sa.String(128), nullable=False, index=True),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
    sa.Column("asked_by", sa.String(128), nullable=False),
)
SEGMENT_COLUMNS = [segments.c[name] for name in Segment.__dataclass_fields__ if name != "attempt"]


_revision = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))


def revision(db: sa.Connection) -> str | None:
    """Return the revision of the schema; "" if it is older than revisions, None if nothing is written."""
    names = sa.inspect(db).get_table_names()
    if _revision.name in names:
        return db.scalar(sa.select(_revision.c.version_num))
    return "" if facts.name in names else None


def is_ready(db: sa.Connection) -> bool:
    """Return whether the database is of this revision, with all tables that are known by now."""
    return revision(db) == REVISION and not lost(db) and metadata.tables.keys() <= _existing(db)


def lost(db: sa.Connection) -> set[str]:
    """Return tables that were created and are gone: to create them again would hide that the audit log was removed."""
    names = set(sa.inspect(db).get_table_names())
    return _existing(db) - names if facts.name in names else {facts.name}


def create(db: sa.Connection) -> None:
    """Create the missing tables in a new database, or in one of this revision from which nothing was lost."""
    metadata.create_all(db)
    if revision(db) == "":
        _revision.create(db)
        db.execute(_revision.insert().values(version_num=REVISION))
        db.execute(facts.insert().values(name="schema", value=_BEFORE))
    made = ",".join(sorted(_existing(db) | metadata.tables.keys()))
    db.execute(facts.delete().where(facts.c.name == _MADE))
    db.execute(facts.insert().values(name=_MADE, value=made))


def _existing(db: sa.Connection) -> set[str]:
    """Return the tables that `create` has created or found."""
    value = db.scalar(sa.select(facts.c.value).where(facts.c.name == _MADE))
    return set(value.split(",")) if value else set()


def alone(db: sa.Connection) -> None:
    """Let no other transaction write until this one ends; others wait. Call it before anything is written."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("BEGIN IMMEDIATE")  # sqlite3 itself begins none before CREATE TABLE
    else:
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER)))


def settle(db: sa.Connection) -> None:
    """Wait for segments that are being finished, and block others until this transaction ends. Call it first in one."""
    if db.dialect.name == "sqlite":
        alone(db)
    else:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))  # what follows may go through all segments
        db.execute(sa.text("LOCK TABLE segments IN SHARE ROW EXCLUSIVE MODE"))


def cover(db: sa.Connection, segment_id: str, collections: Collection[str] | None) -> bool:
    """Store which indexes have a segment's rows (None: all), in the transaction that finishes it.

    Returns whether any index that is written to has them.
    """
    names = list(db.scalars(sa.select(indexes.c.collection).where(indexes.c.state.in_(WRITTEN))))
    if not names:
        return True
    db.execute(covered.delete().where(covered.c.segment_id == segment_id))
    has = [name for name in names if collections is None or name in collections]
    if has:
        values = [{"collection": name, "segment_id": segment_id, "state": "done", "said": ""} for name in has]
        db.execute(covered.insert(), values)
    return bool(has)


def segment_values(segment: Segment) -> dict[str, Any]:
    """Return the column values of a segment, without its state and lease."""
    values = {column.name: getattr(segment, column.name) for column in SEGMENT_COLUMNS}
    return values | {"start_source": segment.start_source.value, "role": segment.role.value}


def column_values(item: Camera | Gap | Health | Stream) -> dict[str, Any]:
    """Return the fields of a dataclass as column values."""
    values = {name: getattr(item, name) for name in type(item).__dataclass_fields__}
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}


def to_segment(row: RowMapping) -> Segment:
    """Return the segment of a row that has `SEGMENT_COLUMNS` and `attempts`."""
    values = {column.name: row[column.name] for column in SEGMENT_COLUMNS}
    words = {"start_source": StartSource(row["start_source"]), "role": StreamRole(row["role"])}
    return Segment(**values | words | {"attempt": row["attempts"]})


def report_fields(data: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a `SegmentReport` from its stored JSON."""
    return data | {"state": SegmentState(data["state"])}
