"""The command line. Heavy parts are imported inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.account import account_app, key_app
from api.cli.audit import audit_app
from api.cli.camera import camera_app
from api.cli.case import case_app
from api.cli.context import Json, settings_of
from api.cli.evidence import evidence_app
from api.cli.hold import hold_app
from api.cli.reindex import reindex_app
from api.cli.watch import watch_app

if TYPE_CHECKING:
    from search.errors import XunrenError

app = typer.Typer(
    name="xunren",
    help="One sentence finds a missing person: search camera recordings by description, in Chinese or English.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(camera_app, name="camera")
app.add_typer(hold_app, name="hold")
app.add_typer(case_app, name="case")
app.add_typer(watch_app, name="watch")
app.add_typer(reindex_app, name="reindex")
app.add_typer(audit_app, name="audit")
app.add_typer(account_app, name="account")
app.add_typer(key_app, name="key")
app.add_typer(evidence_app, name="evidence")

_GLOBAL_OPTIONS = ("--data-dir", "--config")


@app.callback()
def _globals(
    context: typer.Context,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the index (default ./xunren-data).")] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings; each also as XUNREN_*.", envvar="XUNREN_CONFIG")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
) -> None:
    context.ensure_object(dict).update(data_dir=data_dir, config=config, verbose=verbose)


@app.command()
def index(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Video files, or folders whose sub-folders are cameras.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Camera of these files.")] = None,
    start: Annotated[str | None, typer.Option(help="Start of a single recording, ISO 8601.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Index what `xunren record` records, until stopped.")] = False,
    json: Json = False,
) -> None:
    """Index recordings. Exit status: 0 all indexed, 3 some skipped, 1 none."""
    if watch:
        from api.commands import record as live

        if paths or camera or start or json:
            raise typer.BadParameter("--watch indexes what is recorded; it takes no paths and none of their options")
        live.watch(settings_of(context))
        return
    if not paths:
        raise typer.BadParameter("give video files or folders, or --watch")
    from api.commands.index import index_paths

    raise typer.Exit(index_paths(settings_of(context), paths, camera_id=camera, start=start, as_json=json))


@app.command()
def search(
    context: typer.Context,
    sentence: Annotated[
        str,
        typer.Argument(
            help='What the person looks like, e.g. "a man in a red coat without a bag, yesterday from 3 to 5 pm".'
        ),
    ] = "",
    photo: Annotated[list[Path] | None, typer.Option(help="A photo of the person (repeatable).")] = None,
    crop: Annotated[str | None, typer.Option(help="The part of the photo that shows them: x1,y1,x2,y2.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="This clip shows the person (its id; repeatable).")] = None,
    unlike: Annotated[list[str] | None, typer.Option(help="This clip does not (its id; repeatable).")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Words of the sentence that shall not count as time, place or 'not'.")
    ] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera (repeatable).")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Not before, ISO 8601.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Before, ISO 8601.")] = None,
    frames: Annotated[bool, typer.Option("--frames", help="Search whole pictures, for things and places.")] = False,
    by_time: Annotated[bool, typer.Option("--by-time", help="The likely clips in order of time.")] = False,
    page: Annotated[int, typer.Option(help="Page of the answer.")] = 1,
    limit: Annotated[int, typer.Option(help="Clips of a page.")] = 12,
    ids: Annotated[bool, typer.Option("--ids", help="Print the clips' ids, for --like and --unlike.")] = False,
    case: Annotated[str | None, typer.Option(help="The case that it is for.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    json: Json = False,
) -> None:
    """Find the clips that show a person, best first: by a sentence, a photo, marked clips, or all of them."""
    from api.commands.search import SearchOptions, search_clips
    from search.query import Order

    asked = SearchOptions(
        sentence=sentence,
        photos=tuple(photo or ()),
        crop=crop,
        like=tuple(like or ()),
        unlike=tuple(unlike or ()),
        without=tuple(without or ()),
        cameras=tuple(camera or ()),
        from_=from_,
        to=to,
        frames=frames,
        order=Order.TIME if by_time else Order.BEST,
        page=page,
        limit=limit,
        ids=ids,
    )
    search_clips(settings_of(context, case=case, reason=reason), asked, as_json=json)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default 8000; 0 takes a free one).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow a host that others can reach without TLS or accounts.")
    ] = False,
    record: Annotated[bool, typer.Option(help="Record the live cameras, too.")] = True,
    index: Annotated[bool, typer.Option(help="Index what is recorded or waits, too.")] = True,
) -> None:
    """Page, API, recording and indexing in one process."""
    from api.web import server

    def started(url: str, setup: str) -> None:
        typer.echo(f"Xunren answers at {url}  (API: {url}/docs, stop with Ctrl-C)")
        if setup:
            typer.echo(f"Nobody has an account yet. Make the first one at {setup}  (valid once, until the server ends)")

    typer.echo("Loading the model ...")
    settings = settings_of(context, host=host, port=port)
    server.serve(settings, insecure=insecure, on_start=started, record=record, index=index)


@app.command()
def record(
    context: typer.Context,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera (repeatable).")] = None,
    district: Annotated[list[str] | None, typer.Option(help="Only cameras of this district (repeatable).")] = None,
) -> None:
    """Record the live cameras, and nothing else. `xunren serve` does it, too."""
    from api.commands import record as live

    live.record(settings_of(context), cameras=camera or [], districts=district or [])


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Show what is in the index."""
    from api.commands.status import show_status

    show_status(settings_of(context), as_json=json)


