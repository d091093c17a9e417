"""Do files, catalogue, thumbnails and rows agree? For `xunren doctor --deep` while the server has the index open."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.composition import AppContext
from api.web.dependencies import PartsHere
from api.web.schemas.search import problems
from indexer.maintenance.consistency import ConsistencyChecker, as_dict

router = APIRouter(prefix="/api", tags=["index"])


class FindingOut(BaseModel):
    """One kind of what is left over."""

    what: str
    count: int
    first: list[str]
    cure: str


class CheckOut(BaseModel):
    """What was compared, in numbers, and what does not agree."""

    entries: int
    files: int
    rows: int
    findings: list[FindingOut]


@router.get("/check", response_model=CheckOut, responses=problems(503))
def check(parts: PartsHere) -> dict[str, Any]:
    """Compare everything. Takes seconds for 100,000 segments."""
    return as_dict(_checker(parts).check())


@router.post("/check", response_model=CheckOut, responses=problems(503))
def mend(parts: PartsHere) -> dict[str, Any]:
    """Remove what is left over, never a file, and compare again."""
    checker = _checker(parts)
    checker.mend(parts.catalog)
    return as_dict(checker.check())


def _checker(parts: AppContext) -> ConsistencyChecker:
    return ConsistencyChecker(parts.settings, parts.catalog, parts.store, parts.media)
