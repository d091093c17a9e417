"""`xunren alert`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Json

alert_app = typer.Typer(help="Alerts of saved searches: list and judge them.", no_args_is_help=True)
AlertLimit = Annotated[int, typer.Option(help="Number of alerts, at most 500.")]
OnlyOpen = Annotated[bool, typer.Option("--open", help="Only those that nobody has judged.")]


class JudgementOption(StrEnum):
    """The judgements of an alert."""

    RIGHT = "right"
    WRONG = "wrong"
    OPEN = "open"


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(alert_app, name="alert")


@alert_app.command("list")
def alert_list(
    context: typer.Context,
    saved_search: Annotated[int | None, typer.Option(min=1, help="Only of the saved search of this number.")] = None,
    only_open: OnlyOpen = False,
    limit: AlertLimit = 50,
    json: Json = False,
) -> None:
    """List alerts, the newest first."""
    from api.commands.alert import show_alerts

    show_alerts(settings_of(context), number=saved_search, only_open=only_open, limit=limit, as_json=json)


@alert_app.command("judge")
def alert_judge(
    context: typer.Context,
    alert: Annotated[int, typer.Argument(min=1, help="Number of the alert.")],
    judgement: Annotated[JudgementOption, typer.Argument(help="right: it shows the person; wrong: a false alarm.")],
) -> None:
    """Say whether an alert is right; the share of wrong ones is shown beside what was expected."""
    from api.commands.alert import judge

    judge(settings_of(context), alert, judgement.value)
