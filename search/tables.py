"""The catalogue's tables, and how rows become the domain's types. Used by `search.catalog` only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from search.types import Segment, SegmentState, StartSource

SCHEMA_VERSION = 1

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
SEGMENT_COLUMNS = [segments.c[name] for name in Segment.__dataclass_fields__ if name != "attempt"]


def segment_values(segment: Segment) -> dict[str, Any]:
    """Column values of a segment, without its state and lease."""
    values = {column.name: getattr(segment, column.name) for column in SEGMENT_COLUMNS}
    return values | {"start_source": segment.start_source.value}


def to_segment(row: RowMapping) -> Segment:
    """The segment in a row that has `SEGMENT_COLUMNS` and `attempts`."""
    values = {column.name: row[column.name] for column in SEGMENT_COLUMNS}
    return Segment(**values | {"start_source": StartSource(row["start_source"]), "attempt": row["attempts"]})


def report_fields(data: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a `SegmentReport` from its stored JSON."""
    return data | {"state": SegmentState(data["state"])}
