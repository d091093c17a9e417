"""`xunren evidence`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import CaseId, Json

evidence_app = typer.Typer(help="Signed evidence of sightings: export it, verify it.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(evidence_app, name="evidence")


@evidence_app.command("export")
def evidence_export(
    context: typer.Context,
    case_id: CaseId,
    sighting: Annotated[int, typer.Argument(help="Number of the sighting, as `case show` lists it.")],
    folder: Annotated[Path, typer.Argument(help="Folder to make; one that is there is refused.")],
    blur: Annotated[bool, typer.Option("--blur", help="Add a copy in which other people are blurred.")] = False,
    json: Json = False,
) -> None:
    """Write original, clip, still and manifest of a sighting, signed. Masked cameras' originals are withheld."""
    from api.commands.evidence import export_evidence

    export_evidence(settings_of(context), case_id, sighting, folder, blur=blur, as_json=json)


@evidence_app.command("verify")
def evidence_verify(
    folder: Annotated[Path, typer.Argument(help="Folder that was exported.")],
    key: Annotated[Path | None, typer.Option(help="Public key that must have signed it.")] = None,
    json: Json = False,
) -> None:
    """Check every byte, without index or model, and name what was changed. Exit status 1 if something was."""
    from api.commands.evidence import verify_evidence

    if not verify_evidence(folder, key, as_json=json):
        raise typer.Exit(1)


@evidence_app.command("key")
def evidence_key(context: typer.Context, json: Json = False) -> None:
    """Print this installation's public key. Hand it over separately from the evidence."""
    from api.commands.evidence import show_key

    show_key(settings_of(context), as_json=json)
