"""`xunren doctor --deep`: compares recordings, catalogue, thumbnails and rows."""

from __future__ import annotations

from rich.text import Text

from api.commands.backend import Data, backend_of
from api.commands.console import err, out, table
from search.config import Settings


def show_leftovers(settings: Settings, *, mend: bool = False) -> bool:
    """Print what does not agree, with `mend` after it was mended as far as possible. Returns whether all agrees."""
    consistency = backend_of(settings).consistency
    with err.status("comparing files, catalogue, thumbnails and rows"):
        data = consistency.mend() if mend else consistency.check()
    _show(data)
    return not data["findings"]


def _show(data: Data) -> None:
    out.print(f"{data['entries']} segments, {data['files']} recorded files, {data['rows']} rows compared")
    if not data["findings"]:
        out.print(Text("nothing is left over", style="green"))
        return
    cells = [
        (f["what"], f["count"], "\n".join(f["examples"] + ["…"] * (f["count"] > len(f["examples"]))), f["cure"])
        for f in data["findings"]
    ]
    out.print(table("", ("left over", "count", "such as", "cure"), cells, right=("count",)))
