"""Signing in and out, the first account, accounts and API keys."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, Response

from api.accounts import (
    FULL_SCOPE,
    SESSION_MS,
    Account,
    AccountInput,
    AccountStore,
    LoginThrottle,
    OidcProvider,
    Principal,
    UserRole,
    account_dict,
    csrf_of,
    key_dict,
    principal_dict,
)
from api.web.dependencies import ContextHere
from api.web.middleware.audit import NoteHere
from api.web.middleware.authentication import COOKIE, session_in
from api.web.permissions import AccountsHere, PrincipalHere
from api.web.schemas.accounts import (
    AccountChange,
    AccountIn,
    AccountOut,
    AccountsOut,
    KeyIn,
    KeysOut,
    LoginIn,
    MeOut,
    NewKeyOut,
    PasswordIn,
    SetupIn,
)
from api.web.schemas.search import problems
from search.errors import Denied, Unauthenticated

router = APIRouter(prefix="/api", tags=["accounts"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/me", response_model=MeOut, responses=problems(503))
def me(request: Request, context: ContextHere) -> dict[str, Any]:
    """Return who you are, and what this server asks for."""
    accounts: AccountStore | None = request.app.state.accounts
    state = {"accounts_enabled": accounts is not None, "setup_needed": accounts is not None and accounts.empty()}
    provider: OidcProvider | None = request.app.state.oidc
    wants = {"oidc_host": provider.host if provider else None, "require_case": context.settings.require_case}
    return principal_dict(request.state.principal) | state | wants


@router.post("/login", response_model=MeOut, responses=problems(415, 429, 503))
def login(body: LoginIn, request: Request, accounts: AccountsHere, context: ContextHere) -> Response:
    """Sign in; the session is a cookie that scripts cannot read."""
    throttle, slowed = LoginThrottle(context.catalog), subjects(request, body.name)
    throttle.check(*slowed)
    account = accounts.by_password(body.name, body.password)
    if account is None:
        throttle.failed(*slowed)
        raise Unauthenticated("name or password is wrong", cure="try again; an administrator can give you a new one")
    throttle.passed(slowed[0])
    return signed_in(request, context, accounts, account)


@router.post("/logout", status_code=204, response_class=Response, responses=problems(503))
def logout(request: Request, accounts: AccountsHere) -> Response:
    """Sign out."""
    accounts.close_session(session_in(request.headers))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


@router.post("/setup", response_model=MeOut, status_code=201, responses=problems(409, 415, 429, 503))
def setup(body: SetupIn, request: Request, accounts: AccountsHere, context: ContextHere) -> Response:
    """Make the first account, with the token of the link that the server printed when it started."""
    throttle, slowed = LoginThrottle(context.catalog), subjects(request, "")
    throttle.check(*slowed)
    expected: str = request.app.state.setup_token
    if not expected or not hmac.compare_digest(body.token.encode(), expected.encode()):
        throttle.failed(*slowed)
        raise Denied("this set-up link is not valid", cure="take the one that `xunren serve` printed last")
    account = accounts.add(AccountInput(body.name, frozenset(UserRole), FULL_SCOPE), body.password, first=True)
    request.app.state.setup_token = ""
    return signed_in(request, context, accounts, account, 201)


@router.post("/me/password", status_code=204, response_class=Response, responses=problems(415, 429, 503))
def change_password(
    body: PasswordIn, request: Request, principal: PrincipalHere, accounts: AccountsHere, context: ContextHere
) -> None:
    """Change your own password; all your sessions end."""
    if principal.via != "session":
        raise Denied("only whoever is signed in has a password")
    throttle, slowed = LoginThrottle(context.catalog), subjects(request, principal.account)
    throttle.check(*slowed)
    if accounts.by_password(principal.account, body.password) is None:
        throttle.failed(*slowed)
        raise Denied("the password is wrong", cure="give the one that you have until now as password")
    accounts.set_password(principal.account_id, body.new_password)


@router.get("/accounts", response_model=AccountsOut, responses=problems(409, 503))
def all_accounts(accounts: AccountsHere) -> dict[str, Any]:
    """List all accounts."""
    return {"accounts": [account_dict(account) for account in accounts.all()]}


@router.post("/accounts", response_model=AccountOut, status_code=201, responses=problems(409, 415, 503))
def add_account(body: AccountIn, accounts: AccountsHere) -> dict[str, Any]:
    """Make an account."""
    return account_dict(accounts.add(body.draft(), body.password))


@router.patch("/accounts/{number}", response_model=AccountOut, responses=problems(404, 409, 415, 503))
def change_account(number: Number, body: AccountChange, accounts: AccountsHere) -> dict[str, Any]:
    """Change what is given."""
    before = accounts.account(number)
    disabled = before.disabled if body.disabled is None else body.disabled
    if body.password is not None:
        accounts.set_password(number, body.password)
    return account_dict(accounts.change(number, body.draft(before.draft), disabled=disabled))


@router.get("/keys", response_model=KeysOut, responses=problems(409, 503))
def all_keys(accounts: AccountsHere) -> dict[str, Any]:
    """List all API keys, without their secrets."""
    return {"keys": [key_dict(key) for key in accounts.all_keys()]}


@router.post("/keys", response_model=NewKeyOut, status_code=201, responses=problems(409, 415, 503))
def add_key(body: KeyIn, accounts: AccountsHere, note: NoteHere) -> dict[str, Any]:
    """Make an API key for a job; its secret is in this answer and in no other."""
    key, secret = accounts.add_key(body.name, frozenset(body.roles), body.scope.checked(), body.days)
    note.shown["key"] = key.id
    return key_dict(key) | {"key": secret}


@router.delete("/keys/{number}", status_code=204, response_class=Response, responses=problems(404, 409, 503))
def remove_key(number: Number, accounts: AccountsHere) -> None:
    """Let a key open nothing any more."""
    accounts.remove_key(number)


def signed_in(
    request: Request, context: ContextHere, accounts: AccountStore, account: Account, status: int = 200
) -> Response:
    """Return the answer that opens a session."""
    secret = open_session(request, accounts, account)
    response = JSONResponse(me(request, context), status)
    keep_session(request, response, secret)
    return response


def open_session(request: Request, accounts: AccountStore, account: Account) -> str:
    """Open a session, in whose name the request is recorded; its secret."""
    secret = accounts.open_session(account)
    principal = Principal(
        account.name, account.draft.roles, account.draft.scope, "session", account.id, csrf_of(secret)
    )
    request.state.principal = principal
    return secret


def keep_session(request: Request, response: Response, secret: str) -> None:
    """Let the browser keep a session."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=SESSION_MS // 1000,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def subjects(request: Request, name: str) -> tuple[str, str]:
    """Return what is slowed down after failures: the account, and the address."""
    address = request.client.host if request.client else "unknown"
    return f"account:{name.casefold()}"[:200], f"address:{address}"
