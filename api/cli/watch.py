"""`xunren watch`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.context import Json, settings_of

if TYPE_CHECKING:
    pass

watch_app = typer.Typer(
    help="Standing searches: a saved sentence that raises an alert when it fits what is newly indexed.",
    no_args_is_help=True,
)

Id = Annotated[int, typer.Argument(min=1, help="Number of the standing search.")]


class JudgementOption(StrEnum):
    """What a person says of an alert."""

    RIGHT = "right"
    WRONG = "wrong"
    OPEN = "open"


@watch_app.command("add")
def watch_add(
    context: typer.Context,
    sentence: Annotated[str, typer.Argument(help='What the person looks like, e.g. "a woman in a yellow coat".')] = "",
    name: Annotated[str, typer.Option(help="Name for people (default: the sentence).")] = "",
    case: Annotated[str, typer.Option(help="The case that it belongs to.")] = "",
    like: Annotated[list[str] | None, typer.Option(help="Id of a clip that shows the person (repeatable).")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera (repeatable).")] = None,
    alarms_per_day: Annotated[float, typer.Option(help="False alarms that are borne, over all cameras.")] = 2.0,
    cool_down: Annotated[float, typer.Option(help="Seconds between two alerts of one camera.")] = 300.0,
    per_camera: Annotated[int, typer.Option(help="Most alerts of one camera on one day.")] = 20,
    days: Annotated[float, typer.Option(help="Days until it ends, at most 90.")] = 7.0,
    webhook: Annotated[str | None, typer.Option(help="Send alerts there: https://...")] = None,
    include_old: Annotated[
        bool, typer.Option("--include-old", help="Also for what was recorded more than a day before it is indexed.")
    ] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what is to be expected; save nothing.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    json: Json = False,
) -> None:
    """Save a standing search, with a threshold measured on what is already indexed."""
    from api.commands.watch import add

    wish = {"sentence": sentence, "name": name, "case": case, "like": like or [], "cameras": camera or []}
    limits = {"alarms_per_day": alarms_per_day, "cool_down_s": cool_down, "per_camera_per_day": per_camera}
    rest = {"days": days, "include_old": include_old, "webhook": webhook}
    settings = settings_of(context, reason=reason)
    wish |= {"reason": settings.reason}
    add(settings, wish | limits | rest, preview=preview, as_json=json)


@watch_app.command("list")
def watch_list(context: typer.Context, json: Json = False) -> None:
    """List the standing searches."""
    from api.commands.watch import show_all

    show_all(settings_of(context), as_json=json)


@watch_app.command("show")
def watch_show(context: typer.Context, number: Id, json: Json = False) -> None:
    """Show one: what was expected of it, and what came of it."""
    from api.commands.watch import show_one

    show_one(settings_of(context), number, as_json=json)


@watch_app.command("pause")
def watch_pause(context: typer.Context, number: Id) -> None:
    """Raise no alerts until it is resumed."""
    from api.commands.watch import set_paused

    set_paused(settings_of(context), number, paused=True)


@watch_app.command("resume")
def watch_resume(context: typer.Context, number: Id) -> None:
    """Raise alerts again."""
    from api.commands.watch import set_paused

    set_paused(settings_of(context), number, paused=False)


@watch_app.command("remove")
def watch_remove(context: typer.Context, number: Id) -> None:
    """Remove it with its alerts; to keep these, pause it."""
    from api.commands.watch import remove

    remove(settings_of(context), number)


@watch_app.command("alerts")
def watch_alerts(
    context: typer.Context,
    watch: Annotated[int | None, typer.Option("--watch", min=1, help="Only of this standing search.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that nobody has judged.")] = False,
    limit: Annotated[int, typer.Option(help="Number of alerts, at most 500.")] = 50,
    json: Json = False,
) -> None:
    """List alerts, the newest first."""
    from api.commands.watch import show_alerts

    show_alerts(settings_of(context), number=watch, only_open=only_open, limit=limit, as_json=json)


@watch_app.command("judge")
def watch_judge(
    context: typer.Context,
    alert: Annotated[int, typer.Argument(min=1, help="Number of the alert.")],
    word: Annotated[JudgementOption, typer.Argument(help="right: it shows the person; wrong: a false alarm.")],
) -> None:
    """Say whether an alert is right; the share of wrong ones is shown beside what was expected."""
    from api.commands.watch import judge

    judge(settings_of(context), alert, word.value)
