"""Another model without an outage, for `xunren reindex` while the server has the index open."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.reindex import begin as begin_reindex
from api.reindex import drop as drop_index
from api.reindex import plan as make_plan
from api.reindex import status
from api.reindex import switch as switch_index
from api.web.dependencies import ContextHere
from api.web.schemas.search import ResponseModel, problems
from search.catalog import ReindexScope
from search.errors import BadInput

router = APIRouter(prefix="/api/reindex", tags=["index"])
_MAX_MS = 2**53


class ReindexIn(BaseModel):
    """The new model, and of which recordings; `plan_only`: only say what it would cost."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=1000, description="as the setting `model`")
    start_ms: int | None = Field(None, ge=0, le=_MAX_MS)
    end_ms: int | None = Field(None, ge=0, le=_MAX_MS)
    cameras: list[str] = Field(default=[], max_length=1000)
    plan_only: bool = False


class ScopeOut(ResponseModel):
    """Recordings that overlap [start_ms, end_ms), Unix ms, of these cameras (none named: all)."""

    start_ms: int | None
    end_ms: int | None
    cameras: list[str]


class FailedOut(ResponseModel):
    """A recording that could not be indexed again."""

    segment: str
    path: str
    reason: str


class IndexOut(ResponseModel):
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


class RemeasuredOut(ResponseModel):
    """Saved searches that were measured anew, and why others could not be, by their number."""

    count: int
    failed: dict[str, str]


class PlanOut(ResponseModel):
    """The cost of a new index; seconds from the quickest to the slowest of some measured recordings."""

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
    seconds_min: float | None
    seconds_max: float | None


class ReindexOut(ResponseModel):
    """All indexes."""

    indexes: list[IndexOut]
    remeasured: RemeasuredOut | None = None
    plan: PlanOut | None = None


@router.get("", response_model=ReindexOut, responses=problems(503))
def indexes(context: ContextHere) -> dict[str, Any]:
    """List the indexes, and how far they are."""
    return status(context.catalog)


@router.post("", response_model=ReindexOut, responses=problems(404, 409, 415, 503))
def begin(body: ReindexIn, context: ContextHere) -> dict[str, Any]:
    """Build a second index beside the one that answers, or go on with it."""
    if body.start_ms is not None and body.end_ms is not None and body.start_ms >= body.end_ms:
        raise BadInput("start_ms is not before end_ms", got=(body.start_ms, body.end_ms))
    scope = ReindexScope(body.start_ms, body.end_ms, tuple(body.cameras))
    if body.plan_only:
        planned = make_plan(context, body.model, scope).as_dict()
        return status(context.catalog) | {"plan": planned}
    begin_reindex(context, body.model, scope)
    return status(context.catalog)


@router.post("/switch", response_model=ReindexOut, responses=problems(404, 409, 503))
def switch(context: ContextHere) -> dict[str, Any]:
    """Verify the other index and let it answer."""
    return switch_index(context)


@router.post("/rollback", response_model=ReindexOut, responses=problems(404, 409, 503))
def rollback(context: ContextHere) -> dict[str, Any]:
    """Let the index that answered before answer again."""
    return switch_index(context, back=True)


@router.post("/drop", response_model=ReindexOut, responses=problems(404, 409, 503))
def drop(context: ContextHere) -> dict[str, Any]:
    """Remove the index that does not answer."""
    return drop_index(context)
