"""`xunren hold`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Json

hold_app = typer.Typer(help="Holds: ranges of time whose recordings are not deleted.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(hold_app, name="hold")


@hold_app.command("add")
def hold_add(
    context: typer.Context,
    from_: Annotated[str, typer.Option("--from", help="Start of the range, ISO 8601.")],
    to: Annotated[str, typer.Option("--to", help="End of the range, ISO 8601.")],
    why: Annotated[str, typer.Option(help="The reason, such as a case.")],
    camera: Annotated[str, typer.Option(help="Only this camera; without it, all.")] = "",
) -> None:
    """Keep a range of recordings until the hold is removed."""
    from api.commands.hold import add_hold

    add_hold(settings_of(context), camera, from_=from_, to=to, why=why)


@hold_app.command("list")
def hold_list(context: typer.Context, json: Json = False) -> None:
    """List the holds."""
    from api.commands.hold import list_holds

    list_holds(settings_of(context), as_json=json)


@hold_app.command("remove")
def hold_remove(context: typer.Context, hold: Annotated[int, typer.Argument(help="Number of the hold.")]) -> None:
    """Remove a hold; its recordings are deleted when they are due."""
    from api.commands.hold import remove_hold

    remove_hold(settings_of(context), hold)
