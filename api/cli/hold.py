"""`xunren hold`: keep ranges of recordings from being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.context import Json, settings_of

if TYPE_CHECKING:
    pass


hold_app = typer.Typer(help="Keep ranges from being deleted.", no_args_is_help=True)


@hold_app.command("add")
def hold_add(
    context: typer.Context,
    from_: Annotated[str, typer.Option("--from", help="From when on, ISO 8601.")],
    to: Annotated[str, typer.Option("--to", help="Until when, ISO 8601.")],
    why: Annotated[str, typer.Option(help="The case.")],
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
    """Let a range be deleted again when it is due."""
    from api.commands.hold import remove_hold

    remove_hold(settings_of(context), hold)
