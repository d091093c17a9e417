"""`xunren case`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import CaseId, Json, Limit, Photos, Reason

case_app = typer.Typer(help="A missing person's file: search, sightings, trail.", no_args_is_help=True)

Clip = Annotated[str, typer.Argument(help="Id of a clip, as `case search` prints it.")]
Sentences = Annotated[
    list[str] | None,
    typer.Option("--sentence", help="What the person looks like (repeatable; replaces all)."),
]
LastSeenAt = Annotated[str | None, typer.Option("--last-seen", help="CAMERA, or LAT,LON; 'none' removes it.")]
At = Annotated[str | None, typer.Option("--at", help="When they were last seen, ISO 8601.")]
Place = Annotated[str | None, typer.Option("--place", help="Where they were last seen, in words.")]
Walking = Annotated[bool, typer.Option("--walking", help="They walk: 1.4 m/s (the default).")]
Riding = Annotated[bool, typer.Option("--riding", help="They ride: 5 m/s.")]
Speed = Annotated[float | None, typer.Option("--speed", help="They go so many metres a second.")]
Note = Annotated[str | None, typer.Option("--note", help="Anything else that is known.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(case_app, name="case")


@case_app.command("new")
def case_new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the person, or what the case is called.")],
    sentence: Sentences = None,
    photo: Photos = None,
    last_seen: LastSeenAt = None,
    at: At = None,
    place: Place = None,
    walking: Walking = False,
    riding: Riding = False,
    speed: Speed = None,
    note: Note = None,
    json: Json = False,
) -> None:
    """Open a case."""
    from api.commands.case import CaseOptions, new_case

    options = CaseOptions(name, sentence or (), photo or (), (), last_seen, at, place, walking, riding, speed, note)
    new_case(settings_of(context), options, as_json=json)


@case_app.command("list")
def case_list(context: typer.Context, json: Json = False) -> None:
    """List the cases."""
    from api.commands.case import list_cases

    list_cases(settings_of(context), as_json=json)


@case_app.command("show")
def case_show(context: typer.Context, case_id: CaseId, json: Json = False) -> None:
    """Show a case with its marks and sightings."""
    from api.commands.case import show_one_case

    show_one_case(settings_of(context), case_id, as_json=json)


@case_app.command("change")
def case_change(
    context: typer.Context,
    case_id: CaseId,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    sentence: Sentences = None,
    photo: Photos = None,
    remove_photo: Annotated[
        list[int] | None, typer.Option(help="Remove the photo of this number (repeatable).")
    ] = None,
    drop_photo: Annotated[list[int] | None, typer.Option(hidden=True, help="The old name of --remove-photo.")] = None,
    last_seen: LastSeenAt = None,
    at: At = None,
    place: Place = None,
    walking: Walking = False,
    riding: Riding = False,
    speed: Speed = None,
    note: Note = None,
    json: Json = False,
) -> None:
    """Change the options that you give; sentences replace all others, photos are added."""
    from api.commands.case import CaseOptions, change_case

    remove = (*(remove_photo or ()), *(drop_photo or ()))
    options = CaseOptions(name, sentence or (), photo or (), remove, last_seen, at, place, walking, riding, speed, note)
    change_case(settings_of(context), case_id, options, as_json=json)


@case_app.command("close")
def case_close(context: typer.Context, case_id: CaseId) -> None:
    """Close a case; everything is kept."""
    from api.commands.case import close_case

    close_case(settings_of(context), case_id, closed=True)


@case_app.command("open")
def case_open(context: typer.Context, case_id: CaseId) -> None:
    """Open a closed case again."""
    from api.commands.case import close_case

    close_case(settings_of(context), case_id, closed=False)


@case_app.command("delete")
def case_delete(
    context: typer.Context,
    case_id: CaseId,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: photos, marks and sightings are lost.")] = False,
) -> None:
    """Delete a case with its photos, marks and sightings."""
    from api.commands.case import delete_case

    delete_case(settings_of(context), case_id, sure=yes)


@case_app.command("search")
def case_search(
    context: typer.Context,
    case_id: CaseId,
    sentence: Annotated[str | None, typer.Argument(help="Instead of the case's first sentence.")] = None,
    reachable_only: Annotated[
        bool, typer.Option("--reachable-only", help="Only what the person can have reached.")
    ] = False,
    hard: Annotated[bool, typer.Option("--hard", hidden=True, help="The old name of --reachable-only.")] = False,
    limit: Limit = 12,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Search for the person; cameras within their reach come first."""
    from api.cases import CaseSearchOptions
    from api.commands.case import search_case

    options = CaseSearchOptions(sentence, limit=limit, hard=reachable_only or hard)
    search_case(settings_of(context, reason=reason), case_id, options, as_json=json)


@case_app.command("like")
def case_like(context: typer.Context, case_id: CaseId, clip: Clip) -> None:
    """Mark a clip that shows the person, or somebody who looks the same."""
    from api.cases import Sign
    from api.commands.case import mark_clip

    mark_clip(settings_of(context), case_id, clip, Sign.LIKE)


@case_app.command("unlike")
def case_unlike(context: typer.Context, case_id: CaseId, clip: Clip) -> None:
    """Mark a clip that does not look like the person."""
    from api.cases import Sign
    from api.commands.case import mark_clip

    mark_clip(settings_of(context), case_id, clip, Sign.UNLIKE)


@case_app.command("undo")
def case_undo(context: typer.Context, case_id: CaseId) -> None:
    """Undo the last mark; again for the one before it."""
    from api.commands.case import undo_mark

    undo_mark(settings_of(context), case_id)


@case_app.command("sight")
def case_sight(
    context: typer.Context,
    case_id: CaseId,
    clip: Clip,
    note: Annotated[str, typer.Option(help="A note about it.")] = "",
    json: Json = False,
) -> None:
    """Confirm a clip as a sighting: it shows the person. Its recording is kept from deletion."""
    from api.commands.case import confirm_sighting

    confirm_sighting(settings_of(context), case_id, clip, note, as_json=json)


@case_app.command("withdraw")
def case_withdraw(
    context: typer.Context, case_id: CaseId, number: Annotated[int, typer.Argument(help="Number of the sighting.")]
) -> None:
    """Withdraw a sighting."""
    from api.commands.case import withdraw_sighting

    withdraw_sighting(settings_of(context), case_id, number)


@case_app.command("trail")
def case_trail(
    context: typer.Context,
    case_id: CaseId,
    map_: Annotated[Path | None, typer.Option("--map", help="Also draw it into this SVG file.")] = None,
    json: Json = False,
) -> None:
    """Show where the person went, in order of time, and which steps are impossible."""
    from api.commands.case import show_trail_of

    show_trail_of(settings_of(context), case_id, map_file=map_, as_json=json)


@case_app.command("follow")
def case_follow(
    context: typer.Context,
    case_id: CaseId,
    sentence: Annotated[str | None, typer.Argument(help="Instead of the case's first sentence.")] = None,
    sighting: Annotated[int | None, typer.Option(help="Number of the sighting; without it, the last one.")] = None,
    hours: Annotated[float, typer.Option(help="Hours before and after it.")] = 2.0,
    limit: Limit = 12,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Search with a sighting's own crops, on cameras that can be reached from there."""
    from api.cases import CaseSearchOptions
    from api.commands.case import follow_sighting

    follow_sighting(
        settings_of(context, reason=reason),
        case_id,
        sighting,
        hours,
        CaseSearchOptions(sentence, limit=limit),
        as_json=json,
    )
