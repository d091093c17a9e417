"""The command line. Heavy parts are imported inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from search.config import Settings

app = typer.Typer(
    name="xunren",
    help="One sentence finds a missing person: search camera recordings by description, in Chinese or English.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
camera_app = typer.Typer(help="Add, list and import cameras.", no_args_is_help=True)
app.add_typer(camera_app, name="camera")

_GLOBAL_OPTIONS = ("--data-dir", "--config")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.callback()
def _globals(
    context: typer.Context,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the index (default ./xunren-data).")] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings; each also as XUNREN_*.", envvar="XUNREN_CONFIG")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
) -> None:
    context.obj = {"data_dir": data_dir, "config": config, "verbose": verbose}


def _settings(context: typer.Context, **overrides: Any) -> Settings:
    import logging

    from search.config import load_settings

    given = context.obj
    logging.basicConfig(
        level=logging.INFO if given["verbose"] else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    return load_settings({"data_dir": given["data_dir"]} | overrides, config=given["config"])


@app.command()
def index(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Video files, or folders whose sub-folders are cameras.")],
    camera: Annotated[str | None, typer.Option(help="Camera of these files.")] = None,
    start: Annotated[str | None, typer.Option(help="Start of a single recording, ISO 8601.")] = None,
    json: Json = False,
) -> None:
    """Index recordings. Exit status: 0 all indexed, 3 some skipped, 1 none."""
    from api.indexing import index_paths

    raise typer.Exit(index_paths(_settings(context), paths, camera_id=camera, start=start, as_json=json))


@app.command()
def search(
    context: typer.Context,
    sentence: Annotated[str, typer.Argument(help='What the person looks like, e.g. "a man in a red coat".')],
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera (repeatable).")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Not before, ISO 8601.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Before, ISO 8601.")] = None,
    limit: Annotated[int, typer.Option(help="Number of clips.")] = 12,
    json: Json = False,
) -> None:
    """Find the clips that a sentence describes, best first."""
    from api.searching import search_sentence

    search_sentence(_settings(context), sentence, cameras=camera or [], from_=from_, to=to, limit=limit, as_json=json)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default 8000; 0 takes a free one).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow a host that others can reach; there are no accounts yet.")
    ] = False,
) -> None:
    """Page, API and indexing in one process."""
    from api import server

    def started(url: str) -> None:
        typer.echo(f"Xunren answers at {url}  (API: {url}/docs, stop with Ctrl-C)")

    typer.echo("Loading the model ...")
    server.serve(_settings(context, host=host, port=port), insecure=insecure, on_start=started)


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Show what is in the index."""
    from api.reports import show_status

    show_status(_settings(context), as_json=json)


@app.command()
def doctor(
    context: typer.Context,
    models: Annotated[bool, typer.Option("--models", help="List the recommended models.")] = False,
    settings: Annotated[bool, typer.Option("--settings", help="List all settings.")] = False,
) -> None:
    """Check every part, and say how to mend what is wrong. Exit status 1 if something is."""
    from api import doctor as checks

    if models:
        checks.show_models()
    elif settings:
        checks.show_settings()
    elif not checks.show_checks(_settings(context)):
        raise typer.Exit(1)


@camera_app.command("add")
def camera_add(
    context: typer.Context,
    camera_id: Annotated[str, typer.Argument(help="Id, as in folder names and --camera.")],
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    district: Annotated[str, typer.Option(help="District.")] = "",
    lat: Annotated[float | None, typer.Option(help="Latitude, degrees.")] = None,
    lon: Annotated[float | None, typer.Option(help="Longitude, degrees.")] = None,
    clock_offset_ms: Annotated[int, typer.Option(help="Added to its recordings' times, milliseconds.")] = 0,
) -> None:
    """Add a camera, or change one."""
    from api.cameras import add_camera
    from search.types import Camera

    add_camera(_settings(context), Camera(camera_id, name, district, lat, lon, clock_offset_ms))


@camera_app.command("list")
def camera_list(context: typer.Context, json: Json = False) -> None:
    """List the cameras and what is recorded of them."""
    from api.cameras import list_cameras

    list_cameras(_settings(context), as_json=json)


@camera_app.command("import")
def camera_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header: id, name, district, lat, lon, clock_offset_ms.")],
) -> None:
    """Add or change many cameras from a CSV file; nothing is changed if a line is wrong."""
    from api.cameras import import_cameras

    import_cameras(_settings(context), file)


def hoist_globals(arguments: list[str]) -> list[str]:
    """Put global options in front, so that they may also be given after the command."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word.partition("=")[0] in _GLOBAL_OPTIONS:
            front += [word] if "=" in word else [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return front + rest


def main() -> None:
    """Entry point: every expected error becomes one readable message and exit status 1."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its warning about forks means nothing to a user
    try:
        app(hoist_globals(sys.argv[1:]))
    except KeyboardInterrupt:
        typer.echo("interrupted; what was under way is taken up by the next run", err=True)
        sys.exit(130)
    except Exception as e:
        from search.errors import XunrenError

        if not isinstance(e, XunrenError):
            raise
        from api.console import show_error

        show_error(e)
        sys.exit(1)
