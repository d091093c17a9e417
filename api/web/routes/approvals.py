"""Approvals of wide searches: asked for, listed, judged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api.accounts.approvals import Approval, ApprovalStore
from api.accounts.types import Principal
from api.accounts.visibility import OwnedKind
from api.web.dependencies import ContextHere
from api.web.permissions import OwnershipHere, PrincipalHere, some_accounts
from api.web.purpose import CasesHere
from api.web.schemas.accounts import ApprovalIn, ApprovalOut, ApprovalsOut, JudgementIn
from api.web.schemas.search import problems

router = APIRouter(prefix="/api", tags=["accounts"])


@router.get(
    "/approvals", response_model=ApprovalsOut, responses=problems(409, 503), dependencies=[Depends(some_accounts)]
)
def approvals(parts: ContextHere, who: PrincipalHere) -> dict[str, Any]:
    """Wishes to search wide: yours, and those that you may judge."""
    return {"approvals": [_approval(one, who) for one in ApprovalStore(parts.catalog).visible(who)]}


@router.post(
    "/approvals",
    response_model=ApprovalOut,
    status_code=201,
    responses=problems(404, 409, 415, 503),
    dependencies=[Depends(some_accounts)],
)
def ask(
    body: ApprovalIn, parts: ContextHere, who: PrincipalHere, grants: OwnershipHere, cases: CasesHere
) -> dict[str, Any]:
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
    number: Annotated[int, Path(ge=1, le=2**31 - 1)], body: JudgementIn, parts: ContextHere, who: PrincipalHere
) -> dict[str, Any]:
    """Let a wide search through, or not; say of an emergency whether it was one."""
    return _approval(ApprovalStore(parts.catalog).judge(number, who, granted=body.granted), who)


def _approval(approval: Approval, principal: Principal) -> dict[str, Any]:
    data = asdict(approval)
    created = {"number": data.pop("id"), "case": data.pop("case_id"), "created_ms": data.pop("asked_ms")}
    mine = data.pop("account_id") == principal.account_id and approval.account == principal.account
    return data | created | {"holds": approval.holds, "mine": mine}
