"""Talks to a running `xunren serve` that owns the index, and finds it by the file it leaves in the data folder."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from search import errors
from search.config import Settings
from search.errors import Unavailable, XunrenError

TIMEOUT_S = 60.0
DOWNLOAD_TIMEOUT_S = 3600.0  # nothing arrives while it is being made


def address_file(settings: Settings) -> Path:
    """Where a running server writes its address and process id."""
    return settings.data_dir / "server.json"


def running_server(settings: Settings) -> str | None:
    """Address of the server that has this data folder open, or None."""
    try:
        written = json.loads(address_file(settings).read_text("utf-8"))
        os.kill(int(written["pid"]), 0)
        url = urlsplit(str(written["url"]))
        # After a crash the file stays and the number may be another process's: only who listens is a server.
        socket.create_connection((url.hostname, url.port or 80), timeout=2).close()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url.geturl()


def ask(url: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Answer of the server at `url`: GET `path`, or POST `body` as JSON.

    Raises:
        XunrenError: the server's own error, as it was raised there; `Unavailable` if there is no answer.
    """
    request = _posted(url + path, body)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            return json.load(response)
    except urllib.error.HTTPError as e:
        raise _remote_error(e.read()) from None
    except (OSError, ValueError) as e:
        raise Unavailable(
            "the running server does not answer", got=f"{url}: {e}", cure="stop `xunren serve` and start it again"
        ) from None


def download(url: str, path: str, body: Mapping[str, Any], target: Path) -> None:
    """Write what the server at `url` answers to POST `body` into `target`, a file that does not exist.

    Raises:
        XunrenError: as `ask`; `Unavailable` also where the file cannot be written.
    """
    request = _posted(url + path, body)
    try:
        with (
            urllib.request.urlopen(request, timeout=DOWNLOAD_TIMEOUT_S) as response,  # noqa: S310
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
        raise Unavailable("the server's answer did not arrive", got=f"{url}: {e}", cure=cure) from None


def _posted(address: str, body: Mapping[str, Any] | None) -> urllib.request.Request:
    return urllib.request.Request(  # noqa: S310 - the address is our own server's
        address,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )


def _remote_error(body: bytes) -> XunrenError:
    try:
        data = json.loads(body)
        kind = getattr(errors, data["error"], XunrenError)
        if kind is errors.BadMedia:
            kind = XunrenError
        error = kind(data["what"], got=data["got"] or None, expected=data["expected"], cure=data["cure"])
    except (ValueError, KeyError, TypeError):
        return Unavailable("the running server gave an answer that is none", got=body[:80].decode("utf-8", "replace"))
    assert isinstance(error, XunrenError)  # noqa: S101 - for the type checker
    return error
