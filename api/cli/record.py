"""`xunren record`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Cameras


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(record)


def record(
    context: typer.Context,
    camera: Cameras = None,
    district: Annotated[list[str] | None, typer.Option(help="Only cameras of this district (repeatable).")] = None,
) -> None:
    """Record the live cameras, and nothing else. `xunren serve` does it, too."""
    from api.commands import record as commands

    commands.record(settings_of(context), cameras=camera or [], districts=district or [])
