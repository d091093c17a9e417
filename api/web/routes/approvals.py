"""Approvals of wide searches: asked for, listed, judged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api.accounts import Approval, ApprovalStore, OwnedKind, Principal
from api.web.dependencies import ContextHere
from api.web.permissions import OwnershipHere, PrincipalHere, some_accounts
from api.web.purpose import CasesHere
from api.web.schemas.accounts import ApprovalIn, ApprovalOut, ApprovalsOut, JudgementIn
from api.web.schemas.search import problems

router = APIRouter(prefix="/api", tags=["accounts"])


@router.get(
    "/approvals", response_model=ApprovalsOut, responses=problems(409, 503), dependencies=[Depends(some_accounts)]
)
def approvals(context: ContextHere, principal: PrincipalHere) -> dict[str, Any]:
    """List approvals of wide searches: yours, and those that you may judge."""
    return {
        "approvals": [_approval(approval, principal) for approval in ApprovalStore(context.catalog).visible(principal)]
    }


@router.post(
    "/approvals",
    response_model=ApprovalOut,
    status_code=201,
    responses=problems(404, 409, 415, 503),
    dependencies=[Depends(some_accounts)],
)
def ask(
    body: ApprovalIn, context: ContextHere, principal: PrincipalHere, ownership: OwnershipHere, cases: CasesHere
) -> dict[str, Any]:
    """Ask to search wide in a case for a day. In danger to life it is granted at once, and reviewed later."""
    ownership.check(principal, OwnedKind.CASE, body.case)
    cases.case(body.case)
    return _approval(
        ApprovalStore(context.catalog).ask(principal, body.case, body.reason, danger=body.danger), principal
    )


@router.patch(
    "/approvals/{number}",
    response_model=ApprovalOut,
    responses=problems(404, 409, 415, 503),
    dependencies=[Depends(some_accounts)],
)
def judge(
    number: Annotated[int, Path(ge=1, le=2**31 - 1)], body: JudgementIn, context: ContextHere, principal: PrincipalHere
) -> dict[str, Any]:
    """Let a wide search through, or not; say of an emergency whether it was one."""
    return _approval(ApprovalStore(context.catalog).judge(number, principal, granted=body.granted), principal)


def _approval(approval: Approval, principal: Principal) -> dict[str, Any]:
    data = asdict(approval)
    created = {"number": data.pop("id"), "case": data.pop("case_id"), "created_ms": data.pop("asked_ms")}
    mine = data.pop("account_id") == principal.account_id and approval.account == principal.account
    return data | created | {"holds": approval.holds, "mine": mine}
