"""`xunren status`: the options."""

from __future__ import annotations

import typer

from api.cli.context import settings_of
from api.cli.options import Json


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(status)


def status(context: typer.Context, json: Json = False) -> None:
    """Show what is in the index."""
    from api.commands.status import show_status

    show_status(settings_of(context), as_json=json)
