"""Ownership and visibility: who owns a case or a saved search, and which cameras a scope shows."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import sqlalchemy as sa

from api.accounts import tables as t
from api.accounts.types import FULL_SCOPE, AccessScope, Principal, UserRole
from search.access import SEES_ALL, Visibility
from search.catalog import Catalog, tables, unknown_segment
from search.errors import Denied, NotFound
from search.times import now_ms
from search.types import Segment

Sees = Callable[[object], bool]


class OwnedKind(StrEnum):
    """The kinds of things that an account can own."""

    CASE = "case"
    SAVED_SEARCH = "standing"  # the word in the table


class OwnershipStore:
    """The store of who owns and sees what, in the database of an open catalogue.

    The owner and those whom it was shared with see a thing; so does a supervisor whose scope covers its owner's. What
    nobody owns (it was made on the command line, or while there were no accounts) is seen by whoever sees everything.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def visible(self, principal: Principal, kind: OwnedKind) -> Sees:
        """Return a function that says of each thing whether `principal` may see it."""
        if principal.is_local:
            return lambda _: True
        g = t.grants.c
        with self._catalog.begin() as db:
            rows = db.execute(sa.select(g.thing, g.account_id, g.owns).where(g.kind == kind.value)).all()
            scopes = _scopes(db) if UserRole.SUPERVISOR in principal.roles else {}
        shared = {row.thing for row in rows if row.account_id == principal.account_id}
        owned = {row.thing for row in rows}
        leads = {number for number, scope in scopes.items() if principal.scope.covers(scope)}
        led = {row.thing for row in rows if row.owns and row.account_id in leads}

        def sees(thing: object) -> bool:
            name = str(thing)
            return name in shared or name in led or (name not in owned and principal.scope.everything)

        return sees

    def check(self, principal: Principal, kind: OwnedKind, thing: object) -> None:
        """Raise `NotFound` for what `principal` may not see, as for what does not exist."""
        if not self.visible(principal, kind)(thing):
            what = "case" if kind is OwnedKind.CASE else "saved search"
            raise NotFound(f"there is no such {what}", got=repr(thing), cure="ask whoever has it to share it with you")

    def check_owner(self, principal: Principal, kind: OwnedKind, thing: object) -> None:
        """Raise `Denied` unless the principal owns the thing, or leads its owner."""
        owner, _ = self.people(kind, thing)
        leads = principal.is_local or UserRole.SUPERVISOR in principal.roles
        if not leads and owner is not None and owner != principal.account_id:
            raise Denied("it was only shared with you", expected="its owner, or a supervisor", cure="ask its owner")

    def give(self, kind: OwnedKind, thing: object, account_id: int, *, owns: bool) -> None:
        """Let an account see a thing; as its owner, instead of the one before, who keeps seeing it.

        Who has it already keeps it as it is, unless it becomes theirs.
        """
        g = t.grants.c
        own = sa.and_(g.kind == kind.value, g.thing == str(thing))
        with self._catalog.begin() as db:
            if owns:
                db.execute(t.grants.update().where(own).values(owns=False))
            elif db.scalar(sa.select(g.account_id).where(own, g.account_id == account_id)) is not None:
                return
            db.execute(t.grants.delete().where(own, g.account_id == account_id))
            values = {"kind": kind.value, "thing": str(thing), "account_id": account_id, "owns": owns}
            db.execute(t.grants.insert().values(**values))

    def forget(self, kind: OwnedKind, thing: object) -> None:
        """Remove all owners of a thing that was deleted."""
        g = t.grants.c
        with self._catalog.begin() as db:
            db.execute(t.grants.delete().where(g.kind == kind.value, g.thing == str(thing)))

    def people(self, kind: OwnedKind, thing: object) -> tuple[int | None, list[int]]:
        """Return the owner's number (None: nobody), and those of all who have it."""
        g = t.grants.c
        with self._catalog.begin() as db:
            query = sa.select(g.account_id, g.owns).where(g.kind == kind.value, g.thing == str(thing))
            rows = db.execute(query.order_by(g.account_id)).all()
        return next((row.account_id for row in rows if row.owns), None), [row.account_id for row in rows]


def scope_of(catalog: Catalog, account_id: int) -> AccessScope:
    """Return the scope of one account or key. A deleted one covers everything, so that only FULL_SCOPE covers it."""
    with catalog.begin() as db:
        return _scopes(db).get(account_id, FULL_SCOPE)


def _scopes(db: sa.Connection) -> dict[int, AccessScope]:
    """Return the scope of every account and, under negative numbers, of every key."""
    scopes = {row.id: t.to_scope(row.scope) for row in db.execute(sa.select(t.accounts.c.id, t.accounts.c.scope))}
    return scopes | {-row.id: t.to_scope(row.scope) for row in db.execute(sa.select(t.keys.c.id, t.keys.c.scope))}


_HOUR_MS = 3_600_000


def visibility_of(catalog: Catalog, scope: AccessScope) -> Visibility:
    """Return the cameras that a scope holds at this moment, and the oldest time that may be seen."""
    from_ms = None if scope.back_hours is None else max(0, now_ms() - round(scope.back_hours * _HOUR_MS))
    if scope.everything:
        return SEES_ALL if from_ms is None else Visibility(None, from_ms)
    c = tables.cameras.c
    with catalog.begin() as db:
        own = sa.or_(c.district.in_(scope.districts), c.id.in_(scope.cameras))
        return Visibility(frozenset(db.scalars(sa.select(c.id).where(own))), from_ms)


def check_camera(visibility: Visibility, camera_id: str) -> None:
    """Raise `NotFound` for a camera out of sight, as for one that does not exist."""
    if not visibility.camera(camera_id):
        raise NotFound("unknown camera", got=repr(camera_id), cure="/api/cameras lists yours")


def check_segment(visibility: Visibility, segment: Segment, time_ms: int) -> None:
    """Raise `NotFound` for a recording out of sight, in the words for one that does not exist."""
    if not visibility.moment(segment.camera_id, time_ms):
        raise unknown_segment(segment.id)
