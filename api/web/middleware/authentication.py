"""Authentication: by a session's cookie, an API key, or the key that the server left for commands at this machine.

Only public addresses are answered to an unknown principal. A page must prove with each change that it is ours: the
browser sends the session's cookie along whoever made the request.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import unquote

from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.accounts import FULL_SCOPE, LOCAL, AccountStore, Principal, UserRole, check_name
from api.runtime import USER_HEADER
from api.web.errors import respond
from search.errors import BadInput, Denied, Unauthenticated, XunrenError

COOKIE = "xunren_session"
CSRF_HEADER = "X-CSRF-Token"
PUBLIC = frozenset({"/", "/docs", "/openapi.json", "/api/health", "/api/me", "/api/login", "/api/setup"})
"""Answered to anybody; they show no footage."""
_PUBLIC_BELOW = ("/static/", "/api/oidc/")
_SAFE = ("GET", "HEAD", "OPTIONS")


class AuthMiddleware:
    """ASGI middleware: `request.state.principal` is set for every route, None for somebody unknown at a public address.

    Args:
        app: what answers.
        application: whose `state.accounts` there are; None: none, and everybody is `LOCAL`.
        local_key: key of the commands at this machine; empty: none.
    """

    def __init__(self, app: ASGIApp, application: FastAPI, local_key: str = "") -> None:
        self._app = app
        self._accounts: AccountStore | None = application.state.accounts
        self._local_key = local_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            principal = await self._principal_of(Headers(scope=scope))
            scope.setdefault("state", {})["principal"] = principal
            _check(scope, principal)
        except XunrenError as e:
            await respond(e)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _principal_of(self, headers: Headers) -> Principal | None:
        if self._accounts is None:
            return LOCAL
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            if self._local_key and hmac.compare_digest(key.encode(), self._local_key.encode()):
                return _at_this_machine(headers)
            return await run_sync(self._accounts.by_key, key)
        secret = session_in(headers)
        return await run_sync(self._accounts.by_session, secret) if secret else None


def session_in(headers: Headers) -> str:
    """Return the secret of the session in a request's cookies, or nothing."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _check(scope: Scope, principal: Principal | None) -> None:
    path: str = scope["path"]
    if principal is None:
        if path not in PUBLIC and not path.startswith(_PUBLIC_BELOW):
            raise Unauthenticated("nobody is signed in", cure="sign in at /, or send a key: Authorization: Bearer KEY")
        return
    if principal.via == "session" and scope["method"] not in _SAFE and path not in PUBLIC:
        token = Headers(scope=scope).get(CSRF_HEADER, "")
        if not hmac.compare_digest(token.encode(), principal.csrf.encode()):
            raise Denied("the request does not come from our page", expected=CSRF_HEADER, cure="load the page again")


def _at_this_machine(headers: Headers) -> Principal:
    user = unquote(headers.get(USER_HEADER, "unknown"))
    try:
        check_name(user)
    except BadInput:
        user = "unknown"
    return Principal(f"os:{user}", frozenset(UserRole), FULL_SCOPE, "command line")
