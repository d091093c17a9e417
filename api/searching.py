"""`xunren search`: asks the index here, or the running server that has it open, and prints the clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from api.client import ask, running_server
from api.console import VERDICT_STYLE, VERDICT_WORDS, err, out, show_json, table
from api.parts import check_index_exists, open_parts
from search.config import Settings
from search.engine import Query
from search.times import parse_time, zone_of
from search.types import Clip, Filter, Verdict

_GAPS = 5  # that are printed
_BEHIND_S = 60


def search_sentence(
    settings: Settings,
    sentence: str,
    *,
    cameras: Sequence[str],
    from_: str | None,
    to: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Answer one sentence on the terminal."""
    zone = zone_of(settings.timezone)
    where = Filter(
        cameras=tuple(cameras),
        from_ms=None if from_ is None else parse_time(from_, zone),
        to_ms=None if to is None else parse_time(to, zone),
    )
    query = Query(sentence, where, limit)
    check_index_exists(settings)
    server = running_server(settings)
    answer = _ask_here(settings, query) if server is None else _ask_server(server, query)
    if as_json:
        show_json(answer)
    else:
        _show(answer)


def _ask_here(settings: Settings, query: Query) -> dict[str, Any]:
    with err.status("searching"), open_parts(settings) as parts:
        answer = parts.engine.search(query)

        def thumbnail(clip: Clip) -> str:
            return str(parts.media.thumbnail_path(*answer.moment(clip)).absolute())

        return answer.as_dict(parts.zone, thumbnail)


def _ask_server(url: str, query: Query) -> dict[str, Any]:
    body = {
        "text": query.text,
        "cameras": list(query.where.cameras),
        "from": query.where.from_ms,
        "to": query.where.to_ms,
        "limit": query.limit,
    }
    answer: dict[str, Any] = ask(url, "/api/search", {k: v for k, v in body.items() if v is not None})
    for clip in answer["clips"]:
        clip["thumbnail"] = url + clip["thumbnail"]
    return answer


def _show(answer: dict[str, Any]) -> None:
    verdict = Verdict(answer["verdict"])
    if not answer["rows"]:
        out.print("The index is empty. Run `xunren index PATH...` first.")
        return
    headline = {
        Verdict.MATCH: "found",
        Verdict.MAYBE: "perhaps found; check each",
        Verdict.NOTHING: "nothing found; the nearest are shown, and are unlikely",
    }[verdict]
    out.print(Text(f"{answer['query']}: ", style="bold") + Text(headline, style=VERDICT_STYLE[verdict]))
    columns = ("", "verdict", "score", "camera", "from", "to", "at", "of file")
    out.print(table("", columns, [_cells(clip) for clip in answer["clips"]], right=("", "score", "at")))
    _show_coverage(answer["coverage"])
    if answer["hints"]:
        weak = ", ".join(f"{', '.join(hint['words'])} ({hint['right']:.0%} right)" for hint in answer["hints"])
        out.print(Text(f"The model is often wrong about: {weak}. Look at clips without them, too.", style="dim"))


def _show_coverage(coverage: dict[str, Any]) -> None:
    """What nobody could look at: the longest stretches of it."""
    if coverage["with_gaps"]:
        span = f"{coverage['start'][:16].replace('T', ' ')} to {coverage['end'][:16].replace('T', ' ')}"
        cameras = f"{coverage['with_gaps']} of {coverage['cameras']} cameras have gaps in this range ({span}):"
        out.print(Text(cameras, style="yellow"))
        for gap in coverage["gaps"][:_GAPS]:
            why = gap["reason"] + (f" ({gap['detail']})" if gap["detail"] else "")
            span = f"{gap['start'][:19].replace('T', ' ')} to {gap['end'][11:19]}"
            out.print(Text(f"  {gap['camera']}  {span}  {gap['seconds']:.0f} s  {why}", style="yellow"))
        more = len(coverage["gaps"]) - _GAPS + coverage["more"]
        if more > 0:
            out.print(Text(f"  and {more} more", style="yellow"))
    if coverage["behind_s"] > _BEHIND_S:
        out.print(
            Text(f"The newest recordings are not indexed yet: {coverage['behind_s']:.0f} s behind.", style="yellow")
        )


def _cells(clip: dict[str, Any]) -> tuple[object, ...]:
    verdict = Verdict(clip["verdict"])
    minutes, seconds = divmod(clip["offset_s"], 60)
    return (
        clip["rank"],
        Text(VERDICT_WORDS[verdict], style=VERDICT_STYLE[verdict]),
        f"{clip['score']:.1f}",
        clip["camera"],
        clip["start"][:19].replace("T", " "),
        clip["end"][11:19],
        f"{minutes:.0f}:{seconds:02.0f}",
        Path(clip["source"]).name,
    )
