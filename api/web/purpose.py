"""The purpose of a search: case, reason and visibility, together its `Requester`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from api.accounts import ApprovalStore, OwnedKind, OwnershipStore, Principal, check_reason
from api.cases import CaseStore, cases_of
from api.runtime import AppContext
from api.web.dependencies import ContextHere
from api.web.permissions import PrincipalHere, VisibilityHere
from search.access import Requester, Visibility
from search.errors import BadInput, Conflict

_HOUR_MS = 3_600_000


class Purpose:
    """Checks case and reason of a search."""

    def __init__(self, context: AppContext, cases: CaseStore, principal: Principal, visibility: Visibility) -> None:
        self._context = context
        self._cases = cases
        self._principal = principal
        self._visibility = visibility

    @property
    def anyhow(self) -> Requester:
        """Return the requester for what needs no case: to turn a page, to mark a clip."""
        return Requester(self._principal.account, visibility=self._visibility)

    def of(self, case_id: str, reason: str) -> Requester:
        """Return the requester of a search in a case.

        Raises:
            BadInput: case or reason is missing.
            NotFound: there is no such case for them.
            Conflict: it is closed.
        """
        self.check(case_id, reason)
        if case_id and not self._context.settings.require_case:
            self._check_case(case_id)
        return replace(self.anyhow, case=case_id, widest_ms=self._widest_ms(case_id))

    def check(self, case_id: str, reason: str) -> None:
        """Raise what `of` does where a case and a reason are asked for."""
        if self._context.settings.require_case:
            self._check_case(case_id)
            check_reason(reason)

    def _check_case(self, case_id: str) -> None:
        if not case_id:
            raise BadInput("the search names no case", expected="case: the id of a case", cure="open a case first")
        OwnershipStore(self._context.catalog).check(self._principal, OwnedKind.CASE, case_id)
        if self._cases.case(case_id).closed_ms is not None:
            raise Conflict("the case is closed", got=case_id, cure="open it again first")

    def _widest_ms(self, case_id: str) -> int | None:
        if self._principal.is_local or ApprovalStore(self._context.catalog).holds(self._principal, case_id):
            return None
        return round(self._context.settings.wide_search_hours * _HOUR_MS)


def _cases(request: Request, context: ContextHere) -> CaseStore:
    state = request.app.state
    if not hasattr(state, "cases"):  # two at once make it twice, which harms nothing
        state.cases = cases_of(context.settings, context.catalog)
    cases: CaseStore = state.cases
    return cases


CasesHere = Annotated[CaseStore, Depends(_cases)]


def _purpose(context: ContextHere, cases: CasesHere, principal: PrincipalHere, visibility: VisibilityHere) -> Purpose:
    return Purpose(context, cases, principal, visibility)


PurposeHere = Annotated[Purpose, Depends(_purpose)]
