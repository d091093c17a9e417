"""What a town answers for: approvals of wide searches, and the record of who searched for whom."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from api.accounts.approvals import Approval, ApprovalStore
from api.accounts.types import Principal
from api.accounts.visibility import OwnedKind
from api.audit.audit_log import MAX_LISTED, AuditFilter, AuditLog, BrokenChain, told
from api.web.dependencies import PartsHere
from api.web.permissions import GrantsHere, WhoHere, some_accounts
from api.web.purpose import CasesHere
from api.web.schemas.accounts import ApprovalIn, ApprovalOut, ApprovalsOut, CheckedOut, EntriesOut, JudgementIn
from api.web.schemas.search import problems

router = APIRouter(prefix="/api", tags=["accounts"])
Ms = Annotated[int | None, Query(ge=0, le=2**53, description="Unix milliseconds")]


@router.get(
    "/approvals", response_model=ApprovalsOut, responses=problems(409, 503), dependencies=[Depends(some_accounts)]
)
def approvals(parts: PartsHere, who: WhoHere) -> dict[str, Any]:
    """Wishes to search wide: yours, and those that you may judge."""
    return {"approvals": [_approval(one, who) for one in ApprovalStore(parts.catalog).visible(who)]}


@router.post(
    "/approvals",
    response_model=ApprovalOut,
    status_code=201,
    responses=problems(404, 409, 415, 503),
    dependencies=[Depends(some_accounts)],
)
def ask(body: ApprovalIn, parts: PartsHere, who: WhoHere, grants: GrantsHere, cases: CasesHere) -> dict[str, Any]:
    """Ask to search wide in a case for a day. In danger to life it is granted at once, and reviewed later."""
    grants.check(who, OwnedKind.CASE, body.case)
    cases.case(body.case)
    return _approval(ApprovalStore(parts.catalog).ask(who, body.case, body.reason, danger=body.danger), who)


@router.patch(
    "/approvals/{number}",
    response_model=ApprovalOut,
    responses=problems(404, 409, 415, 503),
    dependencies=[Depends(some_accounts)],
)
def judge(
    number: Annotated[int, Path(ge=1, le=2**31 - 1)], body: JudgementIn, parts: PartsHere, who: WhoHere
) -> dict[str, Any]:
    """Let a wide search through, or not; say of an emergency whether it was one."""
    return _approval(ApprovalStore(parts.catalog).judge(number, who, granted=body.granted), who)


@router.get("/audit", response_model=EntriesOut, responses=problems(503))
def entries(
    parts: PartsHere,
    account: Annotated[str, Query(max_length=200, description="only what this account did")] = "",
    case: Annotated[str, Query(max_length=64, description="only what was done in this case")] = "",
    action: Annotated[str, Query(max_length=64, description="only this action")] = "",
    from_ms: Ms = None,
    to_ms: Ms = None,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="only entries before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED - 1)] = 100,
) -> dict[str, Any]:
    """The record, the newest first: who looked at a case, what an account looked for."""
    found = AuditLog(parts.catalog).find(AuditFilter(account, case, action, from_ms, to_ms, before, limit + 1))
    return {"entries": [told(entry) for entry in found[:limit]], "more": len(found) > limit}


@router.get("/audit/check", response_model=CheckedOut, responses=problems(503))
def check(parts: PartsHere) -> dict[str, Any]:
    """Compute the whole record again: whether an entry was changed, removed or moved."""
    try:
        head = AuditLog(parts.catalog).verify()
    except BrokenChain as e:
        return {"whole": False, "number": e.number, "hash": "", "what": str(e)}
    return {"whole": True, "number": head.number, "hash": head.hash, "what": ""}


def _approval(one: Approval, who: Principal) -> dict[str, Any]:
    told = asdict(one)
    mine = one.account_id == who.account_id and one.account == who.account
    return told | {"number": one.id, "case": one.case_id, "holds": one.holds, "mine": mine}
