"""Accounts, sessions and API keys in the catalogue's database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.accounts import tables as t
from api.accounts.passwords import fits, hashed
from api.accounts.types import AccessScope, Account, AccountInput, Principal, UserRole, check_name, check_password
from search.catalog import Catalog, tables
from search.errors import BadInput, Conflict, NotFound, Unauthenticated
from search.times import now_ms

IDLE_MS = 3_600_000
"""A session ends when it was not used for an hour,"""
SESSION_MS = 12 * 3_600_000
"""and after a shift at the latest."""
MAX_KEY_DAYS = 366
_TOUCH_MS = 60_000  # `used_ms` is written at most once a minute
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without its secret."""

    id: int
    name: str
    roles: frozenset[UserRole]
    scope: AccessScope
    created_ms: int
    ends_ms: int


class AccountStore:
    """Safe for many threads and processes. Every method raises `Unavailable` where the database fails."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    # accounts ------------------------------------------------------------------------------------------------

    def empty(self) -> bool:
        """Return whether nobody has an account yet."""
        with self._catalog.begin() as db:
            return db.scalar(sa.select(sa.func.count()).select_from(t.accounts)) == 0

    def add(self, draft: AccountInput, password: str | None, *, first: bool = False) -> Account:
        """Make an account; without a password its owner signs in elsewhere (OIDC).

        Args:
            draft: checked.
            password: 10 to 200 characters.
            first: only if it is the first one.

        Raises:
            BadInput: the password cannot be used.
            Conflict: the name is taken, or there is an account already.
        """
        kept = "" if password is None else hashed(check_password(password, draft.name))
        values = {"name": draft.name, "key": _case_folded(draft.name), "password": kept, "subject": ""}
        with self._catalog.begin() as db:
            tables.alone(db)  # else two may be the first
            if first and db.scalar(sa.select(sa.func.count()).select_from(t.accounts)):
                raise Conflict("there is an account already", cure="sign in, or ask an administrator")
            if db.scalar(sa.select(t.accounts.c.id).where(t.accounts.c.key == values["key"])) is not None:
                raise Conflict("this name is taken", got=draft.name, cure="choose another")
            made = values | t.rights(draft.roles, draft.scope) | {"created_ms": now_ms(), "disabled": False}
            number = db.execute(t.accounts.insert().values(**made)).inserted_primary_key
        assert number is not None  # noqa: S101 - for the type checker
        return self.account(number[0])

    def all(self) -> list[Account]:
        """Return all accounts by name."""
        with self._catalog.begin() as db:
            return [t.to_account(row) for row in db.execute(sa.select(t.accounts).order_by(t.accounts.c.key))]

    def account(self, number: int) -> Account:
        """Return one account. Raises `NotFound`."""
        account = self._find(t.accounts.c.id == number)
        if account is None:
            raise NotFound("there is no such account", got=number)
        return t.to_account(account)

    def named(self, name: str) -> Account:
        """Return the account of this name. Raises `NotFound`."""
        account = self._find(t.accounts.c.key == _case_folded(name))
        if account is None:
            raise NotFound("there is no such account", got=name, cure="`xunren account list` shows all")
        return t.to_account(account)

    def change(self, number: int, draft: AccountInput, *, disabled: bool) -> Account:
        """Change an account; a disabled one is signed out at once.

        Raises:
            Conflict: nobody would be left who can make accounts.
        """
        before = self.account(number)
        if draft.name != before.name:
            raise BadInput("an account keeps its name, as the audit log names it", got=draft.name, expected=before.name)
        with self._catalog.begin() as db:
            tables.alone(db)
            values = t.rights(draft.roles, draft.scope) | {"disabled": disabled}
            db.execute(t.accounts.update().where(t.accounts.c.id == number).values(**values))
            able = [t.to_account(row) for row in db.execute(sa.select(t.accounts))]
            if not any(UserRole.ADMIN in one.draft.roles and not one.disabled for one in able):
                raise Conflict("nobody would be left who can make accounts", got=before.name)
            if disabled:
                db.execute(t.sessions.delete().where(t.sessions.c.account_id == number))
        return self.account(number)

    def set_password(self, number: int, password: str) -> None:
        """Give an account a new password; all its sessions end."""
        kept = hashed(check_password(password, self.account(number).name))
        with self._catalog.begin() as db:
            db.execute(t.accounts.update().where(t.accounts.c.id == number).values(password=kept))
            db.execute(t.sessions.delete().where(t.sessions.c.account_id == number))

    def by_password(self, name: str, password: str) -> Account | None:
        """Return the account with this name and password, or None; an unknown name takes as long."""
        account = self._find(t.accounts.c.key == _case_folded(name))
        right = fits(password, None if account is None else account.password)
        return t.to_account(account) if right and account is not None and not account.disabled else None

    def by_subject(self, name: str, subject: str) -> Account | None:
        """Return the account of an OIDC `subject`; at first it is found by `name`, later by `subject` only."""
        account = self._find(t.accounts.c.subject == subject)
        if account is None:
            unbound = sa.and_(t.accounts.c.key == _case_folded(name), t.accounts.c.subject == "")
            account = self._find(unbound)
            if account is None or account.password or account.disabled:
                return None
            with self._catalog.begin() as db:
                if not db.execute(t.accounts.update().where(unbound).values(subject=subject)).rowcount:
                    return None  # somebody else of this name was quicker
        return None if account.disabled else t.to_account(account)

    def _find(self, where: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
        with self._catalog.begin() as db:
            return db.execute(sa.select(t.accounts).where(where)).first()

    # sessions ------------------------------------------------------------------------------------------------

    def open_session(self, account: Account) -> str:
        """Let an account be signed in; the secret of its session."""
        secret, now = secrets.token_urlsafe(32), now_ms()
        with self._catalog.begin() as db:
            db.execute(t.sessions.delete().where(t.sessions.c.ends_ms < now))
            values = {"hash": _hash(secret), "account_id": account.id, "used_ms": now, "ends_ms": now + SESSION_MS}
            db.execute(t.sessions.insert().values(**values))
        return secret

    def close_session(self, secret: str) -> None:
        """Sign out."""
        with self._catalog.begin() as db:
            db.execute(t.sessions.delete().where(t.sessions.c.hash == _hash(secret)))

    def by_session(self, secret: str) -> Principal | None:
        """Return the principal of an open session, or None."""
        s, now = t.sessions.c, now_ms()
        query = sa.select(t.accounts, s.used_ms, s.ends_ms).join(t.sessions).where(s.hash == _hash(secret))
        with self._catalog.begin() as db:
            row = db.execute(query).first()
            if row is None or row.disabled or now >= row.ends_ms or now - row.used_ms > IDLE_MS:
                return None
            if now - row.used_ms > _TOUCH_MS:
                db.execute(t.sessions.update().where(s.hash == _hash(secret)).values(used_ms=now))
        account = t.to_account(row)
        return Principal(account.name, account.draft.roles, account.draft.scope, "session", account.id, csrf_of(secret))

    # keys ----------------------------------------------------------------------------------------------------

    def add_key(self, name: str, roles: frozenset[UserRole], scope: AccessScope, days: float) -> tuple[ApiKey, str]:
        """Make an API key; its secret is returned this once."""
        if not 0 < days <= MAX_KEY_DAYS:
            raise BadInput("a key cannot live that long", got=days, expected=f"above 0, at most {MAX_KEY_DAYS} days")
        if not roles:
            raise BadInput("the key has no role", expected=", ".join(UserRole))
        secret, now = f"xunren_{secrets.token_urlsafe(32)}", now_ms()
        ends = now + round(days * _DAY_MS)
        values = {"name": check_name(name), "hash": _hash(secret), "created_ms": now, "ends_ms": ends}
        with self._catalog.begin() as db:
            made = db.execute(t.keys.insert().values(**values, **t.rights(roles, scope))).inserted_primary_key
        assert made is not None  # noqa: S101 - for the type checker
        return ApiKey(made[0], name, roles, scope, now, ends), secret

    def all_keys(self) -> list[ApiKey]:
        """Return all keys, expired ones too."""
        with self._catalog.begin() as db:
            rows = db.execute(sa.select(t.keys).order_by(t.keys.c.id)).all()
        return [
            ApiKey(row.id, row.name, t.to_roles(row.roles), t.to_scope(row.scope), row.created_ms, row.ends_ms)
            for row in rows
        ]

    def remove_key(self, number: int) -> None:
        """Let a key open nothing any more. Raises `NotFound`."""
        with self._catalog.begin() as db:
            if not db.execute(t.keys.delete().where(t.keys.c.id == number)).rowcount:
                raise NotFound("there is no such key", got=number)

    def by_key(self, secret: str) -> Principal:
        """Return the principal of a key. Raises `Unauthenticated`."""
        with self._catalog.begin() as db:
            row = db.execute(sa.select(t.keys).where(t.keys.c.hash == _hash(secret))).first()
        if row is None:
            raise Unauthenticated("this key opens nothing", cure="ask an administrator for a new one")
        if now_ms() >= row.ends_ms:
            raise Unauthenticated("this key has expired", got=row.name, cure="ask an administrator for a new one")
        return Principal(f"key:{row.name}", t.to_roles(row.roles), t.to_scope(row.scope), "key", -row.id)


def csrf_of(session: str) -> str:
    """Return the token that a page sends with each change: only who reads our answers knows it."""
    return hmac.new(session.encode(), b"xunren csrf", hashlib.sha256).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _case_folded(name: str) -> str:
    return name.casefold()
