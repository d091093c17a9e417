"""Webhooks: their addresses, the signature of a delivery, and its check by the receiver.

A POST of JSON with three headers: ``X-Xunren-Delivery`` (the same when it is sent again), ``X-Xunren-Timestamp`` (Unix
seconds of this try) and ``X-Xunren-Signature: sha256=`` HMAC-SHA256 of the secret over ``timestamp + "." + body``.
HTTPS goes anywhere; plain HTTP only to this machine and private networks, which is checked again on the connection
itself, before anything is sent. Redirects are not followed, proxies not used, and what the receiver says besides its
status is not read.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import secrets
import socket
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from api.alerts.types import Webhook
from search.errors import BadInput
from search.vault import Vault, check_address, shown

TIMEOUT_S = 5.0
TOLERANCE_S = 300
GONE = 410
_LATE = "no answer in time"


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of one try: the receiver's status, or None and the fault."""

    status: int | None
    fault: str = ""

    @property
    def delivered(self) -> bool:
        """Return whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def said(self) -> str:
        """Return the result in words."""
        return f"HTTP {self.status}" if self.status is not None else self.fault


def new_webhook(vault: Vault, url: str) -> tuple[Webhook, str]:
    """Return a webhook for an address, and its new secret, which is shown once and kept encrypted."""
    secret = secrets.token_urlsafe(32)
    address = check_webhook(url)
    return Webhook(vault.seal(f"{address}#{secret}"), shown(address)), secret


def open_webhook(vault: Vault, webhook: Webhook) -> tuple[str, str]:
    """Return (address, secret), for nothing but sending. Raises `Unavailable`: it was sealed with another key."""
    address, _, secret = vault.open(webhook.sealed).rpartition("#")
    return address, secret


def check_webhook(url: str) -> str:
    """Return the address, or raise `BadInput`, which never repeats what may be secret, if alerts may not go there."""
    try:
        address = check_address(url)
        parts = urlsplit(address)
    except (BadInput, ValueError):
        raise _refusal(url) from None
    if parts.scheme not in ("http", "https") or "#" in address or parts.username is not None:
        raise _refusal(url)
    if parts.scheme == "http" and not all(_is_near(ip) for ip in _addresses(parts.hostname or "")):
        raise BadInput(
            "plain HTTP would carry alerts over a public network",
            got=shown(address),
            expected="https://, or http:// to this machine or a private address",
            cure="use https://",
        )
    return address


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of ``X-Xunren-Signature``."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify_signature(
    secret: str, timestamp: str, body: bytes, signature: str, now: float, tolerance_s: float = TOLERANCE_S
) -> bool:
    """Return whether a request is ours and fresh. For receivers; copy it: it needs only ``hashlib`` and ``hmac``.

    Check it before `body` is read as JSON, over the bytes as they came. A request that was recorded and is sent again
    later is refused by its age; within `tolerance_s` remember the ids of ``X-Xunren-Delivery`` that were handled, which
    are also the same where we send again because an answer was lost.

    Args:
        secret: as it was shown when the webhook was set.
        timestamp: header ``X-Xunren-Timestamp``, Unix seconds.
        body: body of the request, unchanged.
        signature: header ``X-Xunren-Signature``.
        now: the receiver's time, Unix seconds (``time.time()``).
        tolerance_s: how far the two clocks and the way may differ.
    """
    if not (timestamp.isascii() and timestamp.isdecimal()) or abs(now - int(timestamp)) > tolerance_s:
        return False
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode())


def send(url: str, secret: str, delivery: str, body: bytes, timeout_s: float = TIMEOUT_S) -> Sent:
    """Try once to hand `body` (JSON) to the receiver. Never raises for what the network or the receiver does."""
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "xunren",
        "X-Xunren-Delivery": delivery,
        "X-Xunren-Timestamp": timestamp,
        "X-Xunren-Signature": sign(secret, timestamp, body),
    }
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked by `check_webhook`
    began = time.monotonic()
    sent = _send_once(request, timeout_s)
    return sent if time.monotonic() - began < timeout_s else Sent(None, _LATE)  # cut off: half an answer is none


def _send_once(request: urllib.request.Request, timeout_s: float) -> Sent:
    try:
        with _opener().open(request, timeout=timeout_s) as response:
            return Sent(int(response.status))
    except urllib.error.HTTPError as e:
        with e:
            return Sent(e.code)
    except (OSError, http.client.HTTPException, ValueError) as e:
        return Sent(None, _fault(e))


def _fault(error: Exception) -> str:
    """Describe an error in words that cannot hold the receiver's own."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return _LATE
    if isinstance(reason, _NotNear):
        return "plain HTTP to a public address is refused"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return "no answer" if isinstance(reason, http.client.HTTPException) else type(reason).__name__


def _refusal(url: str) -> BadInput:
    return BadInput(
        "not the address of a webhook",
        got=shown(url),
        expected="https://host[:port]/path, or http:// to this machine or a private address",
        cure="no user, password or #fragment: a token belongs into the path or query, and the signature proves us",
    )


def _addresses(host: str) -> list[str]:
    """Return the addresses of a host; none where it does not resolve: the connection checks them again."""
    try:
        return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError:
        return []


def _is_near(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    address = getattr(address, "ipv4_mapped", None) or address
    private = address.is_private and not (address.is_link_local or address.is_unspecified or address.is_reserved)
    return address.is_loopback or (private and not address.is_multicast)


class _NotNear(OSError):
    """The host of a plain address turned out to be a public one."""


class _Bounded(http.client.HTTPConnection):
    """A connection that is cut when it has lasted for its timeout, however slowly the other side speaks."""

    near_only = True

    def connect(self) -> None:
        super().connect()
        if self.near_only and not _is_near(self.sock.getpeername()[0]):
            self.close()
            raise _NotNear
        timer = threading.Timer(float(self.timeout or TIMEOUT_S), _cut, (self,))
        timer.daemon = True
        timer.start()


class _BoundedTLS(http.client.HTTPSConnection, _Bounded):
    near_only = False


def _cut(connection: http.client.HTTPConnection) -> None:
    sock: socket.socket | None = connection.sock  # None: it has been answered
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):
            sock.shutdown(socket.SHUT_RDWR)


class _Plain(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Bounded, req)


class _TLS(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_BoundedTLS, req)


class _NoWebhookRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return None, so that a redirect is an error like any other status: it could lead anywhere."""


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _Plain, _TLS, _NoWebhookRedirects)
