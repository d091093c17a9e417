"""Accounts and what they may do: frozen types that are checked once, when they are made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from search.errors import BadInput
from search.types import check_camera_id

MIN_PASSWORD, MAX_PASSWORD = 10, 200
MAX_NAMES = 10_000
_NAME = re.compile(r"[^\W_][\w.@-]{0,63}")


class UserRole(StrEnum):
    """A right to act; an account may have several."""

    OPERATOR = "operator"
    """Searches, watches, keeps cases."""
    SUPERVISOR = "supervisor"
    """Also sees the cases of operators within the own scope, lets wide searches through, reviews emergencies."""
    AUDITOR = "auditor"
    """Reads the audit log; sees no footage."""
    ADMIN = "admin"
    """Makes accounts and keys, looks after cameras and the index; sees no footage."""


@dataclass(frozen=True, slots=True)
class AccessScope:
    """The cameras that an account may see (all, or those of districts and single ones), and for how far back.

    Args:
        everything: all cameras, those to come too.
        districts: names as the cameras have them.
        cameras: ids.
        back_hours: how long ago footage may be; None: any time.
    """

    everything: bool = False
    districts: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    back_hours: float | None = None

    def __post_init__(self) -> None:
        for camera in self.cameras:
            check_camera_id(camera)
        if not all(district.strip() and len(district) <= 200 for district in self.districts):
            raise BadInput("a district has no name", expected="a name as the cameras have it")
        if self.everything and (self.districts or self.cameras):
            raise BadInput("a scope is everything, or names districts and cameras", cure="give one of the two")
        if len(self.districts) + len(self.cameras) > MAX_NAMES:
            raise BadInput("the scope names too much", expected=f"at most {MAX_NAMES}", cure="name districts")
        if self.back_hours is not None and not 0 < self.back_hours <= 1_000_000:
            raise BadInput("not a time to look back", got=self.back_hours, expected="hours above 0")

    def covers(self, other: AccessScope) -> bool:
        """Return whether this scope surely shows all that `other` shows."""
        own_hours = float("inf") if self.back_hours is None else self.back_hours
        other_hours = float("inf") if other.back_hours is None else other.back_hours
        if own_hours < other_hours:
            return False
        named = set(other.districts) <= set(self.districts) and set(other.cameras) <= set(self.cameras)
        return self.everything or (named and not other.everything)


FULL_SCOPE = AccessScope(everything=True)


@dataclass(frozen=True, slots=True)
class AccountInput:
    """An account as an administrator writes it."""

    name: str
    roles: frozenset[UserRole]
    scope: AccessScope = field(default_factory=AccessScope)

    def __post_init__(self) -> None:
        check_name(self.name)
        if not self.roles:
            raise BadInput("the account has no role", expected=", ".join(UserRole))


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands; `oidc` says that its owner signs in elsewhere, and it has no password."""

    id: int
    draft: AccountInput
    created_ms: int
    disabled: bool = False
    oidc: bool = False

    @property
    def name(self) -> str:
        """Return the name."""
        return self.draft.name


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes this request. `via`: session, key, command line, or local (the server has no accounts)."""

    account: str
    roles: frozenset[UserRole]
    scope: AccessScope
    via: str
    account_id: int = 0
    csrf: str = ""

    @property
    def is_local(self) -> bool:
        """Return whether they are at the machine itself, whose owner could read every file anyway."""
        return self.via in ("local", "command line")

    def has(self, roles: Iterable[UserRole]) -> bool:
        """Return whether they have one of these roles."""
        return not self.roles.isdisjoint(roles)


LOCAL = Principal("local", frozenset(UserRole), FULL_SCOPE, "local")
"""The principal of every request to a server without accounts."""


def check_name(name: str) -> str:
    """Return a name that an account or a key can have. Raises `BadInput`."""
    if not _NAME.fullmatch(name):
        raise BadInput("not a name for an account", got=name, expected="1 to 64 letters, digits, '.', '_', '-' or '@'")
    return name


def check_password(password: str, name: str) -> str:
    """Return a password that can be used. Raises `BadInput`, without repeating it."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadInput(
            "the password has a wrong length",
            got=f"{len(password)} characters",
            expected=f"{MIN_PASSWORD} to {MAX_PASSWORD}",
            cure="take a sentence that only you know",
        )
    if name.casefold() in password.casefold() or len(set(password)) < 5:
        raise BadInput("the password is too easy to guess", cure="take a sentence that only you know")
    return password
