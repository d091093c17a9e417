"""`xunren case`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.context import Json, settings_of

if TYPE_CHECKING:
    pass

case_app = typer.Typer(help="A missing person's file: search, sightings, trail.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Id of the case, such as 2026-0007.")]
Clip = Annotated[str, typer.Argument(help="Id of a clip, as `case search` prints it.")]
Sentences = Annotated[
    list[str] | None, typer.Option("--sentence", help="What the person looks like (repeatable; all of them).")
]
Photos = Annotated[list[Path] | None, typer.Option("--photo", help="A picture of the person (repeatable).")]
LastSeenAt = Annotated[str | None, typer.Option("--last-seen", help="CAMERA, or LAT,LON; 'none': nobody knows.")]
At = Annotated[str | None, typer.Option("--at", help="When they were last seen, ISO 8601.")]
Place = Annotated[str | None, typer.Option("--place", help="Where they were last seen, in words.")]
Walking = Annotated[bool, typer.Option("--walking", help="They walk: 1.4 m/s (this holds if nothing is said).")]
Riding = Annotated[bool, typer.Option("--riding", help="They ride: 5 m/s.")]
Speed = Annotated[float | None, typer.Option("--speed", help="They go so many metres a second.")]
Note = Annotated[str | None, typer.Option("--note", help="What else is to be known.")]
Limit = Annotated[int, typer.Option(help="Number of clips.")]


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

    words = CaseOptions(name, sentence or (), photo or (), (), last_seen, at, place, walking, riding, speed, note)
    new_case(settings_of(context), words, as_json=json)


@case_app.command("list")
def case_list(context: typer.Context, json: Json = False) -> None:
    """List the cases."""
    from api.commands.case import list_cases

    list_cases(settings_of(context), as_json=json)


@case_app.command("show")
def case_show(context: typer.Context, case_id: Id, json: Json = False) -> None:
    """Show a case with its marks and sightings."""
    from api.commands.case import show_one_case

    show_one_case(settings_of(context), case_id, as_json=json)


@case_app.command("change")
def case_change(
    context: typer.Context,
    case_id: Id,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    sentence: Sentences = None,
    photo: Photos = None,
    drop_photo: Annotated[list[int] | None, typer.Option(help="Remove the photo of this number.")] = None,
    last_seen: LastSeenAt = None,
    at: At = None,
    place: Place = None,
    walking: Walking = False,
    riding: Riding = False,
    speed: Speed = None,
    note: Note = None,
    json: Json = False,
) -> None:
    """Change what is given; sentences replace all there are, photos are added."""
    from api.commands.case import CaseOptions, change_case

    words = CaseOptions(
        name, sentence or (), photo or (), drop_photo or (), last_seen, at, place, walking, riding, speed, note
    )
    change_case(settings_of(context), case_id, words, as_json=json)


@case_app.command("close")
def case_close(context: typer.Context, case_id: Id) -> None:
    """Close a case; everything is kept."""
    from api.commands.case import close_case

    close_case(settings_of(context), case_id, closed=True)


@case_app.command("open")
def case_open(context: typer.Context, case_id: Id) -> None:
    """Open a closed case again."""
    from api.commands.case import close_case

    close_case(settings_of(context), case_id, closed=False)


@case_app.command("delete")
def case_delete(
    context: typer.Context,
    case_id: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, with photos, marks and sightings.")] = False,
) -> None:
    """Delete a case with all that is in it."""
    from api.commands.case import delete_case

    delete_case(settings_of(context), case_id, sure=yes)


@case_app.command("search")
def case_search(
    context: typer.Context,
    case_id: Id,
    sentence: Annotated[str | None, typer.Argument(help="Instead of the case's first sentence.")] = None,
    hard: Annotated[bool, typer.Option("--hard", help="Only what the person can have reached.")] = False,
    limit: Limit = 12,
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    json: Json = False,
) -> None:
    """Search for the person; cameras within their reach come first."""
    from api.cases.investigation import CaseSearchOptions
    from api.commands.case import search_case

    search_case(
        settings_of(context, reason=reason), case_id, CaseSearchOptions(sentence, limit=limit, hard=hard), as_json=json
    )


@case_app.command("like")
def case_like(context: typer.Context, case_id: Id, clip: Clip) -> None:
    """Mark a clip: it shows the person, or somebody who looks the same."""
    from api.cases.types import Sign
    from api.commands.case import mark_clip

    mark_clip(settings_of(context), case_id, clip, Sign.LIKE)


@case_app.command("unlike")
def case_unlike(context: typer.Context, case_id: Id, clip: Clip) -> None:
    """Mark a clip: it does not look like the person."""
    from api.cases.types import Sign
    from api.commands.case import mark_clip

    mark_clip(settings_of(context), case_id, clip, Sign.UNLIKE)


@case_app.command("undo")
def case_undo(context: typer.Context, case_id: Id) -> None:
    """Take back the last mark; again for the one before it."""
    from api.commands.case import undo_mark

    undo_mark(settings_of(context), case_id)


@case_app.command("sight")
def case_sight(
    context: typer.Context,
    case_id: Id,
    clip: Clip,
    note: Annotated[str, typer.Option(help="What is to be said about it.")] = "",
    json: Json = False,
) -> None:
    """Confirm a clip as a sighting: it shows the person. Its recording is kept from deletion."""
    from api.commands.case import confirm_sighting

    confirm_sighting(settings_of(context), case_id, clip, note, as_json=json)


@case_app.command("withdraw")
def case_withdraw(
    context: typer.Context, case_id: Id, number: Annotated[int, typer.Argument(help="Number of the sighting.")]
) -> None:
    """Take a sighting back."""
    from api.commands.case import withdraw_sighting

    withdraw_sighting(settings_of(context), case_id, number)


@case_app.command("trail")
def case_trail(
    context: typer.Context,
    case_id: Id,
    map_: Annotated[Path | None, typer.Option("--map", help="Draw it into this SVG file, too.")] = None,
    json: Json = False,
) -> None:
    """Show where the person went, in order of time, and which steps cannot be."""
    from api.commands.case import show_trail_of

    show_trail_of(settings_of(context), case_id, map_file=map_, as_json=json)


@case_app.command("follow")
def case_follow(
    context: typer.Context,
    case_id: Id,
    sentence: Annotated[str | None, typer.Argument(help="Instead of the case's first sentence.")] = None,
    sighting: Annotated[int | None, typer.Option(help="Number of the sighting; without it, the last one.")] = None,
    hours: Annotated[float, typer.Option(help="So long before and after it.")] = 2.0,
    limit: Limit = 12,
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    json: Json = False,
) -> None:
    """Search with a sighting's own pictures, on cameras that can be reached from there."""
    from api.cases.investigation import CaseSearchOptions
    from api.commands.case import follow_sighting

    follow_sighting(
        settings_of(context, reason=reason),
        case_id,
        sighting,
        hours,
        CaseSearchOptions(sentence, limit=limit),
        as_json=json,
    )
