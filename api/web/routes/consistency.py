"""Do files, catalogue, thumbnails and rows agree? For `xunren doctor --deep` while the server has the index open."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.runtime import AppContext
from api.web.dependencies import ContextHere
from api.web.schemas.search import ResponseModel, problems
from indexer.maintenance import ConsistencyChecker, as_dict

router = APIRouter(prefix="/api", tags=["index"])


class FindingOut(ResponseModel):
    """One kind of leftovers."""

    what: str
    count: int
    examples: list[str]
    cure: str


class CheckOut(ResponseModel):
    """The numbers of compared things, and the findings."""

    entries: int
    files: int
    rows: int
    findings: list[FindingOut]


@router.get("/check", response_model=CheckOut, responses=problems(503))
def check(context: ContextHere) -> dict[str, Any]:
    """Compare everything. Takes seconds for 100,000 segments."""
    return as_dict(_checker(context).check())


@router.post("/check", response_model=CheckOut, responses=problems(503))
def mend(context: ContextHere) -> dict[str, Any]:
    """Remove what is left over, never a file, and compare again."""
    checker = _checker(context)
    checker.mend()
    return as_dict(checker.check())


def _checker(context: AppContext) -> ConsistencyChecker:
    return ConsistencyChecker(context.settings, context.catalog, context.store, context.media)
