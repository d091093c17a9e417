"""Limits and checks that all vector stores share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from search.errors import BadInput
from search.types import Filter, Hit, Row, Vectors, Window

MAX_LIMIT = 16_384
"""Most rows of one search; Milvus gives no more."""
MAX_CAMERAS = 50_000
"""Most cameras in one filter; 30,000 were measured on Milvus Lite (0.4 s) and on a server (0.2 s)."""
MAX_STRING_BYTES = 256
MAX_IDS = 1000
"""Most rows got by their ids at once, and most segments whose rows are read or deleted at once."""
LOTS = 2**32
UNIT_TOLERANCE = 1e-3
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def lot(row_id: str) -> int:
    """Return a number in [0, 2**32) drawn from the id: the rows with the lowest are a fair, repeatable sample."""
    return int.from_bytes(hashlib.blake2b(row_id.encode(), digest_size=4).digest(), "big")


def lets_through(where: Filter, row: Row) -> bool:
    """Return whether `row` fits `where`."""
    return (
        (not where.cameras or row.camera_id in where.cameras)
        and (not where.kinds or row.kind in where.kinds)
        and (where.start_ms is None or row.end_ms >= where.start_ms)
        and (where.end_ms is None or row.start_ms < where.end_ms)
        and row.camera_id not in where.without
        and (not where.windows or any(_is_inside(window, row) for window in where.windows))
    )


def _is_inside(window: Window, row: Row) -> bool:
    return row.camera_id in window.cameras and row.end_ms >= window.from_ms and row.start_ms < window.to_ms


def check_cameras(where: Filter) -> None:
    """Raise `BadInput` if a filter names more cameras than one search can carry."""
    named = len(where.cameras) + len(where.without) + sum(len(window.cameras) for window in where.windows)
    if named > MAX_CAMERAS:
        raise BadInput(
            "too many cameras in one filter",
            got=named,
            expected=f"at most {MAX_CAMERAS}",
            cure="leave the cameras out to search all of them, or search in portions",
        )


def check_limit(limit: int) -> int:
    """Return `limit`, or raise `BadInput` if no search can return so many rows."""
    if not 1 <= limit <= MAX_LIMIT:
        raise BadInput(
            "the limit of a search is out of range",
            got=limit,
            expected=f"1 to {MAX_LIMIT}",
            cure="ask for fewer rows, or narrow the time or the cameras",
        )
    return limit


def check_string(value: str, what: str) -> str:
    """Return `value`, or raise `BadInput` if it cannot be stored in a string field and found again."""
    if not value or _UNUSABLE.search(value) or len(value.encode()) > MAX_STRING_BYTES:
        raise BadInput(
            f"{what} cannot be stored",
            got=repr(value),
            expected=f"1 to {MAX_STRING_BYTES} bytes of UTF-8 without control characters",
            cure="use the ids that the catalogue makes",
        )
    return value


def check_ids(ids: Collection[str]) -> None:
    """Raise `BadInput` for too many ids of rows, or for one that cannot be stored."""
    if len(ids) > MAX_IDS:
        raise BadInput("too many rows at once", got=len(ids), expected=f"at most {MAX_IDS}")
    for row_id in ids:
        check_string(row_id, "the row's id")


def check_segments(segment_ids: Collection[str]) -> None:
    """Raise `BadInput` for too many ids of segments, or for one that cannot be stored."""
    if len(segment_ids) > MAX_IDS:
        raise BadInput("too many segments at once", got=len(segment_ids), expected=f"at most {MAX_IDS}")
    for segment_id in segment_ids:
        check_string(segment_id, "the segment id")


def check_vectors(vectors: Vectors, rows: int, dim: int) -> Vectors:
    """Return `vectors` as contiguous float32 (rows, dim), or raise `BadInput` if they are not that, of unit length."""
    array = np.asarray(vectors)
    if array.shape != (rows, dim) or array.dtype.kind != "f":
        raise BadInput(
            "vectors do not fit the rows or the index",
            got=f"{array.dtype} {array.shape}",
            expected=f"float32 ({rows}, {dim})",
            cure="give one vector for each row, from the model that the index was made with",
        )
    lengths = np.linalg.norm(array.astype(np.float64), axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1.0) <= UNIT_TOLERANCE))  # so that NaN is wrong too
    if wrong.size:
        raise BadInput(
            f"vector {wrong[0]} is not finite and of unit length",
            got=f"length {lengths[wrong[0]]:g}; {wrong.size} of {rows} are wrong",
            expected=f"length 1 ± {UNIT_TOLERANCE:g}",
            cure="divide each vector by its length; a model that gives NaN is broken or lacks precision",
        )
    return np.ascontiguousarray(array, dtype=np.float32)


def check_rows(rows: Sequence[Row], vectors: Vectors, dim: int) -> Vectors:
    """Return `vectors` ready to be stored, or raise `BadInput` for a wrong batch, of which nothing is written."""
    seen: set[str] = set()
    for row in rows:
        check_string(row.id, "the row's id")
        check_string(row.segment_id, "the row's segment id")
        if row.id in seen:
            raise BadInput("two rows of one batch have the same id", got=row.id, cure="give each row once")
        seen.add(row.id)
    return check_vectors(vectors, len(rows), dim)


def best_first(hits: list[Hit]) -> list[Hit]:
    """Return the hits best first, ties by id."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.row.id))


def stacked(vectors: Sequence[Any], dim: int) -> Vectors:
    """Return `vectors` as float32 (n, dim); n may be 0."""
    return np.asarray(vectors, dtype=np.float32).reshape(len(vectors), dim)
