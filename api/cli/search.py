"""`xunren search`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Cameras, Case, End, Json, Like, Limit, Photos, Reason, Start


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(search)


def search(
    context: typer.Context,
    sentence: Annotated[
        str,
        typer.Argument(
            help='What the person looks like, e.g. "a man in a red coat without a bag, yesterday from 3 to 5 pm".'
        ),
    ] = "",
    photo: Photos = None,
    crop: Annotated[str | None, typer.Option(help="The part of the photo that shows them: x1,y1,x2,y2.")] = None,
    like: Like = None,
    unlike: Annotated[
        list[str] | None, typer.Option(help="Id of a clip that does not show the person (repeatable).")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Words of the sentence that do not mean a time, a place or 'not'.")
    ] = None,
    camera: Cameras = None,
    from_: Start = None,
    to: End = None,
    frames: Annotated[bool, typer.Option("--frames", help="Search whole frames, for things and places.")] = False,
    by_time: Annotated[bool, typer.Option("--by-time", help="The likely clips in order of time.")] = False,
    page: Annotated[int, typer.Option(help="Page of the answer.")] = 1,
    limit: Limit = 12,
    ids: Annotated[bool, typer.Option("--ids", help="Print the clips' ids, for --like and --unlike.")] = False,
    case: Case = None,
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Find the clips that show a person, best first: by a sentence, a photo, marked clips, or all of them."""
    from api.commands.search import SearchOptions, search_clips
    from search.query import Order

    options = SearchOptions(
        query=sentence,
        photos=tuple(photo or ()),
        crop=crop,
        like=tuple(like or ()),
        unlike=tuple(unlike or ()),
        without=tuple(without or ()),
        cameras=tuple(camera or ()),
        start=from_,
        end=to,
        frames=frames,
        order=Order.TIME if by_time else Order.BEST,
        page=page,
        limit=limit,
        ids=ids,
    )
    search_clips(settings_of(context, case=case, reason=reason), options, as_json=json)
