"""Accounts, keys and scopes as dictionaries for JSON."""

from __future__ import annotations

from typing import Any

from api.accounts.account_store import ApiKey
from api.accounts.types import AccessScope, Account, Principal


def scope_dict(scope: AccessScope) -> dict[str, Any]:
    """A scope as plain data."""
    named = {"districts": list(scope.districts), "cameras": list(scope.cameras)}
    return {"everything": scope.everything, **named, "back_hours": scope.back_hours}


def account_dict(account: Account) -> dict[str, Any]:
    """An account as plain data."""
    rights = {"roles": sorted(account.draft.roles), "scope": scope_dict(account.draft.scope)}
    state = {"disabled": account.disabled, "oidc": account.oidc, "created_ms": account.created_ms}
    return {"number": account.id, "name": account.name} | rights | state


def key_dict(key: ApiKey) -> dict[str, Any]:
    """A key as plain data."""
    rights = {"roles": sorted(key.roles), "scope": scope_dict(key.scope)}
    return {"number": key.id, "name": key.name} | rights | {"created_ms": key.created_ms, "expires_ms": key.ends_ms}


def who_dict(who: Principal | None) -> dict[str, Any]:
    """Whoever asks as plain data."""
    if who is None:
        return {"account": None, "roles": [], "scope": None, "csrf": ""}
    rights = {"roles": sorted(who.roles), "scope": scope_dict(who.scope)}
    return {"account": who.account} | rights | {"csrf": who.csrf}
