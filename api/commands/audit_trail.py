"""Writes to the audit log what the command line does: each command before it runs, the clips it shows, refusals."""

from __future__ import annotations

import getpass
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from api.audit import AuditAction, AuditLog
from api.composition import open_catalog
from search.catalog import Catalog
from search.config import Settings
from search.errors import PolicyViolation
from search.vault import shown

ADDRESS = "command line"
UNRECORDED = frozenset({"index", "serve", "record", "status", "migrate", "doctor"})
"""First words of the commands that are not recorded: they index, serve and count, and show nobody. A command that is
not named here is recorded, so a new one cannot be forgotten."""
_ADDRESSES = ("url", "index_url", "webhook")  # options that may hold a password


def record_command(settings: Settings, words: Sequence[str], options: Mapping[str, Any]) -> None:
    """Write that a command is about to run. Writes nothing where nothing was ever indexed.

    Args:
        settings: settings of the index.
        words: words of the command, e.g. ``("case", "search")``.
        options: its parameters as Typer read them.

    Raises:
        Unavailable: it cannot be written; the command must not run.
    """
    if not _is_recorded(settings, words):
        return
    present = {name: _plain(name, value) for name, value in options.items() if value not in (None, False, (), [], "")}
    if words[0] == "search":
        present |= {"case": settings.case, "reason": settings.reason}
    elif words[-1] in ("search", "follow"):
        present |= {"reason": settings.reason}
    case_id = present.get("case_id") or present.get("case", "")
    _append(settings, ".".join(words), case_id, {"options": present})


def record_refusal(
    settings: Settings, words: Sequence[str], options: Mapping[str, Any], refused: PolicyViolation
) -> None:
    """Write that a command's sentence was refused, and by which rule. The command itself is recorded already.

    Args:
        settings: settings of the index.
        words: words of the command.
        options: its parameters as Typer read them.
        refused: the error.

    Raises:
        Unavailable: it cannot be written.
    """
    if not _is_recorded(settings, words):
        return
    details = {"command": ".".join(words), "rule": refused.rule, "got": refused.got}
    _append(settings, "refused", options.get("case_id") or "", details)


def record_shown(catalog: Catalog, answer: Mapping[str, Any]) -> None:
    """Write which clips are about to be printed. Raises `Unavailable`."""
    clips = [clip["id"] for clip in answer["clips"]]
    AuditLog(catalog).append(AuditAction(account(), ADDRESS, "shown", details={"answer": answer["id"], "clips": clips}))


def account() -> str:
    """Return who runs the command: ``os:`` and the name at the operating system."""
    return f"os:{getpass.getuser()}"


def _append(settings: Settings, action: str, case_id: str, details: Mapping[str, Any]) -> None:
    with open_catalog(settings) as catalog:
        AuditLog(catalog).append(AuditAction(account(), ADDRESS, action, case_id, details=details))


def _is_recorded(settings: Settings, words: Sequence[str]) -> bool:
    return words[0] not in UNRECORDED and _exists(settings)


def _exists(settings: Settings) -> bool:
    return bool(settings.catalog_url) or (settings.data_dir / "catalog.sqlite").exists()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(name, one) for one in value]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):  # JSON has no others
        return value
    return shown(str(value)) if name in _ADDRESSES else str(value)
