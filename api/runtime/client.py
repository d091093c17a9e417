"""Finds the running `xunren serve` by the file that it leaves in the data folder, and sends requests to it."""

from __future__ import annotations

import getpass
import http.client
import json
import os
import shutil
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from search import errors
from search.config import Settings
from search.errors import Unavailable, XunrenError

TIMEOUT_S = 60.0
USER_HEADER = "X-Xunren-User"
"""Names the user at this machine who asks with the key in that file."""
LONG_S = 3600.0  # of a request that is answered only when the work is done


def address_file(settings: Settings) -> Path:
    """Return the file in which a running server writes its address, process id and key."""
    return settings.data_dir / "server.json"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, the key that it left in the data folder, and with TLS its certificate's file."""

    url: str
    key: str = ""
    certificate: str = ""


def running_server(settings: Settings) -> Server | None:
    """Return the server that has this data folder open, or None."""
    try:
        written = json.loads(address_file(settings).read_text("utf-8"))
        os.kill(int(written["pid"]), 0)
        url = urlsplit(str(written["url"]))
        # After a crash the file stays and the number may be another process's: only who listens is a server.
        socket.create_connection((url.hostname, url.port or 80), timeout=2).close()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Server(url.geturl(), str(written.get("key", "")), str(written.get("certificate", "")))


def ask(server: Server, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = TIMEOUT_S) -> Any:
    """Return the answer to GET `path`, or to POST `body` as JSON, within `timeout_s`.

    Raises:
        XunrenError: the server's own error, as it was raised there; `Unavailable` if there is no answer.
    """
    request = _post_request(server, path, body)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s, context=_tls_context(server)) as response:  # noqa: S310
            return json.load(response)
    except urllib.error.HTTPError as e:
        raise _remote_error(e.read()) from None
    except (OSError, ValueError) as e:
        raise Unavailable(
            "the running server does not answer",
            got=f"{server.url}: {e}",
            cure="stop `xunren serve` and start it again",
        ) from None


def download(server: Server, path: str, body: Mapping[str, Any], target: Path) -> None:
    """Write the answer to POST `body` into `target`, a file that does not exist.

    Raises:
        XunrenError: as `ask`; `Unavailable` also where the file cannot be written.
    """
    request = _post_request(server, path, body)
    try:
        with (
            urllib.request.urlopen(request, timeout=LONG_S, context=_tls_context(server)) as response,  # noqa: S310
            target.open("xb") as file,
        ):
            shutil.copyfileobj(response, file, 1 << 20)
            expected = response.headers.get("Content-Length")
        if expected is not None and target.stat().st_size != int(expected):
            raise OSError("it was cut off")
    except urllib.error.HTTPError as e:
        raise _remote_error(e.read()) from None
    except (OSError, ValueError, http.client.HTTPException) as e:
        cure = "look at room and rights of the folder, and whether `xunren serve` still runs; then export it again"
        raise Unavailable("the server's answer did not arrive", got=f"{server.url}: {e}", cure=cure) from None


def _post_request(server: Server, path: str, body: Mapping[str, Any] | None) -> urllib.request.Request:
    return urllib.request.Request(  # noqa: S310 - the address is our own server's
        server.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {server.key}",
            USER_HEADER: quote(getpass.getuser()),
        },
    )


def _tls_context(server: Server) -> ssl.SSLContext | None:
    """Return a context that trusts the server's own certificate, whose name is that of another address."""
    if not server.certificate:
        return None
    context = ssl.create_default_context(cafile=server.certificate)
    context.check_hostname = False
    return context


def _remote_error(body: bytes) -> XunrenError:
    try:
        data = json.loads(body)
        kind = errors.class_named(data["error"])
        if kind is errors.BadMedia:
            kind = XunrenError
        more = {"rule": data["rule"]} if kind is errors.PolicyViolation else {}
        error = kind(data["what"], got=data["got"] or None, expected=data["expected"], cure=data["cure"], **more)
    except (ValueError, KeyError, TypeError):
        got = body[:80].decode("utf-8", "replace")
        return Unavailable("the running server gave an answer that cannot be read", got=got)
    assert isinstance(error, XunrenError)  # noqa: S101 - for the type checker
    return error
