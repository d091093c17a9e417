"""The tables of accounts, in the catalogue's database. Of secrets there are only hashes."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from api.accounts.types import AccessScope, Account, AccountInput, UserRole
from search.catalog import metadata

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("key", sa.String(128), nullable=False, unique=True),  # the name as it is compared
    sa.Column("password", sa.Text, nullable=False),  # argon2id; empty: signs in elsewhere
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),  # of the OIDC provider, once seen
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sqlite_autoincrement=True,  # the number of an account that is gone is not given again
)
sessions = sa.Table(
    "account_sessions",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("used_ms", sa.BigInteger, nullable=False),
    sa.Column("ends_ms", sa.BigInteger, nullable=False),
)
keys = sa.Table(
    "account_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("ends_ms", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
tries = sa.Table(
    "account_tries",
    metadata,
    sa.Column("subject", sa.String(200), primary_key=True),  # "account:NAME" or "address:IP"
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
)
grants = sa.Table(
    "account_grants",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),  # "case" or "standing"
    sa.Column("thing", sa.String(64), primary_key=True),
    sa.Column("account_id", sa.Integer, primary_key=True),
    sa.Column("owns", sa.Boolean, nullable=False),
)

approvals = sa.Table(
    "account_approvals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("case_id", sa.String(64), nullable=False, index=True),
    sa.Column("account_id", sa.Integer, nullable=False),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("danger", sa.Boolean, nullable=False),
    sa.Column("asked_ms", sa.BigInteger, nullable=False),
    sa.Column("judged_ms", sa.BigInteger),
    sa.Column("judged_by", sa.String(64), nullable=False),
    sa.Column("granted", sa.Boolean),  # NULL: nobody has judged it yet
    sqlite_autoincrement=True,
)


def rights(roles: frozenset[UserRole], scope: AccessScope) -> dict[str, str]:
    """Return roles and scope as columns."""
    data = {
        "everything": scope.everything,
        "districts": list(scope.districts),
        "cameras": list(scope.cameras),
        "back_hours": scope.back_hours,
    }
    return {"roles": ",".join(sorted(roles)), "scope": json.dumps(data, ensure_ascii=False)}


def to_roles(text: str) -> frozenset[UserRole]:
    """Return roles as `rights` wrote them."""
    return frozenset(UserRole(word) for word in text.split(",") if word)


def to_scope(text: str) -> AccessScope:
    """Return a scope as `rights` wrote it."""
    data: dict[str, Any] = json.loads(text)
    districts, cameras = tuple(data["districts"]), tuple(data["cameras"])
    return AccessScope(data["everything"], districts, cameras, data["back_hours"])


def to_account(row: sa.Row[Any]) -> Account:
    """Return the account in a row."""
    draft = AccountInput(row.name, to_roles(row.roles), to_scope(row.scope))
    return Account(row.id, draft, row.created_ms, disabled=row.disabled, oidc=not row.password)
