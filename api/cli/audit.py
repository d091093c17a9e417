"""`xunren audit`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import End, Json, Start

audit_app = typer.Typer(help="The audit log of who searched for whom: list it, verify it.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(audit_app, name="audit")


@audit_app.command("list")
def list_entries(
    context: typer.Context,
    case: Annotated[str, typer.Option(help="Only of this case: who saw it?")] = "",
    account: Annotated[str, typer.Option(help="Only of this account: what did it look for?")] = "",
    action: Annotated[str, typer.Option(help="Only this, e.g. search or view.clip.")] = "",
    from_: Start = None,
    to: End = None,
    before: Annotated[int | None, typer.Option(help="Only entries with a lower number: the page after.")] = None,
    limit: Annotated[int, typer.Option(help="Most entries.")] = 100,
    json: Json = False,
) -> None:
    """List entries, the newest first."""
    from api.audit import AuditFilter
    from api.commands.audit import show_entries
    from search.times import parse_time, zone_of

    settings = settings_of(context)
    zone = zone_of(settings.timezone)
    from_ms, to_ms = (None if time is None else parse_time(time, zone) for time in (from_, to))
    show_entries(settings, AuditFilter(account, case, action, from_ms, to_ms, before, limit), as_json=json)


@audit_app.command("verify")
def verify(
    context: typer.Context,
    head: Annotated[Path | None, typer.Option(help="A head that was kept: was the log cut off since?")] = None,
    key: Annotated[
        Path | None, typer.Option(help="Public key that must have signed the head; without it, this installation's.")
    ] = None,
) -> None:
    """Compute the whole chain again, and name the first entry that was changed, removed or moved."""
    from api.commands.audit import verify_log

    if key is not None and head is None:
        raise typer.BadParameter("--key belongs to --head: only a head is signed")
    verify_log(settings_of(context), head, key)


@audit_app.command("head")
def export_head(
    context: typer.Context,
    to: Annotated[Path | None, typer.Option(help="File to make; keep it on another machine.")] = None,
    sign: Annotated[Path | None, typer.Option(help="As --to, signed with this installation's key.")] = None,
) -> None:
    """Write the end of the log to a file, which proves later that nothing before it was changed or cut off."""
    from api.commands.audit import keep_head

    path = to if sign is None else sign
    if path is None or (to is not None and sign is not None):
        raise typer.BadParameter("name one file: --to FILE, or --sign FILE for a signed head")
    keep_head(settings_of(context), path, sign=sign is not None)
