"""Wide searches are let through by a supervisor; in danger to life they go through at once and are reviewed later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.accounts.tables import approvals
from api.accounts.types import AccessScope, Principal, UserRole
from api.accounts.visibility import scope_of
from search.catalog import Catalog
from search.errors import BadInput, Conflict, Denied, NotFound
from search.times import now_ms

HOLDS_MS = 24 * 3_600_000
"""An approval holds for a day."""
MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class Approval:
    """A request to search wide in a case. `granted` None: not judged yet; `danger`: to life."""

    id: int
    case_id: str
    account_id: int
    account: str
    reason: str
    danger: bool
    asked_ms: int
    judged_ms: int | None
    judged_by: str
    granted: bool | None

    @property
    def holds(self) -> bool:
        """Return whether it allows wide searches now; a refusal by a supervisor ends it."""
        begun = self.asked_ms if self.danger else self.judged_ms
        allowed = self.granted is not False if self.danger else self.granted is True
        return allowed and begun is not None and now_ms() < begun + HOLDS_MS


class ApprovalStore:
    """The store of approvals, in the database of an open catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def ask(self, principal: Principal, case_id: str, reason: str, *, danger: bool) -> Approval:
        """Store a request and return it."""
        values = {"case_id": case_id, "account_id": principal.account_id, "account": principal.account}
        values |= {"reason": check_reason(reason), "danger": danger, "asked_ms": now_ms(), "judged_by": ""}
        with self._catalog.begin() as db:
            made = db.execute(approvals.insert().values(**values)).inserted_primary_key
        assert made is not None  # noqa: S101 - for the type checker
        return self.get(made[0])

    def get(self, number: int) -> Approval:
        """Return one approval. Raises `NotFound`."""
        matches = self._read(approvals.c.id == number)
        if not matches:
            raise NotFound("there is no such approval", got=number)
        return matches[0]

    def all(self) -> list[Approval]:
        """Return all approvals, the newest first."""
        return self._read(sa.true())

    def judge(self, number: int, principal: Principal, *, granted: bool) -> Approval:
        """Grant it or refuse it; an emergency is judged afterwards.

        Raises:
            Denied: the principal made the request.
            NotFound: unknown, or outside the principal's scope.
            Conflict: it was judged before.
        """
        approval = self.get(number)
        if approval.account_id == principal.account_id and approval.account == principal.account:
            raise Denied("your own request cannot be judged by you", cure="ask another supervisor")
        if not principal.is_local and not principal.scope.covers(self._scope(approval)):
            raise NotFound("there is no such approval", got=number)
        a = approvals.c
        values = {"judged_ms": now_ms(), "judged_by": principal.account, "granted": granted}
        with self._catalog.begin() as db:
            if not db.execute(approvals.update().where(a.id == number, a.granted.is_(None)).values(**values)).rowcount:
                raise Conflict("this was judged already", got=number)
        return self.get(number)

    def holds(self, principal: Principal, case_id: str) -> bool:
        """Return whether an account may search wide in a case now."""
        a = approvals.c
        own = self._read(sa.and_(a.case_id == case_id, a.account_id == principal.account_id))
        return any(approval.holds for approval in own)

    def visible(self, principal: Principal) -> list[Approval]:
        """Return the approvals that a principal asked for, and those that they may judge."""
        return [
            approval
            for approval in self.all()
            if approval.account_id == principal.account_id or self._judges(principal, approval)
        ]

    def _judges(self, principal: Principal, approval: Approval) -> bool:
        return principal.is_local or (
            UserRole.SUPERVISOR in principal.roles and principal.scope.covers(self._scope(approval))
        )

    def _scope(self, approval: Approval) -> AccessScope:
        return scope_of(self._catalog, approval.account_id)

    def _read(self, where: sa.ColumnElement[bool]) -> list[Approval]:
        with self._catalog.begin() as db:
            rows: Any = db.execute(sa.select(approvals).where(where).order_by(approvals.c.id.desc())).mappings()
            return [Approval(**row) for row in rows]


def check_reason(reason: str) -> str:
    """Return a reason that says something. Raises `BadInput`."""
    text = " ".join(reason.split())
    if len(text) < 3:
        raise BadInput("the reason is missing", got=text, expected="a few words, such as the number of the report")
    if len(text) > MAX_REASON:
        raise BadInput("the reason is too long", got=f"{len(text)} characters", expected=f"at most {MAX_REASON}")
    return text
