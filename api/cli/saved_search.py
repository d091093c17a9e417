"""`xunren saved-search`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Cameras, Json, Like, Reason

saved_search_app = typer.Typer(
    help="Searches that raise an alert when newly indexed recordings fit them.", no_args_is_help=True
)
Number = Annotated[int, typer.Argument(min=1, help="Number of the saved search.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(saved_search_app, name="saved-search")


@saved_search_app.command("add")
def saved_search_add(
    context: typer.Context,
    sentence: Annotated[str, typer.Argument(help='What the person looks like, e.g. "a woman in a yellow coat".')] = "",
    name: Annotated[str, typer.Option(help="Name for people (default: the sentence).")] = "",
    case: Annotated[str, typer.Option(help="Id of the case that it belongs to.")] = "",
    like: Like = None,
    camera: Cameras = None,
    alarms_per_day: Annotated[float, typer.Option(help="False alarms a day that you accept, over all cameras.")] = 2.0,
    cool_down: Annotated[float, typer.Option(help="Seconds between two alerts of one camera.")] = 300.0,
    per_camera: Annotated[int, typer.Option(help="Most alerts of one camera on one day.")] = 20,
    days: Annotated[float, typer.Option(help="Days until it ends, at most 90.")] = 7.0,
    webhook: Annotated[str | None, typer.Option(help="Send alerts to this address: https://...")] = None,
    include_old: Annotated[
        bool, typer.Option("--include-old", help="Also alert for recordings that are indexed more than a day late.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only print the threshold and the alerts to expect; save nothing.")
    ] = False,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Save a search, with a threshold measured on what is already indexed."""
    from api.commands import saved_search as commands
    from api.commands.backend import SavedSearchRequest

    settings = settings_of(context, reason=reason)
    request = SavedSearchRequest(
        query=sentence,
        name=name,
        case=case,
        like=tuple(like or ()),
        cameras=tuple(camera or ()),
        alarms_per_day=alarms_per_day,
        cool_down_s=cool_down,
        per_camera_per_day=per_camera,
        days=days,
        include_old=include_old,
        webhook_url=webhook,
    )
    (commands.preview if preview else commands.add)(settings, request, as_json=json)


@saved_search_app.command("list")
def saved_search_list(context: typer.Context, json: Json = False) -> None:
    """List the saved searches."""
    from api.commands.saved_search import show_all

    show_all(settings_of(context), as_json=json)


@saved_search_app.command("show")
def saved_search_show(context: typer.Context, number: Number, json: Json = False) -> None:
    """Show one: its threshold, the alerts that were expected, and those that it raised."""
    from api.commands.saved_search import show_one

    show_one(settings_of(context), number, as_json=json)


@saved_search_app.command("pause")
def saved_search_pause(context: typer.Context, number: Number) -> None:
    """Raise no alerts until it is resumed."""
    from api.commands.saved_search import set_paused

    set_paused(settings_of(context), number, paused=True)


@saved_search_app.command("resume")
def saved_search_resume(context: typer.Context, number: Number) -> None:
    """Raise alerts again."""
    from api.commands.saved_search import set_paused

    set_paused(settings_of(context), number, paused=False)


@saved_search_app.command("remove")
def saved_search_remove(context: typer.Context, number: Number) -> None:
    """Remove it with its alerts; to keep these, pause it."""
    from api.commands.saved_search import remove

    remove(settings_of(context), number)
