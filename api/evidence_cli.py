"""`xunren evidence`: the commands and their options. Heavy parts are imported inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from search.config import Settings

evidence_app = typer.Typer(help="Signed evidence of sightings: export it, verify it.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _settings(context: typer.Context) -> Settings:
    from api import cli

    return cli._settings(context)


@evidence_app.command("export")
def evidence_export(
    context: typer.Context,
    case_id: Annotated[str, typer.Argument(help="Id of the case, such as 2026-0007.")],
    sighting: Annotated[int, typer.Argument(help="Number of the sighting, as `case show` lists it.")],
    folder: Annotated[Path, typer.Argument(help="Folder to make; one that is there is refused.")],
    blur: Annotated[bool, typer.Option("--blur", help="Add a copy in which other people are blurred.")] = False,
    json: Json = False,
) -> None:
    """Write original, clip, picture and manifest of a sighting, signed. Masked cameras' originals are withheld."""
    from api.evidence_commands import export_evidence

    export_evidence(_settings(context), case_id, sighting, folder, blur=blur, as_json=json)


@evidence_app.command("verify")
def evidence_verify(
    folder: Annotated[Path, typer.Argument(help="Folder that was exported.")],
    key: Annotated[Path | None, typer.Option(help="Public key of who must have signed; from elsewhere.")] = None,
    json: Json = False,
) -> None:
    """Check every byte, offline: no index, no model. Names what was changed. Exit status 1 if something was."""
    from api.evidence_commands import verify_evidence

    if not verify_evidence(folder, key, as_json=json):
        raise typer.Exit(1)


@evidence_app.command("key")
def evidence_key(context: typer.Context, json: Json = False) -> None:
    """Print this installation's public key; give it to whoever shall verify, on another way than the evidence."""
    from api.evidence_commands import show_key

    show_key(_settings(context), as_json=json)
