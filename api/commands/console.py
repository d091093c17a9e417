"""Consoles, tables, errors and progress of all commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from search.errors import XunrenError
from search.types import Verdict

out = Console()
err = Console(stderr=True)

VERDICT_STYLE = {Verdict.MATCH: "bold green", Verdict.MAYBE: "yellow", Verdict.NOTHING: "dim"}
VERDICT_WORDS = {Verdict.MATCH: "match", Verdict.MAYBE: "maybe", Verdict.NOTHING: "unlikely"}


def show_error(error: XunrenError) -> None:
    """Print what, got, expected and cure, a line each."""
    err.print(Text(f"error: {error.what}", style="bold red"))
    for label, text in (("got", error.got), ("expected", error.expected), ("cure", error.cure)):
        if text:
            err.print(Text(f"  {label + ':':<10}", style="dim") + Text(text), soft_wrap=True)


def show_json(data: Any) -> None:
    """Print one JSON object on standard output."""
    out.file.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], right: Iterable[str] = ()) -> Table:
    """Return a plain table; the columns named in `right` are aligned to the right."""
    result = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", box=None)
    for column in columns:
        result.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        result.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return result


class _Rate(ProgressColumn):
    """Seconds of recording per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f}x real time" if task.speed else "", style="cyan")


def media_progress() -> Progress:
    """Return a progress bar in seconds of recording, with rate and remaining time; silent without a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=err,
        disable=not err.is_terminal,
    )
