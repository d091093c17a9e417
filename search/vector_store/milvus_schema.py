"""Milvus' language: the fields of a row in a collection, and a filter as an expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from search.errors import Conflict
from search.types import Box, Filter, Row, RowKind, Vectors, Window
from search.vector_store.checks import check_cameras, lot

STRING_FIELDS = ("camera_id", "segment_id", "kind")
INTEGER_FIELDS = (
    *("lot", "track", "time_ms", "start_ms", "end_ms"),
    *("x1", "y1", "x2", "y2", "frame_width", "frame_height"),
)
ROW_FIELDS = ("id", *STRING_FIELDS, *INTEGER_FIELDS)


def to_entity(row: Row, vector: Vectors) -> dict[str, Any]:
    """Return the entity that Milvus stores for `row` and its `vector` (dim,)."""
    entity: dict[str, Any] = {"id": row.id, "vector": vector, "lot": lot(row.id)}
    entity |= {"camera_id": row.camera_id, "segment_id": row.segment_id, "kind": row.kind.value}
    numbers = {"x1": row.box.x1, "y1": row.box.y1, "x2": row.box.x2, "y2": row.box.y2}
    numbers |= {"track": row.track, "time_ms": row.time_ms, "start_ms": row.start_ms, "end_ms": row.end_ms}
    numbers |= {"frame_width": row.frame_width, "frame_height": row.frame_height}
    return entity | {name: int(value) for name, value in numbers.items()}


def to_row(entity: Mapping[str, Any]) -> Row:
    """Return the row of an entity that `to_entity` made."""
    return Row(
        **{name: entity[name] for name in ("id", "camera_id", "segment_id", "track")},
        **{name: entity[name] for name in ("time_ms", "start_ms", "end_ms", "frame_width", "frame_height")},
        kind=RowKind(entity["kind"]),
        box=Box(entity["x1"], entity["y1"], entity["x2"], entity["y2"]),
    )


def quoted(text: str) -> str:
    """Return `text` as a string of Milvus' filter language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def one_of(field: str, values: Iterable[str]) -> str:
    """Return the condition that `field` is one of `values`."""
    return f"{field} in [{', '.join(quoted(value) for value in values)}]"


def expression(where: Filter) -> str:
    """Return `where` in Milvus' filter language; empty if every row fits. `checks.lets_through` is the same in Python.

    Raises:
        BadInput: more cameras than `MAX_CAMERAS`.
    """
    check_cameras(where)
    conditions = []
    if where.cameras:
        conditions.append(one_of("camera_id", dict.fromkeys(where.cameras)))
    if where.kinds:
        conditions.append(one_of("kind", [kind.value for kind in where.kinds]))
    if where.start_ms is not None:
        conditions.append(f"end_ms >= {int(where.start_ms)}")
    if where.end_ms is not None:
        conditions.append(f"start_ms < {int(where.end_ms)}")
    if where.without:
        conditions.append(f"not ({one_of('camera_id', dict.fromkeys(where.without))})")
    if where.windows:
        conditions.append(f"({' or '.join(map(_window, where.windows))})")
    return " and ".join(conditions)


def _window(window: Window) -> str:
    cameras = one_of("camera_id", dict.fromkeys(window.cameras))
    return f"({cameras} and end_ms >= {int(window.from_ms)} and start_ms < {int(window.to_ms)})"


def check_collection(fields: Sequence[Mapping[str, Any]], dim: int) -> None:
    """Raise `Conflict` if a collection with these `fields`, as Milvus describes them, does not hold our rows."""
    found = {field["name"]: field.get("params", {}) for field in fields}
    if set(found) != {"vector", *ROW_FIELDS}:
        raise Conflict(
            "the collection was made by another program or version",
            got=", ".join(sorted(found)),
            expected=", ".join(sorted({"vector", *ROW_FIELDS})),
            cure="name another collection or data folder, or index again into a new one",
        )
    if int(found["vector"].get("dim", 0)) != dim:
        raise Conflict(
            "the index holds vectors of another length: it was made with another model",
            got=f"the model gives {dim}",
            expected=str(found["vector"].get("dim", 0)),
            cure="choose the model that the index was made with, or index again into a new data folder",
        )
