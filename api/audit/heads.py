"""Heads of the audit log as files: signed, read, checked, and exported once a day to a folder that is kept elsewhere.

What is signed is ``xunren audit head``, a line end, and the JSON of number, hash, at and fingerprint in that order of
their names, without spaces.
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

from api.audit.audit_log import AuditLog, Head
from api.signing import PublicKey, Signer, as_text
from search.errors import BadInput, Unavailable
from search.times import iso

_KEPT = {"number": int, "hash": str}
_SIGNED = ("number", "hash", "at", "fingerprint")
_PURPOSE = b"xunren audit head\n"
_MAX_BYTES = 10_000


def signed(head: Head, signer: Signer, at: str) -> dict[str, Any]:
    """Return a head with the time (ISO 8601) and the key's signature. Raises `Unavailable` where there is no key."""
    data = {"number": head.number, "hash": head.hash, "at": at, "fingerprint": signer.public.fingerprint}
    return data | {"signature": as_text(signer.sign(_message(data))).decode().strip()}


def read_head(path: Path) -> tuple[Head, dict[str, Any]]:
    """Return a head that was kept, and all content of its file.

    Raises:
        BadInput: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MAX_BYTES))
        head = {name: data[name] for name in _KEPT}
    except OSError as e:
        raise BadInput("the head cannot be read", got=path, cure=str(e.strerror or e)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _no_head(path) from None
    if not all(isinstance(head[name], kind) and not isinstance(head[name], bool) for name, kind in _KEPT.items()):
        raise _no_head(path)
    return Head(**head), data


def check_signature(data: Mapping[str, Any], key: PublicKey, path: Path) -> None:
    """Return if `key` signed this head.

    Raises:
        BadInput: another key did, or it was changed since.
    """
    try:
        signature = base64.b64decode(str(data["signature"]), validate=True)
        message = _message(data)
    except (ValueError, KeyError):
        raise BadInput(
            "the head has no signature that can be read", got=path, cure="use one that --sign made"
        ) from None
    if not key.has_signed(message, signature):
        raise BadInput(
            "the head's signature does not fit: it was changed, or another key signed it",
            got=f"{path}, of the key {data['fingerprint']}",
            expected=f"signed with {key.fingerprint}",
            cure="use the head as it was exported, and with --key the public key of that time",
        )


class DailyHeads:
    """Writes the signed head to ``head-YYYY-MM-DD.json`` where there is none of the day yet.

    Args:
        audit_log: whose head it is.
        signer: the installation's key.
        folder: made when it is missing; best on another machine.
        zone: in which a day begins.
    """

    def __init__(self, audit_log: AuditLog, signer: Signer, folder: Path, zone: tzinfo) -> None:
        self._audit_log = audit_log
        self._signer = signer
        self._folder = folder
        self._zone = zone

    def step(self, now_ms: int) -> Path | None:
        """Write the head of the day in which `now_ms` (Unix) lies. Returns the file; None: it was there.

        Raises:
            Unavailable: folder, key or audit log fail.
        """
        at = iso(now_ms, self._zone)
        file = self._folder / f"head-{at[:10]}.json"
        try:
            if file.exists():
                return None
            self._folder.mkdir(parents=True, exist_ok=True)
            _put(file, signed(self._audit_log.head(), self._signer, at))
        except OSError as e:
            cure = f"{e.strerror or e}; correct audit_export_dir, or its rights"
            raise Unavailable("the day's head of the audit log cannot be exported", got=file, cure=cure) from None
        return file


def as_json(data: Mapping[str, Any]) -> str:
    """Return a head as its file has it."""
    return json.dumps(data, indent=1) + "\n"


def _put(file: Path, data: Mapping[str, Any]) -> None:
    """Write a new file, whole and on disk before it has its name."""
    temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("x", encoding="utf-8") as f:
            f.write(as_json(data))
            f.flush()
            os.fsync(f.fileno())
        temporary.rename(file)  # a link would keep an older one, but not every mounted folder knows links
    finally:
        temporary.unlink(missing_ok=True)


def _message(data: Mapping[str, Any]) -> bytes:
    return _PURPOSE + json.dumps({name: data[name] for name in _SIGNED}, separators=(",", ":")).encode()


def _no_head(path: Path) -> BadInput:
    return BadInput("this is not a head of the audit log", got=path, expected="a file that `xunren audit head` made")
