"""For whom and why somebody searches, and what they may see: together the `Requester` of a search."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from api.accounts.approvals import ApprovalStore, check_reason
from api.accounts.types import Principal
from api.accounts.visibility import OwnedKind, OwnershipStore
from api.cases.case_store import CaseStore, cases_of
from api.composition import AppContext
from api.web.dependencies import ContextHere
from api.web.permissions import PrincipalHere, VisibilityHere
from search.access import Requester, Visibility
from search.errors import BadInput, Conflict

_HOUR_MS = 3_600_000


class Purpose:
    """Checks what a search is for."""

    def __init__(self, parts: AppContext, cases: CaseStore, who: Principal, sight: Visibility) -> None:
        self._parts = parts
        self._cases = cases
        self._who = who
        self._sight = sight

    @property
    def anyhow(self) -> Requester:
        """Whoever asks, for what needs no case: to turn a page, to mark a clip."""
        return Requester(self._who.account, sight=self._sight)

    def of(self, case_id: str, reason: str) -> Requester:
        """Whoever asks, for a search in a case.

        Raises:
            BadInput: case or reason is missing.
            NotFound: there is no such case for them.
            Conflict: it is closed.
        """
        self.check(case_id, reason)
        if case_id and not self._parts.settings.require_case:
            self._check_case(case_id)
        return replace(self.anyhow, case=case_id, widest_ms=self._widest_ms(case_id))

    def check(self, case_id: str, reason: str) -> None:
        """Raise what `of` does where a case and a reason are asked for."""
        if self._parts.settings.require_case:
            self._check_case(case_id)
            check_reason(reason)

    def _check_case(self, case_id: str) -> None:
        if not case_id:
            raise BadInput("the search names no case", expected="case: the id of a case", cure="open a case first")
        OwnershipStore(self._parts.catalog).check(self._who, OwnedKind.CASE, case_id)
        if self._cases.case(case_id).closed_ms is not None:
            raise Conflict("the case is closed", got=case_id, cure="open it again first")

    def _widest_ms(self, case_id: str) -> int | None:
        if self._who.is_local or ApprovalStore(self._parts.catalog).holds(self._who, case_id):
            return None
        return round(self._parts.settings.wide_search_hours * _HOUR_MS)


def _cases(request: Request, parts: ContextHere) -> CaseStore:
    state = request.app.state
    if not hasattr(state, "cases"):  # two at once make it twice, which harms nothing
        state.cases = cases_of(parts.settings, parts.catalog)
    cases: CaseStore = state.cases
    return cases


CasesHere = Annotated[CaseStore, Depends(_cases)]


def _purpose(parts: ContextHere, cases: CasesHere, who: PrincipalHere, sight: VisibilityHere) -> Purpose:
    return Purpose(parts, cases, who, sight)


PurposeHere = Annotated[Purpose, Depends(_purpose)]
