"""The types of the catalogue's indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from search.catalog import tables

FIRST_COLLECTION = "xunren"
"""The collection of the index that a new data folder begins with."""


class IndexState(StrEnum):
    """The state of an index. New rows go to all indexes but those that are dropped."""

    BUILDING = "building"
    READY = "ready"
    LIVE = "live"
    OLD = "old"
    DROPPING = "dropping"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class ReindexScope:
    """The recordings of an index: those that overlap [from_ms, to_ms), Unix ms, of these cameras (empty: all)."""

    from_ms: int | None = None
    to_ms: int | None = None
    cameras: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        """Return whether nothing is left out."""
        return self == ReindexScope()

    def condition(self) -> sa.ColumnElement[bool]:
        """Return the condition on the table of segments."""
        c = tables.segments.c
        conditions: list[sa.ColumnElement[bool]] = [sa.true()]
        if self.from_ms is not None:
            conditions.append(c.start_ms + c.duration_ms > self.from_ms)
        if self.to_ms is not None:
            conditions.append(c.start_ms < self.to_ms)
        if self.cameras:
            conditions.append(c.camera_id.in_(self.cameras))
        return sa.and_(*conditions)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"from_ms": self.from_ms, "to_ms": self.to_ms, "cameras": list(self.cameras)}


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """One index. `model` is the setting that loads its model, empty where it is not known; `label` its vector space."""

    collection: str
    label: str
    dim: int
    model: str = ""
    state: IndexState = IndexState.LIVE
    scope: ReindexScope = ReindexScope()
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """Progress of an index, in segments of its scope. `failed`: (segment id, path, reason)."""

    segments: int
    done: int
    failed: Sequence[tuple[str, str, str]] = ()

    @property
    def missing(self) -> int:
        """Return the number of segments that are neither done nor failed."""
        return self.segments - self.done - len(self.failed)


@dataclass(frozen=True, slots=True)
class BackfillCost:
    """The work of a backfill: what it reads and the rows that it makes."""

    segments: int
    rows: int
    frames: int
    duration_ms: int
    bytes: int
