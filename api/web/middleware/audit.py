"""Writes every request that shows or changes something to the audit log before its answer goes out.

A request that cannot be recorded is not answered. One table says which requests are recorded, and as what; a test
finds a route that is in no table.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qs

from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accounts import Principal
from api.audit import AuditAction, AuditLog
from api.web.errors import respond
from search.errors import XunrenError, shorten
from search.vault import shown

log = logging.getLogger(__name__)

ACTIONS: Mapping[tuple[str, str], str] = {
    ("POST", "/api/search"): "search",
    ("GET", "/api/search/{answer}"): "search.page",
    ("GET", "/api/thumbnails/{segment}/{offset_ms}.jpg"): "view.thumbnail",
    ("GET", "/api/clips/{segment}.mp4"): "view.clip",
    ("GET", "/api/tracks"): "view.tracks",
    ("GET", "/api/cameras/{camera}/now.jpg"): "view.now",
    ("GET", "/api/cases"): "case.list",
    ("POST", "/api/cases"): "case.new",
    ("GET", "/api/cases/{case}"): "case.view",
    ("PATCH", "/api/cases/{case}"): "case.change",
    ("DELETE", "/api/cases/{case}"): "case.delete",
    ("POST", "/api/cases/{case}/search"): "case.search",
    ("POST", "/api/cases/{case}/follow"): "case.follow",
    ("POST", "/api/cases/{case}/marks"): "case.mark",
    ("DELETE", "/api/cases/{case}/marks/last"): "case.unmark",
    ("POST", "/api/cases/{case}/sightings"): "case.sighting",
    ("DELETE", "/api/cases/{case}/sightings/{number}"): "case.withdraw",
    ("POST", "/api/cases/{case}/sightings/{number}/evidence"): "evidence.export",
    ("GET", "/api/cases/{case}/trail"): "case.trail",
    ("GET", "/api/cases/{case}/trail.svg"): "case.map",
    ("GET", "/api/cases/{case}/photos/{number}.jpg"): "case.photo",
    ("GET", "/api/cases/{case}/sightings/{number}.jpg"): "case.still",
    ("GET", "/api/saved-searches"): "standing.list",
    ("POST", "/api/saved-searches"): "standing.new",
    ("POST", "/api/saved-searches/preview"): "standing.preview",
    ("GET", "/api/saved-searches/{number}"): "standing.view",
    ("PATCH", "/api/saved-searches/{number}"): "standing.change",
    ("DELETE", "/api/saved-searches/{number}"): "standing.delete",
    ("POST", "/api/saved-searches/{number}/test-webhook"): "standing.test",
    ("PATCH", "/api/alerts/{number}"): "alert.judge",
    ("POST", "/api/check"): "index.check",
    ("POST", "/api/reindex"): "index.again",
    ("POST", "/api/reindex/switch"): "index.switch",
    ("POST", "/api/reindex/rollback"): "index.rollback",
    ("POST", "/api/reindex/drop"): "index.drop",
    ("PUT", "/api/cameras/{camera}/masks"): "camera.masks",
    ("GET", "/api/cases/{case}/people"): "case.people",
    ("POST", "/api/cases/{case}/people"): "case.share",
    ("POST", "/api/login"): "login",
    ("GET", "/api/oidc/callback"): "login.oidc",
    ("POST", "/api/logout"): "logout",
    ("POST", "/api/setup"): "account.first",
    ("POST", "/api/me/password"): "account.password",
    ("GET", "/api/accounts"): "account.list",
    ("POST", "/api/accounts"): "account.new",
    ("PATCH", "/api/accounts/{number}"): "account.change",
    ("GET", "/api/keys"): "key.list",
    ("POST", "/api/keys"): "key.new",
    ("DELETE", "/api/keys/{number}"): "key.remove",
    ("POST", "/api/approvals"): "approval.ask",
    ("PATCH", "/api/approvals/{number}"): "approval.judge",
    ("GET", "/api/audit"): "audit.list",
    ("GET", "/api/audit/check"): "audit.verify",
}
"""(method, route) -> the word in the audit log."""
QUIET: Mapping[tuple[str, str], str] = {
    ("GET", "/api/alerts"): "alert.view",
}
"""Asked every few seconds by an open page: recorded only where something was shown."""
UNRECORDED = frozenset(
    {
        ("GET", "/api/cameras"),
        ("GET", "/api/check"),
        ("GET", "/api/reindex"),
        ("GET", "/api/coverage"),
        ("GET", "/api/health"),
        ("GET", "/api/alerts/changes"),
        ("GET", "/api/cameras/{camera}/masks"),
        ("GET", "/api/cameras/{camera}/near"),
        ("GET", "/api/live"),
        ("GET", "/api/me"),
        ("GET", "/api/oidc/login"),
        ("GET", "/api/approvals"),
        ("GET", "/api/status"),
        ("HEAD", "/api/cameras/{camera}/now.jpg"),
    }
)
"""Names, figures and states; they show no footage. Addresses outside /api (page, metrics) show none either."""

NOBODY = "nobody"
"""Account in the log of a request without a known principal."""
SECRETS = frozenset({"password", "new_password", "token"})
"""Members of a body that are never written down."""
ADDRESSES = frozenset({"webhook_url", "webhook"})
"""Members that may hold a password or a token; `webhook` is what a client of an earlier version sends."""
MAX_TEXT = 2000
"""Characters of one text in the audit log; of a longer one (a photo) length and SHA-256."""
_ANSWERS_OF_PROVIDERS = "/api/oidc/"  # their query has a code that somebody could sign in with
_MAX_BODY = 9 * 1024 * 1024  # more than any route takes
_CASE = re.compile(r"\d{4}-\d{4,8}")


@dataclass(slots=True)
class AuditNote:
    """The results that a route adds to its request's entry in the audit log."""

    shown: dict[str, Any] = field(default_factory=dict)

    def answered(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Note the clips of a search's answer, and return it."""
        self.shown |= {"answer": answer["id"], "clips": [clip["id"] for clip in answer["clips"]]}
        return answer


async def _note(request: Request) -> AuditNote:
    note: AuditNote = request.state.note
    return note


NoteHere = Annotated[AuditNote, Depends(_note)]


class AuditMiddleware:
    """ASGI middleware, outside of what refuses requests, so that refusals are recorded too.

    Args:
        app: what answers.
        application: whose `state.context` has the open catalogue.
    """

    def __init__(self, app: ASGIApp, application: FastAPI) -> None:
        self._app = app
        self._log = AuditLog(application.state.context.catalog)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        recorded = _Request(scope, receive, send, self._log)
        try:
            await self._app(scope, recorded.receive, recorded.send)
        except Exception:
            await recorded.failed()
            raise


class _Request:
    """The handling of one request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, audit_log: AuditLog) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._audit_log = audit_log
        self._body = bytearray()
        self._note = scope.setdefault("state", {})["note"] = AuditNote()
        self._refused = False
        self._started = False

    async def receive(self) -> Message:
        """Receive a part of the body, and keep it."""
        message = await self._receive()
        if message["type"] == "http.request" and len(self._body) <= _MAX_BODY:
            self._body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; none leaves before the entry is written."""
        if message["type"] == "http.response.start":
            await self._start(message)
        elif not self._refused:
            await self._send(message)

    async def failed(self) -> None:
        """Record our own fault, which is answered with 500."""
        if not self._started:
            action = self._action(500)
            if action is not None:
                await run_sync(self._audit_log.append, self._act(action, 500))

    async def _start(self, message: Message) -> None:
        self._started = True
        action = self._action(message["status"])
        if action is not None:
            try:
                await run_sync(self._audit_log.append, self._act(action, message["status"]))
            except XunrenError as e:
                log.error("nothing is answered, as the audit log cannot be written: %s", e)
                self._refused = True
                await respond(e, 503)(self._scope, self._receive, self._send)
                return
        await self._send(message)

    def _action(self, status: int) -> str | None:
        """Return the word for the audit log; None: nothing to record."""
        route = getattr(self._scope.get("route"), "path", None)
        key = (self._scope["method"], str(route))
        if key in QUIET:
            return QUIET[key] if self._note.shown or status >= 400 else None
        if key in UNRECORDED and not 400 <= status < 500:
            return None  # a health check must be able to say that the database does not answer
        return ACTIONS.get(key, "refused")

    def _act(self, action: str, status: int) -> AuditAction:
        scope = self._scope
        case_id = self._case()
        principal: Principal | None = scope["state"].get("principal")
        return AuditAction(
            account=principal.account if principal else NOBODY,
            address=str((scope.get("client") or ("unknown",))[0]),
            action=action,
            case_id=case_id if _CASE.fullmatch(case_id) else "",
            status=status,
            details=({"roles": sorted(principal.roles)} if principal else {}) | self._request() | self._outcome(),
        )

    def _case(self) -> str:
        """Return the case that the address, the body or the new case names."""
        named = [self._scope.get("path_params", {}).get("case"), self._note.shown.get("case")]
        named += parse_qs(self._scope.get("query_string", b"").decode("latin-1")).get("case", [])
        body = _read(bytes(self._body))
        named += [body["case"]] if isinstance(body, dict) and "case" in body else []
        return next((str(case_id) for case_id in named if case_id), "")

    def _outcome(self) -> dict[str, Any]:
        """Return what was shown, or the rule that refused the sentence (`api.web.errors` leaves its name)."""
        rule = self._scope["state"].get("rule")
        return ({"shown": self._note.shown} if self._note.shown else {}) | ({"rule": rule} if rule else {})

    def _request(self) -> dict[str, Any]:
        scope = self._scope
        details: dict[str, Any] = {"method": scope["method"], "path": shorten(scope["path"], MAX_TEXT)}
        query = scope.get("query_string", b"").decode("latin-1")
        if query and not scope["path"].startswith(_ANSWERS_OF_PROVIDERS):
            details["query"] = shorten(query, MAX_TEXT)
        if self._body:
            details["body"] = _readable(bytes(self._body))
        return details


def _read(body: bytes) -> Any:
    """Return the body as JSON; None where it is not JSON."""
    try:
        return json.loads(body, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _readable(body: bytes) -> Any:
    """Return the body as JSON with short texts; of one that is not JSON only length and SHA-256."""
    try:
        data = _read(body)
        if data is not None:
            return _short(data)
    except RecursionError:
        pass
    return f"{len(body)} bytes, SHA-256 {hashlib.sha256(body).hexdigest()}"


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {_short(key): _loggable(key, member) for key, member in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{len(value)} characters, SHA-256 {hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return str(value)  # 1e999 is read as infinity, which is no JSON
    return value


def _loggable(key: str, value: Any) -> Any:
    """Return a member of the body without secrets; an address may have a password in it."""
    if key in SECRETS:
        return "***"
    return shown(value) if key in ADDRESSES and isinstance(value, str) else _short(value)
