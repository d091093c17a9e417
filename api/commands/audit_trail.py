"""What is done on the command line is recorded too: the command before it runs, the clips that it shows, refusals."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from api.audit.audit_log import AuditAction, AuditLog
from api.composition import open_catalog
from search.catalog.catalog import Catalog
from search.config import Settings
from search.errors import PolicyViolation
from search.vault import shown

ADDRESS = "command line"
GROUPS = ("search", "case", "watch", "hold", "camera", "evidence", "audit", "account", "key", "reindex")
"""First words of the commands that are recorded; the others index, serve and count, and show nobody."""
_ADDRESSES = ("url", "index_url", "webhook")  # options that may hold a password


def record_command(settings: Settings, words: Sequence[str], options: Mapping[str, Any]) -> None:
    """Write that a command is about to run; where nothing was ever indexed there is nothing to record.

    Args:
        settings: of the index.
        words: of the command, e.g. ``("case", "search")``.
        options: as Typer read them.

    Raises:
        Unavailable: it cannot be written; the command must not run.
    """
    if not _is_recorded(settings, words):
        return
    given = {name: _plain(name, value) for name, value in options.items() if value not in (None, False, (), [], "")}
    if words[0] == "search":
        given |= {"case": settings.case, "reason": settings.reason}
    elif words[-1] in ("search", "follow"):
        given |= {"reason": settings.reason}
    case_id = given.get("case_id") or given.get("case", "")
    with open_catalog(settings) as catalog:
        AuditLog(catalog).append(AuditAction(account(), ADDRESS, ".".join(words), case_id, details={"options": given}))


def record_refusal(
    settings: Settings, words: Sequence[str], options: Mapping[str, Any], refused: PolicyViolation
) -> None:
    """Write that a command's sentence was refused, and by which rule; the command itself is recorded already.

    Args:
        settings: of the index.
        words: of the command.
        options: as Typer read them.
        refused: why.

    Raises:
        Unavailable: it cannot be written.
    """
    if not _is_recorded(settings, words):
        return
    details = {"command": ".".join(words), "rule": refused.rule, "got": refused.got}
    with open_catalog(settings) as catalog:
        AuditLog(catalog).append(
            AuditAction(account(), ADDRESS, "refused", options.get("case_id") or "", details=details)
        )


def record_shown(catalog: Catalog, answer: Mapping[str, Any]) -> None:
    """Write which clips are about to be printed. Raises `Unavailable`."""
    clips = [clip["id"] for clip in answer["clips"]]
    AuditLog(catalog).append(AuditAction(account(), ADDRESS, "shown", details={"answer": answer["id"], "clips": clips}))


def account() -> str:
    """The name at the operating system."""
    return f"os:{getpass.getuser()}"


def _is_recorded(settings: Settings, words: Sequence[str]) -> bool:
    return words[0] in GROUPS and _exists(settings)


def _exists(settings: Settings) -> bool:
    return bool(settings.catalog_url) or (settings.data_dir / "catalog.sqlite").exists()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(name, one) for one in value]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool | int | float):
        return value
    return shown(str(value)) if name in _ADDRESSES else str(value)
