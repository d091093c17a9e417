"""`xunren migrate`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(migrate)


def migrate(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")] = False,
) -> None:
    """Bring the catalogue of an earlier version to this one's schema. End `xunren serve` before."""
    from api.commands.migrate import run_migrate

    run_migrate(settings_of(context), dry_run=dry_run)
