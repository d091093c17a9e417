"""`xunren index`: the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Json


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(index)


def index(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Video files, or folders whose sub-folders are cameras.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Camera of these files.")] = None,
    start: Annotated[str | None, typer.Option(help="Start of a single recording, ISO 8601.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Index what `xunren record` records, until stopped.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", hidden=True, help="The old name of --follow.")] = False,
    json: Json = False,
) -> None:
    """Index recordings. Exit status: 0 all indexed, 3 some skipped, 1 none."""
    if follow or watch:
        if paths or camera or start or json:
            raise typer.BadParameter("--follow indexes what is recorded; it takes no paths and none of their options")
        from api.commands import record

        record.follow(settings_of(context))
        return
    if not paths:
        raise typer.BadParameter("give video files or folders, or --follow")
    from api.commands.index import index_paths

    raise typer.Exit(index_paths(settings_of(context), paths, camera_id=camera, start=start, as_json=json))
