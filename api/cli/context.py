"""The settings and the words of a command, and its entry in the audit log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from search.config import Settings


def settings_of(context: typer.Context, **overrides: Any) -> Settings:
    """Load the settings of a command, start logging, and write the command to the audit log."""
    import logging

    from api.commands.audit_trail import record_command
    from search.config import load_settings

    options = context.obj
    logging.basicConfig(
        level=logging.INFO if options["verbose"] else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    settings = load_settings({"data_dir": options["data_dir"]} | overrides, config=options["config"])
    command = settings, command_words(context), context.params
    record_command(*command)
    options["running"] = command
    return settings


def command_words(context: typer.Context) -> list[str]:
    """Return the command's words, e.g. ``["case", "search"]``."""
    return [] if context.parent is None else [*command_words(context.parent), str(context.info_name)]  # type: ignore[arg-type]
