"""`xunren watch`: the old name of `saved-search` and `alert`, hidden. Remove it with the next version."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli import alert, saved_search
from api.cli.options import Json

watch_app = typer.Typer(help="Use `xunren saved-search` and `xunren alert`.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the old names to the command line."""
    for name in ("add", "list", "show", "pause", "resume", "remove"):
        watch_app.command(name)(getattr(saved_search, f"saved_search_{name}"))
    watch_app.command("judge")(alert.alert_judge)
    app.add_typer(watch_app, name="watch", hidden=True)


@watch_app.command("alerts")
def watch_alerts(
    context: typer.Context,
    watch: Annotated[int | None, typer.Option("--watch", min=1, help="Only of this saved search.")] = None,
    only_open: alert.OnlyOpen = False,
    limit: alert.AlertLimit = 50,
    json: Json = False,
) -> None:
    """List alerts, the newest first."""
    alert.alert_list(context, watch, only_open, limit, json)
