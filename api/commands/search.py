"""`xunren search`: asks the index here, or the running server that has it open, and prints the clips."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from rich.text import Text

from api.commands.audit_trail import record_shown
from api.commands.console import VERDICT_STYLE, VERDICT_WORDS, err, out, show_json, table
from api.commands.purpose import check_purpose, purpose_body
from api.composition import check_index_exists, open_context
from api.runtime.client import Server, ask, running_server
from api.runtime.context import AppContext
from search.answer import Answer
from search.config import Settings
from search.errors import BadInput
from search.media.photos import jpeg, photo_file
from search.query import Order, Query
from search.times import parse_time, zone_of
from search.types import Box, Clip, Filter, RowKind, Verdict

_GAPS = 5  # that are printed
_BEHIND_S = 60


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What the command line was given; times as text."""

    sentence: str = ""
    photos: tuple[Path, ...] = ()
    crop: str | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    from_: str | None = None
    to: str | None = None
    frames: bool = False
    order: Order = Order.BEST
    page: int = 1
    limit: int = 12
    ids: bool = False


def search_clips(settings: Settings, asked: SearchOptions, *, as_json: bool) -> None:
    """Answer on the terminal."""
    query, start = _query(asked, zone_of(settings.timezone)), _start(asked)
    check_index_exists(settings)
    server = running_server(settings)
    if server is None:
        answer = _ask_here(settings, query, start)
    else:
        answer = _ask_server(server, query, start, purpose_body(settings))
    if as_json:
        show_json(answer)
    else:
        show_answer(answer, ids=asked.ids)


def _start(asked: SearchOptions) -> int:
    if asked.page < 1:
        raise BadInput("there is no such page", got=asked.page, expected="1 or more")
    return (asked.page - 1) * asked.limit


def _query(asked: SearchOptions, zone: tzinfo) -> Query:
    if asked.crop and len(asked.photos) != 1:
        raise BadInput("--crop needs exactly one --photo", got=len(asked.photos), cure="cut the photos beforehand")
    box = parse_box(asked.crop) if asked.crop else None
    where = Filter(
        cameras=asked.cameras,
        kinds=(RowKind.FRAME,) if asked.frames else (),
        from_ms=None if asked.from_ is None else parse_time(asked.from_, zone),
        to_ms=None if asked.to is None else parse_time(asked.to, zone),
    )
    return Query(
        text=asked.sentence,
        where=where,
        limit=asked.limit,
        photos=[photo_file(path, box) for path in asked.photos],
        like=asked.like,
        unlike=asked.unlike,
        without=asked.without,
        order=asked.order,
    )


def parse_box(text: str) -> Box:
    """A box from "x1,y1,x2,y2" in pixels. Raises `BadInput`."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise BadInput("not a box", got=text, expected="x1,y1,x2,y2 in pixels of the photo")
    return Box(*(int(part) for part in parts))


def _ask_here(settings: Settings, query: Query, start: int) -> dict[str, Any]:
    with err.status("searching"), open_context(settings) as parts:
        check_purpose(settings, parts.catalog, settings.case)
        answer = parts.engine.search(query)
        return told_here(parts, parts.indexes.page(answer.id, start, query.limit) if start else answer)


def told_here(parts: AppContext, answer: Answer) -> dict[str, Any]:
    """The answer with paths of its pictures on this machine, recorded before anybody sees it."""

    def thumbnail(clip: Clip) -> str:
        return parts.media.thumbnail_address(*answer.moment(clip))

    told = answer.as_dict(parts.zone, thumbnail)
    record_shown(parts.catalog, told)
    return told


def _ask_server(server: Server, query: Query, start: int, purpose: Mapping[str, Any]) -> dict[str, Any]:
    body = {
        "text": query.text,
        "photos": [{"data": b64encode(jpeg(photo)).decode()} for photo in query.photos],
        "like": list(query.like),
        "unlike": list(query.unlike),
        "without": list(query.without),
        "cameras": list(query.where.cameras),
        "kinds": [kind.value for kind in query.where.kinds],
        "from": query.where.from_ms,
        "to": query.where.to_ms,
        "order": query.order.value,
        "limit": query.limit,
        **purpose,
    }
    answer: dict[str, Any] = ask(server, "/api/search", {k: v for k, v in body.items() if v is not None})
    if start:
        answer = ask(server, f"/api/search/{answer['id']}?start={start}&limit={query.limit}")
    for clip in answer["clips"]:
        clip["thumbnail"] = server.url + clip["thumbnail"]
    return answer


def show_answer(answer: dict[str, Any], *, ids: bool = False) -> None:
    """Print an answer as a table; `ids`: with the clips' names, by which they are marked."""
    verdict = Verdict(answer["verdict"])
    if not answer["rows"]:
        out.print("The index is empty. Run `xunren index PATH...` first.")
        return
    headline = {
        Verdict.MATCH: "found",
        Verdict.MAYBE: "perhaps found; check each",
        Verdict.NOTHING: "nothing found; the nearest are shown, and are unlikely",
    }[verdict]
    asked = f"{answer['query']}: " if answer["query"] else ""
    out.print(Text(asked, style="bold") + Text(headline, style=VERDICT_STYLE[verdict]))
    _show_understood(answer["understood"])
    columns = ("", "verdict", "score", "camera", "from", "to", *(("clip",) if ids else ("at", "of file")))
    made = table("", columns, [_cells(clip, ids) for clip in answer["clips"]], right=("", "score", "at"))
    made.columns[-1].no_wrap = ids  # to be copied
    out.print(made)
    _show_coverage(answer["coverage"])
    if answer["hints"]:
        weak = ", ".join(f"{', '.join(hint['words'])} ({hint['right']:.0%} right)" for hint in answer["hints"])
        out.print(Text(f"The model is often wrong about: {weak}. Look at clips without them, too.", style="dim"))


def _show_understood(understood: dict[str, Any]) -> None:
    """What the sentence was taken to say besides the description."""
    for chip in understood["chips"]:
        out.print(Text(f"  {chip['words']} → {chip['meaning']}", style="cyan"))
    if understood["unclear"]:
        words = ", ".join(understood["unclear"])
        out.print(Text(f"  not understood, and left out: {words}. Use --from, --to or --camera.", style="yellow"))


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


def _cells(clip: dict[str, Any], ids: bool) -> tuple[object, ...]:
    verdict = Verdict(clip["verdict"])
    minutes, seconds = divmod(clip["offset_s"], 60)
    where = (clip["id"],) if ids else (f"{minutes:.0f}:{seconds:02.0f}", Path(clip["source"]).name)
    return (
        clip["rank"],
        Text(VERDICT_WORDS[verdict], style=VERDICT_STYLE[verdict]),
        f"{clip['score']:.1f}",
        clip["camera"],
        clip["start"][:19].replace("T", " "),
        clip["end"][11:19],
        *where,
    )
