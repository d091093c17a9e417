"""Another model without an outage, for `xunren reindex` while the server has the index open."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.reindex import switch as reindexing
from api.reindex.plan import plan as make_plan
from api.web.dependencies import PartsHere
from api.web.schemas.search import problems
from search.catalog.index_types import ReindexScope
from search.errors import BadInput

router = APIRouter(prefix="/api/reindex", tags=["index"])
_MAX_MS = 2**53


class ReindexIn(BaseModel):
    """The new model, and of which recordings; `plan`: only say what it would cost."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=1000, description="as the setting `model`")
    from_ms: int | None = Field(None, ge=0, le=_MAX_MS)
    to_ms: int | None = Field(None, ge=0, le=_MAX_MS)
    cameras: list[str] = Field(default=[], max_length=1000)
    plan: bool = False


class ScopeOut(BaseModel):
    """Recordings that overlap [from_ms, to_ms), Unix ms, of these cameras (none named: all)."""

    from_ms: int | None
    to_ms: int | None
    cameras: list[str]


class FailedOut(BaseModel):
    """A recording that could not be indexed again."""

    segment: str
    path: str
    why: str


class IndexOut(BaseModel):
    """One index. Of the only one nothing is counted."""

    collection: str
    model: str
    label: str
    dim: int
    state: str
    scope: ScopeOut
    segments: int | None
    done: int | None
    missing: int
    failed: list[FailedOut]


class AimedOut(BaseModel):
    """Standing searches that were measured anew, and why others could not be, by their number."""

    aimed: int
    failed: dict[str, str]


class PlanOut(BaseModel):
    """What a new index would cost; seconds from the quickest to the slowest of some measured recordings."""

    model: str
    label: str
    dim: int
    segments: int
    segments_left: int
    hours: float
    frames: int
    rows: int
    bytes_read: int
    bytes_new: int
    seconds_from: float | None
    seconds_to: float | None


class ReindexOut(BaseModel):
    """All indexes."""

    indexes: list[IndexOut]
    standing: AimedOut | None = None
    plan: PlanOut | None = None


@router.get("", response_model=ReindexOut, responses=problems(503))
def indexes(parts: PartsHere) -> dict[str, Any]:
    """The indexes, and how far they are."""
    return reindexing.status(parts.catalog)


@router.post("", response_model=ReindexOut, responses=problems(404, 409, 415, 503))
def begin(body: ReindexIn, parts: PartsHere) -> dict[str, Any]:
    """Build a second index beside the one that answers, or go on with it."""
    if body.from_ms is not None and body.to_ms is not None and body.from_ms >= body.to_ms:
        raise BadInput("from_ms is not before to_ms", got=(body.from_ms, body.to_ms))
    scope = ReindexScope(body.from_ms, body.to_ms, tuple(body.cameras))
    if body.plan:
        planned = make_plan(parts, body.model, scope).as_dict()
        return reindexing.status(parts.catalog) | {"plan": planned}
    reindexing.begin(parts, body.model, scope)
    return reindexing.status(parts.catalog)


@router.post("/switch", response_model=ReindexOut, responses=problems(404, 409, 503))
def switch(parts: PartsHere) -> dict[str, Any]:
    """Verify the other index and let it answer."""
    return reindexing.switch(parts)


@router.post("/rollback", response_model=ReindexOut, responses=problems(404, 409, 503))
def rollback(parts: PartsHere) -> dict[str, Any]:
    """Let the index that answered before answer again."""
    return reindexing.switch(parts, back=True)


@router.post("/drop", response_model=ReindexOut, responses=problems(404, 409, 503))
def drop(parts: PartsHere) -> dict[str, Any]:
    """Remove the index that does not answer."""
    return reindexing.drop(parts)
