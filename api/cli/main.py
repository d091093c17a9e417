"""The command line, put together, and its entry point."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import (
    account,
    alert,
    audit,
    camera,
    case,
    doctor,
    evidence,
    hold,
    index,
    migrate,
    record,
    reindex,
    saved_search,
    search,
    serve,
    status,
    watch,
)

if TYPE_CHECKING:
    from search.errors import XunrenError

MODULES = (
    *(index, search, serve, record, status, doctor, migrate),
    *(camera, hold, case, saved_search, alert, evidence, audit, account, reindex, watch),
)
"""Every file with commands, in the order of `--help`, which lists commands before groups."""
_GLOBAL_OPTIONS = ("--data-dir", "--config")

app = typer.Typer(
    name="xunren",
    help="Find a missing person in camera recordings with one sentence, in Chinese or English.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in MODULES:
    module.add_to(app)


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


def hoist_globals(arguments: list[str]) -> list[str]:
    """Return the arguments with global options in front, so that they may also be given after the command."""
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
    """Refuse a camera's address in a wrong place, before a message about wrong usage repeats its password.

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
    """Run the command line. Every expected error becomes one readable message and exit status 1."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its warning about forks means nothing to a user
    options: dict[str, Any] = {}
    try:
        keep_addresses_in(sys.argv[1:])
        app(hoist_globals(sys.argv[1:]), obj=options)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was under way is taken up by the next run", err=True)
        sys.exit(130)
    except Exception as e:
        from search.errors import XunrenError

        if not isinstance(e, XunrenError):
            raise
        from api.commands.console import show_error

        show_error(e)
        if unrecorded := _record_failure(e, options):
            show_error(unrecorded)
        sys.exit(1)


def _record_failure(error: XunrenError, options: dict[str, Any]) -> XunrenError | None:
    """Write to the audit log that `error` refused the command's sentence. Returns why that failed; None: it did not."""
    from api.commands.audit_trail import record_refusal
    from search.errors import PolicyViolation, XunrenError

    if isinstance(error, PolicyViolation) and "running" in options:
        settings, words, parameters = options["running"]
        try:
            record_refusal(settings, words, parameters, error)
        except XunrenError as unrecorded:
            return unrecorded
    return None
