"""Checks before the routes: security headers, no cross-site use, bounded JSON bodies, errors in one shape.

A server on the loopback address is within reach of every web page that its user opens. A page under a foreign name
(DNS rebinding) is stopped by the Host header (`TrustedHostMiddleware`, see `install`); a foreign page that uses our
address by what the browser says about the origin of the request; a form that posts by asking for JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accounts import CALLBACK
from api.web.errors import respond, respond_status
from api.web.middleware.audit import AuditMiddleware
from api.web.middleware.authentication import AuthMiddleware
from search.errors import BadInput, XunrenError

_OURS = ("application/json", "text/html")  # what Starlette itself says of an error is plain text
log = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 * 1024
LARGER_BODIES: Mapping[str, int] = {"/api/cases": 8 * 1024 * 1024, "/api/search": 8 * 1024 * 1024}
"""Path -> most bytes of a body there and below it: photos come in it."""
DISCARD_BYTES = 32 * 1024 * 1024  # of a body that is refused; read so that the sender sees the answer, not a reset

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def install(app: FastAPI, hosts: Sequence[str] | None, local_key: str) -> None:
    """Put the guards before the routes of `app`; `hosts` are the names it answers to, None: any."""
    app.add_middleware(AuthMiddleware, application=app, local_key=local_key)
    app.add_middleware(RequestGuard)
    if hosts is not None:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(dict.fromkeys(hosts)), www_redirect=False)
    app.add_middleware(AuditMiddleware, application=app)
    app.add_middleware(ResponseGuard)  # the last one added is the outermost


class ResponseGuard:
    """Gives every answer the security headers and every error the one shape; logs unexpected errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, receive, send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if answer.started:
                raise
            await respond_status(500, method=scope["method"], path=scope["path"])(scope, receive, answer.send)


class _Answer:
    """The handling of one answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._replaced = False
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            await self._start(message)
        elif not self._replaced:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        headers = MutableHeaders(raw=list(message["headers"]))
        if message["status"] >= 400 and not headers.get("content-type", "").startswith(_OURS):
            await self._replace(message["status"], headers)
            return
        for name, value in SECURITY_HEADERS.items():
            headers[name] = value
        headers.setdefault("Cache-Control", "no-store")
        await self._send({**message, "headers": headers.raw})

    async def _replace(self, status: int, headers: Headers) -> None:
        """Say the error that a part of Starlette says in plain text in our shape; its other headers stay."""
        kept = {k: v for k, v in headers.items() if k not in ("content-length", "content-type")}
        method, path = self._scope["method"], self._scope["path"]
        self._replaced = True
        inner = _Answer(self._scope, self._receive, self._send)
        await respond_status(status, method=method, path=path, headers=kept)(self._scope, self._receive, inner.send)


class RequestGuard:
    """Refuses requests of foreign pages, bodies that are not JSON, and bodies that are too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most = most_bytes(scope["path"])
        refused = _foreign(scope["path"], headers) or _bad_body(scope["method"], headers, most)
        if refused is not None:
            error, status = refused
            await _discard(receive, headers)
            await respond(error, status)(scope, receive, send)
            return
        await self._app(scope, _limit_body(receive, most), send)


def most_bytes(path: str) -> int:
    """Return the most bytes that the body of a request to `path` may have."""
    return next((most for at, most in LARGER_BODIES.items() if path == at or path.startswith(f"{at}/")), MAX_BODY_BYTES)


def _foreign(path: str, headers: Headers) -> tuple[XunrenError, int] | None:
    """Return an error if a page of another origin sent this: new browsers say so, old ones send a POST's origin."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if not path.startswith("/api/") or path == CALLBACK:  # to which the provider sends the browser back
        return None
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and origin.partition("://")[2] != headers.get("host")
    if not foreign:
        return None
    return BadInput("a page of another site may not ask this server", got=origin or site, expected="our own page"), 403


def _bad_body(method: str, headers: Headers, most: int) -> tuple[XunrenError, int] | None:
    if method not in ("POST", "PUT", "PATCH"):
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return BadInput("the request is not JSON", got=kind or None, expected="Content-Type: application/json"), 415
    if _length(headers) > most:
        return _too_large(f"{_length(headers)} bytes", most), 413
    return None


def _too_large(got: str, most: int) -> BadInput:
    return BadInput("the request is too large", got=got, expected=f"at most {most} bytes", cure="send smaller photos")


def _length(headers: Headers) -> int:
    declared = headers.get("content-length", "0")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else DISCARD_BYTES + 1


def _limit_body(receive: Receive, most: int) -> Receive:
    """Return a `receive` that stops at a body which is larger than it said."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413)
        return message

    return counted


async def _discard(receive: Receive, headers: Headers) -> None:
    left = DISCARD_BYTES if _length(headers) <= DISCARD_BYTES else 0
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message.get("body", b""))
