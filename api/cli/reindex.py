"""`xunren reindex`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Cameras, End, Json, Start

reindex_app = typer.Typer(
    help="Index everything again with another model, beside the index that answers, and switch to it.",
    invoke_without_command=True,
)


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(reindex_app, name="reindex")


@reindex_app.callback()
def reindex(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="The new model; as the setting `model`.")] = "",
    from_: Start = None,
    to: End = None,
    camera: Cameras = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only print what it would cost.")] = False,
    json: Json = False,
) -> None:
    """Build a second index; run again after a kill, it continues. `switch` lets it answer."""
    if context.invoked_subcommand is not None:
        return
    if not model:
        raise typer.BadParameter("give --model NAME, or status, switch, rollback or drop")
    from api.commands import reindex as commands

    settings = settings_of(context)
    request = commands.request_of(settings, model, from_, to, tuple(camera or ()))
    (commands.show_plan if plan else commands.build)(settings, request, as_json=json)


@reindex_app.command("status")
def reindex_status(context: typer.Context, json: Json = False) -> None:
    """Show the indexes, how far the new one is, and what failed."""
    from api.commands.reindex import show

    show(settings_of(context), as_json=json)


@reindex_app.command("switch")
def reindex_switch(context: typer.Context, json: Json = False) -> None:
    """Verify the new index and let it answer; the old one is kept and goes on getting new rows."""
    from api.commands.reindex import act

    act(settings_of(context), "switch", as_json=json)


@reindex_app.command("rollback")
def reindex_rollback(context: typer.Context, json: Json = False) -> None:
    """Let the old index answer again."""
    from api.commands.reindex import act

    act(settings_of(context), "rollback", as_json=json)


@reindex_app.command("drop")
def reindex_drop(context: typer.Context, json: Json = False) -> None:
    """Remove the index that does not answer, or stop building it."""
    from api.commands.reindex import act

    act(settings_of(context), "drop", as_json=json)
