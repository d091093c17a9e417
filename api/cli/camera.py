"""`xunren camera`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Json

camera_app = typer.Typer(help="Add, change, stop, list and import cameras.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(camera_app, name="camera")


@camera_app.command("add")
def camera_add(
    context: typer.Context,
    camera_id: Annotated[str, typer.Argument(help="Id, as in folder names and --camera.")],
    name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    district: Annotated[str | None, typer.Option(help="District.")] = None,
    lat: Annotated[float | None, typer.Option(help="Latitude, degrees.")] = None,
    lon: Annotated[float | None, typer.Option(help="Longitude, degrees.")] = None,
    clock_offset_ms: Annotated[int | None, typer.Option(help="Added to its recordings' times, milliseconds.")] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Record from here: rtsp://user:password@host/path; '${NAME}' is read from the environment."),
    ] = None,
    index_url: Annotated[
        str | None, typer.Option(help="Index this smaller stream of the camera instead; 'none' removes it.")
    ] = None,
    keep_days: Annotated[
        float | None, typer.Option(min=0, help="Days that its recordings are kept; 0: as the setting says.")
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(help="Black out x,y x,y x,y, shares 0..1 (repeatable; replaces all masks); 'none' removes them."),
    ] = None,
    reindex: Annotated[bool, typer.Option("--reindex", help="Index its recordings again, with the masks.")] = False,
) -> None:
    """Add a camera, or change the options that you give."""
    from api.commands.camera import NONE, CameraChange, add_camera, parse_mask

    masks = None if not mask else [parse_mask(text) for text in mask if text != NONE]
    change = CameraChange(camera_id, name, district, lat, lon, clock_offset_ms, url, index_url, keep_days, masks)
    add_camera(settings_of(context), change, reindex=reindex)


@camera_app.command("stop")
def camera_stop(context: typer.Context, camera_id: Annotated[str, typer.Argument(help="Id.")]) -> None:
    """Stop recording a camera; its recordings stay."""
    from api.commands.camera import stop_camera

    stop_camera(settings_of(context), camera_id)


@camera_app.command("list")
def camera_list(context: typer.Context, json: Json = False) -> None:
    """List the cameras and their recordings."""
    from api.commands.camera import list_cameras

    list_cameras(settings_of(context), as_json=json)


@camera_app.command("import")
def camera_import(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with a header: id, name, district, lat, lon, clock_offset_ms, url, index_url, keep_days."
        ),
    ],
) -> None:
    """Add or change many cameras from a CSV file; nothing is changed if a line is wrong."""
    from api.commands.camera_import import import_cameras

    import_cameras(settings_of(context), file)