@app.command()
def migrate(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Bring the catalogue of an earlier version to this one's schema; end `xunren serve` before."""
    from api.commands.migrate import run_migrate

    run_migrate(settings_of(context), dry_run=dry_run)


@app.command()
def doctor(
    context: typer.Context,
    models: Annotated[bool, typer.Option("--models", help="List the recommended models.")] = False,
    settings: Annotated[bool, typer.Option("--settings", help="List all settings.")] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare recordings, catalogue, thumbnails and rows: nothing left over?")
    ] = False,
    mend: Annotated[bool, typer.Option("--mend", help="With --deep: remove what is left over; never a file.")] = False,
) -> None:
    """Check every part, and say how to mend what is wrong. Exit status 1 if something is."""
    from api.commands import doctor as checks

    if models:
        checks.show_models()
    elif settings:
        checks.show_settings()
    elif deep:
        from api.commands.consistency import show_leftovers

        if not show_leftovers(settings_of(context), mend=mend):
            raise typer.Exit(1)
    elif not checks.show_checks(settings_of(context)):
        raise typer.Exit(1)


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


def keep_addresses_in(arguments: list[str]) -> None:
    """Refuse a camera's address where none belongs, before a message about wrong usage repeats its password.

    Raises:
        BadInput: an argument that is neither behind --url or --index-url nor a sentence has a user in its address.
    """
    for before, word in zip(["", *arguments], arguments, strict=False):
        behind = before in ("--url", "--index-url", "search") or word.startswith(("--url=", "--index-url="))
        if "://" in word and "@" in word and not behind:
            from search.errors import BadInput
            from search.vault import shown

            raise BadInput(
                "an address does not belong here", got=shown(word), cure="xunren camera add ID --url ADDRESS"
            )


def main() -> None:
    """Entry point: every expected error becomes one readable message and exit status 1."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its warning about forks means nothing to a user
    given: dict[str, Any] = {}
    try:
        keep_addresses_in(sys.argv[1:])
        app(hoist_globals(sys.argv[1:]), obj=given)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was under way is taken up by the next run", err=True)
        sys.exit(130)
    except Exception as e:
        from search.errors import XunrenError

        if not isinstance(e, XunrenError):
            raise
        from api.commands.console import show_error

        show_error(e)
        if unrecorded := _refusal_unrecorded(e, given):
            show_error(unrecorded)
        sys.exit(1)


def _refusal_unrecorded(error: XunrenError, given: dict[str, Any]) -> XunrenError | None:
    """Record `error` where it refuses a sentence of the command that ran. Why it cannot be recorded, if it cannot."""
    from api.commands.audit_trail import record_refusal
    from search.errors import PolicyViolation, XunrenError

    if isinstance(error, PolicyViolation) and "running" in given:
        settings, words, options = given["running"]
        try:
            record_refusal(settings, words, options, error)
        except XunrenError as unrecorded:
            return unrecorded
    return None
