"""Shared parts of all command groups: the settings of a command, its words, and the --json option."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from search.config import Settings


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def settings_of(context: typer.Context, **overrides: Any) -> Settings:
    """Load the settings of a command, start logging, and write the command to the audit log."""
    import logging

    from api.commands.audit_trail import record_command
    from search.config import load_settings

    given = context.obj
    logging.basicConfig(
        level=logging.INFO if given["verbose"] else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    settings = load_settings({"data_dir": given["data_dir"]} | overrides, config=given["config"])
    running = settings, command_words(context), context.params
    record_command(*running)
    given["running"] = running
    return settings


def command_words(context: typer.Context) -> list[str]:
    """The command's words, e.g. ``["case", "search"]``."""
    return [] if context.parent is None else [*command_words(context.parent), str(context.info_name)]  # type: ignore[arg-type]
