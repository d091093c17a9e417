"""`xunren doctor`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    models: Annotated[bool, typer.Option("--models", help="List the recommended models.")] = False,
    settings: Annotated[bool, typer.Option("--settings", help="List all settings.")] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare recordings, catalogue, thumbnails and rows: nothing left over?")
    ] = False,
    mend: Annotated[bool, typer.Option("--mend", help="With --deep: remove what is left over; never a file.")] = False,
) -> None:
    """Check every part, and say how to mend what is wrong. Exit status 1 if something is."""
    if deep and not (models or settings):
        from api.commands.consistency import show_leftovers

        if not show_leftovers(settings_of(context), mend=mend):
            raise typer.Exit(1)
        return
    from api.commands import doctor as checks

    if models:
        checks.show_models()
    elif settings:
        checks.show_settings()
    elif not checks.show_checks(settings_of(context)):
        raise typer.Exit(1)
