"""Options that several commands have, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why you search, for the audit log.")]
Case = Annotated[str | None, typer.Option("--case", help="Id of the case that it is for, such as 2026-0007.")]
CaseId = Annotated[str, typer.Argument(help="Id of the case, such as 2026-0007.")]
Start = Annotated[str | None, typer.Option("--from", help="Not before this time, ISO 8601.")]
End = Annotated[str | None, typer.Option("--to", help="Before this time, ISO 8601.")]
Limit = Annotated[int, typer.Option("--limit", help="Number of clips of a page.")]
Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only this camera (repeatable).")]
Photos = Annotated[list[Path] | None, typer.Option("--photo", help="A photo of the person (repeatable).")]
Like = Annotated[list[str] | None, typer.Option("--like", help="Id of a clip that shows the person (repeatable).")]
