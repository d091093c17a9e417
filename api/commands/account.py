"""`xunren account` and `xunren key`: accounts that may sign in, and keys for jobs."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from api.accounts import AccessScope, AccountInput, AccountStore, UserRole, account_dict, key_dict
from api.commands.console import out, show_json, table
from api.composition import open_catalog
from search.config import Settings
from search.errors import BadInput
from search.times import iso, zone_of


@dataclass(frozen=True, slots=True)
class AccountRights:
    """Roles and scope as the options name them; empty: not named."""

    roles: Sequence[str] = ()
    everything: bool = False
    districts: Sequence[str] = ()
    cameras: Sequence[str] = ()
    back_hours: float | None = None

    def role_set(self) -> frozenset[UserRole]:
        """Return the roles. Raises `BadInput`."""
        try:
            return frozenset(UserRole(word) for word in self.roles)
        except ValueError:
            raise BadInput("there is no such role", got=", ".join(self.roles), expected=", ".join(UserRole)) from None

    def scope(self) -> AccessScope:
        """Return the scope. Raises `BadInput`."""
        return AccessScope(self.everything, tuple(self.districts), tuple(self.cameras), self.back_hours)

    @property
    def has_scope(self) -> bool:
        """Return whether the options name a scope."""
        return bool(self.everything or self.districts or self.cameras or self.back_hours is not None)


def add_account(settings: Settings, name: str, rights: AccountRights, *, from_stdin: bool, oidc: bool) -> None:
    """Make an account; `oidc`: without a password."""
    draft = AccountInput(name, rights.role_set(), rights.scope())
    if oidc and not settings.oidc_issuer:
        raise BadInput("there is no provider to sign in at", got="--oidc", cure="set oidc_issuer first")
    password = None if oidc else _password(from_stdin)
    with _accounts(settings) as accounts:
        account = accounts.add(draft, password)
    out.print(f"account {account.name} is made; it may sign in now")


def list_accounts(settings: Settings, *, as_json: bool) -> None:
    """Print the accounts."""
    with _accounts(settings) as accounts:
        rows = [account_dict(account) for account in accounts.all()]
    if as_json:
        show_json({"accounts": rows})
        return
    columns = ("account", "roles", "sees", "state")
    cells = [(a["name"], ", ".join(a["roles"]), _sees(a["scope"]), _STATES[a["disabled"]]) for a in rows]
    out.print(table("accounts", columns, cells))


def change_account(settings: Settings, name: str, rights: AccountRights, disable: bool | None) -> None:
    """Change roles, scope, or whether it may sign in."""
    with _accounts(settings) as accounts:
        account = accounts.named(name)
        draft = replace(
            account.draft,
            roles=rights.role_set() or account.draft.roles,
            scope=rights.scope() if rights.has_scope else account.draft.scope,
        )
        changed = accounts.change(account.id, draft, disabled=account.disabled if disable is None else disable)
    out.print(f"account {changed.name}: {', '.join(sorted(changed.draft.roles))}; {_STATES[changed.disabled]}")


def set_password(settings: Settings, name: str, *, from_stdin: bool) -> None:
    """Give an account a new password."""
    with _accounts(settings) as accounts:
        accounts.set_password(accounts.named(name).id, _password(from_stdin))
    out.print(f"account {name} has a new password")


def new_key(settings: Settings, name: str, rights: AccountRights, days: float) -> None:
    """Make an API key."""
    with _accounts(settings) as accounts:
        key, secret = accounts.add_key(name, rights.role_set(), rights.scope(), days)
    out.print(f"key {key.id} ({name}); it is shown this once:")
    out.file.write(f"{secret}\n")


def list_keys(settings: Settings, *, as_json: bool) -> None:
    """Print the keys."""
    with _accounts(settings) as accounts:
        keys = [key_dict(key) for key in accounts.all_keys()]
    if as_json:
        show_json({"keys": keys})
        return
    zone = zone_of(settings.timezone)
    columns = ("key", "name", "roles", "sees", "until")
    rows = [
        (k["number"], k["name"], ", ".join(k["roles"]), _sees(k["scope"]), iso(k["expires_ms"], zone)[:16])
        for k in keys
    ]
    out.print(table("keys", columns, rows))


def remove_key(settings: Settings, number: int) -> None:
    """Revoke a key."""
    with _accounts(settings) as accounts:
        accounts.remove_key(number)
    out.print(f"key {number} is revoked")


_STATES = {False: "may sign in", True: "disabled"}


@contextmanager
def _accounts(settings: Settings) -> Iterator[AccountStore]:
    with open_catalog(settings) as catalog:
        yield AccountStore(catalog)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("password: ")
    if getpass.getpass("again: ") != password:
        raise BadInput("the two passwords are not the same", cure="try again")
    return password


def _sees(scope: dict[str, Any]) -> str:
    named = [*scope["districts"], *scope["cameras"]]
    what = "everything" if scope["everything"] else ", ".join(named) or "nothing"
    return what if scope["back_hours"] is None else f"{what}, {scope['back_hours']:g} h back"
