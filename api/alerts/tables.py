"""The tables of saved searches, their alerts and deliveries, beside the catalogue's; used by their stores only."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from api.alerts.thresholds import AlertRule, Curve, Measured
from api.alerts.types import Alert, Judgement, MatchTarget, SavedSearch, SavedSearchInput, Webhook
from search.catalog import metadata
from search.types import Box, Row, RowKind, Vectors

standing = sa.Table(
    "standing",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("likes", sa.Text, nullable=False),
    sa.Column("cameras", sa.Text, nullable=False),
    sa.Column("alarms_per_day", sa.Float, nullable=False),
    sa.Column("cool_down_ms", sa.BigInteger, nullable=False),
    sa.Column("per_camera_per_day", sa.Integer, nullable=False),
    sa.Column("include_old", sa.Boolean, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.Column("curve", sa.LargeBinary, nullable=False),
    sa.Column("measured", sa.Text, nullable=False),
    sa.Column("webhook_sealed", sa.Text),
    sa.Column("webhook_shown", sa.Text, nullable=False),
    sa.Column("webhook_stopped", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,  # else the number of one that was removed is given again
)
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("standing_id", sa.ForeignKey("standing.id"), nullable=False),
    sa.Column("row_id", sa.String(256), nullable=False),
    sa.Column("subject", sa.String(256), nullable=False),
    sa.Column("camera_id", sa.String(64), nullable=False),
    sa.Column("segment_id", sa.String(256), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("time_ms", "start_ms", "end_ms")),
    *(sa.Column(name, sa.Integer, nullable=False) for name in ("x1", "y1", "x2", "y2", "frame_width", "frame_height")),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger),
    sa.Column("verdict", sa.String(8), nullable=False),
    sa.UniqueConstraint("standing_id", "row_id"),
    sa.UniqueConstraint("standing_id", "subject"),
    sa.Index("ix_alerts_near", "standing_id", "camera_id", "time_ms"),
    sqlite_autoincrement=True,
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("alert_id", sa.ForeignKey("alerts.id"), nullable=False),
    sa.Column("standing_id", sa.ForeignKey("standing.id"), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_ms", sa.BigInteger, nullable=False),
    sa.Column("lease_owner", sa.String),
    sa.Column("lease_until_ms", sa.BigInteger),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index("ix_deliveries_due", "state", "due_ms"),
)
faults = sa.Table(
    "standing_faults",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("rows_missed", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
)
_ROW = ("camera_id", "segment_id", "time_ms", "start_ms", "end_ms", "frame_width", "frame_height")


def draft_values(draft: SavedSearchInput) -> dict[str, Any]:
    """Return the column values of what people choose."""
    plain = ("name", "sentence", "case_id", "alarms_per_day", "include_old", "paused", "expires_ms")
    values: dict[str, Any] = {name: getattr(draft, name) for name in plain}
    lists = {"likes": json.dumps(draft.like), "cameras": json.dumps(draft.cameras)}
    return values | lists | asdict(draft.rule)


def aim_values(aim: MatchTarget) -> dict[str, Any]:
    """Return the column values of what rows are compared with."""
    vector = np.ascontiguousarray(aim.vector, "<f4").tobytes()
    curve = np.ascontiguousarray(aim.curve.points, "<f8").tobytes()
    return {"model": aim.model, "vector": vector, "curve": curve, "measured": json.dumps(asdict(aim.measured))}


def webhook_values(webhook: Webhook | None) -> dict[str, Any]:
    """Return the column values of a webhook, or of none."""
    if webhook is None:
        return {"webhook_sealed": None, "webhook_shown": "", "webhook_stopped": ""}
    return {f"webhook_{name}": value for name, value in asdict(webhook).items()}


def to_saved_search(row: RowMapping) -> SavedSearch:
    """Return the saved search in a row."""
    draft = SavedSearchInput(
        **{name: row[name] for name in ("name", "sentence", "expires_ms", "case_id", "alarms_per_day")},
        like=tuple(json.loads(row["likes"])),
        cameras=tuple(json.loads(row["cameras"])),
        rule=AlertRule(row["cool_down_ms"], row["per_camera_per_day"]),
        include_old=bool(row["include_old"]),
        paused=bool(row["paused"]),
    )
    vector: Vectors = np.frombuffer(row["vector"], "<f4").astype(np.float32)
    points = np.frombuffer(row["curve"], "<f8").astype(np.float64).reshape(len(RowKind), -1)
    target = MatchTarget(vector, row["model"], Curve(points), Measured(**json.loads(row["measured"])))
    sealed = row["webhook_sealed"]
    webhook = None if sealed is None else Webhook(sealed, row["webhook_shown"], row["webhook_stopped"])
    return SavedSearch(row["id"], draft, target, webhook, row["created_ms"])


def alert_values(row: Row, score: float) -> dict[str, Any]:
    """Return the column values of a row that raises an alert."""
    corners = dict(zip(("x1", "y1", "x2", "y2"), row.box.xyxy, strict=True))
    rest = {"row_id": row.id, "kind": row.kind.value, "score": score}
    return {name: getattr(row, name) for name in _ROW} | corners | rest


def to_alert(row: RowMapping) -> Alert:
    """Return the alert in a row."""
    plain = {name: row[name] for name in (*_ROW, "id", "standing_id", "row_id", "kind", "score", "created_ms")}
    box = Box(row["x1"], row["y1"], row["x2"], row["y2"])
    return Alert(**plain, box=box, seen_ms=row["seen_ms"], verdict=Judgement(row["verdict"]))
