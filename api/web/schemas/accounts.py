"""Accounts, keys, approvals and the audit log as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from api.accounts import MAX_NAMES, MAX_PASSWORD, AccessScope, AccountInput, UserRole
from api.web.schemas.search import ResponseModel

_STRICT = ConfigDict(extra="forbid")
Name = Annotated[StrictStr, Field(max_length=64)]
Password = Annotated[StrictStr, Field(max_length=MAX_PASSWORD)]
Roles = Annotated[list[UserRole], Field(min_length=1, max_length=len(UserRole))]


class ScopeIn(BaseModel):
    """The cameras that somebody may see: all, or those of districts and single ones."""

    model_config = _STRICT

    everything: StrictBool = False
    districts: list[StrictStr] = Field(default=[], max_length=MAX_NAMES, description="as the cameras have them")
    cameras: list[StrictStr] = Field(default=[], max_length=MAX_NAMES, description="camera ids")
    back_hours: StrictFloat | StrictInt | None = Field(default=None, description="how old footage may be; null: any")

    def checked(self) -> AccessScope:
        """Return the scope. Raises `BadInput`."""
        return AccessScope(self.everything, tuple(self.districts), tuple(self.cameras), self.back_hours)


class LoginIn(BaseModel):
    """Name and password of an account."""

    model_config = _STRICT

    name: Name
    password: Password


class SetupIn(BaseModel):
    """The first account, which may do everything; `token` stands in the link that the server printed."""

    model_config = _STRICT

    token: StrictStr = Field(max_length=200)
    name: Name
    password: Password


class PasswordIn(BaseModel):
    """A change of your own password."""

    model_config = _STRICT

    password: Password = Field(description="the present one")
    new_password: Password


class AccountIn(BaseModel):
    """A new account. Without a password its owner signs in at the OIDC provider."""

    model_config = _STRICT

    name: Name
    password: Password | None = None
    roles: Roles
    scope: ScopeIn

    def draft(self) -> AccountInput:
        """Return the account to make. Raises `BadInput`."""
        return AccountInput(self.name, frozenset(self.roles), self.scope.checked())


class AccountChange(BaseModel):
    """A change of an account; a field that is left out stays as it is."""

    model_config = _STRICT

    roles: Roles | None = None
    scope: ScopeIn | None = None
    disabled: StrictBool | None = None
    password: Password | None = Field(default=None, description="a new one; all sessions of the account end")

    def draft(self, before: AccountInput) -> AccountInput:
        """Return `before` with the changes. Raises `BadInput`."""
        roles = before.roles if self.roles is None else frozenset(self.roles)
        return AccountInput(before.name, roles, before.scope if self.scope is None else self.scope.checked())


class KeyIn(BaseModel):
    """A new API key for a job."""

    model_config = _STRICT

    name: Name
    roles: Roles
    scope: ScopeIn
    days: StrictFloat | StrictInt = Field(default=90, description="until it expires, at most 366")


class ApprovalIn(BaseModel):
    """A request to search all cameras over a long time."""

    model_config = _STRICT

    case: StrictStr = Field(max_length=64)
    reason: StrictStr = Field(max_length=2000)
    danger: StrictBool = Field(default=False, description="to life: it goes through at once and is reviewed later")


class JudgementIn(BaseModel):
    """A supervisor's decision."""

    model_config = _STRICT

    granted: StrictBool


class MeOut(ResponseModel):
    """The signed-in account; null where nobody is signed in."""

    account: str | None
    roles: list[UserRole]
    scope: ScopeIn | None
    csrf: str = Field(description="to be sent as X-CSRF-Token with whatever changes something")
    accounts_enabled: bool = Field(description="whether people sign in here")
    setup_needed: bool = Field(description="whether the first account is still to be made")
    oidc_host: str | None = Field(description="host of the provider where one can sign in, too")
    require_case: bool = Field(description="whether a search must name a case and a reason")


class AccountOut(ResponseModel):
    """An account."""

    number: int
    name: str
    roles: list[UserRole]
    scope: ScopeIn
    disabled: bool
    oidc: bool
    created_ms: int


class AccountsOut(ResponseModel):
    """All accounts."""

    accounts: list[AccountOut]


class KeyOut(ResponseModel):
    """An API key, without its secret."""

    number: int
    name: str
    roles: list[UserRole]
    scope: ScopeIn
    created_ms: int
    expires_ms: int


class NewKeyOut(KeyOut):
    """A new key; its secret is shown this once."""

    key: str


class KeysOut(ResponseModel):
    """All keys."""

    keys: list[KeyOut]


class ApprovalOut(ResponseModel):
    """A request to search wide, and the supervisor's decision."""

    number: int
    case: str
    account: str
    reason: str
    danger: bool
    created_ms: int
    judged_ms: int | None
    judged_by: str
    granted: bool | None = Field(description="null: not judged yet")
    holds: bool = Field(description="whether it lets searches through now")
    mine: bool


class ApprovalsOut(ResponseModel):
    """Yours, and those that you may judge."""

    approvals: list[ApprovalOut]


class EntryOut(ResponseModel):
    """An entry of the audit log."""

    number: int
    at_ms: int
    account: str
    address: str
    action: str
    case: str
    status: int
    details: dict[str, Any]
    previous: str
    hash: str


class EntriesOut(ResponseModel):
    """Entries, the newest first."""

    entries: list[EntryOut]
    more: bool


class CheckedOut(ResponseModel):
    """The result of a check of the audit log."""

    whole: bool
    number: int = Field(description="entries, or the first one that is wrong")
    hash: str
    what: str
