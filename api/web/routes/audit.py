"""The audit log over HTTP: its entries, and whether its chain is whole."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.audit import MAX_LISTED, AuditFilter, AuditLog, BrokenChain, entry_dict
from api.web.dependencies import ContextHere
from api.web.schemas.accounts import CheckedOut, EntriesOut
from api.web.schemas.search import problems

router = APIRouter(prefix="/api/audit", tags=["accounts"])
Ms = Annotated[int | None, Query(ge=0, le=2**53, description="Unix milliseconds")]


@router.get("", response_model=EntriesOut, responses=problems(503))
def entries(
    context: ContextHere,
    account: Annotated[str, Query(max_length=200, description="only what this account did")] = "",
    case: Annotated[str, Query(max_length=64, description="only what was done in this case")] = "",
    action: Annotated[str, Query(max_length=64, description="only this action")] = "",
    start_ms: Ms = None,
    end_ms: Ms = None,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="only entries before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED - 1)] = 100,
) -> dict[str, Any]:
    """List the audit log, the newest entry first: who viewed a case, what an account searched for."""
    listed = AuditLog(context.catalog).find(AuditFilter(account, case, action, start_ms, end_ms, before, limit + 1))
    return {"entries": [entry_dict(entry) for entry in listed[:limit]], "more": len(listed) > limit}


@router.get("/check", response_model=CheckedOut, responses=problems(503))
def check(context: ContextHere) -> dict[str, Any]:
    """Compute the whole chain again and say whether an entry was changed, removed or moved."""
    try:
        head = AuditLog(context.catalog).verify()
    except BrokenChain as e:
        return {"whole": False, "number": e.number, "hash": "", "what": str(e)}
    return {"whole": True, "number": head.number, "hash": head.hash, "what": ""}
