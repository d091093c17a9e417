"""`xunren search`: asks a backend and prints the clips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from rich.text import Text

from api.commands.backend import Data, PhotoFile, SearchRequest, backend_of
from api.commands.console import VERDICT_STYLE, VERDICT_WORDS, err, out, show_json, table
from search.config import Settings
from search.errors import BadInput
from search.query import Order
from search.times import parse_time, zone_of
from search.types import Box, RowKind, Verdict

_GAPS = 5  # that are printed
_BEHIND_S = 60


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The options of `xunren search` as they were typed; times are text."""

    query: str = ""
    photos: tuple[Path, ...] = ()
    crop: str | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    frames: bool = False
    order: Order = Order.BEST
    page: int = 1
    limit: int = 12
    ids: bool = False

    def request(self, zone: tzinfo) -> SearchRequest:
        """Return what is asked of the backend. Raises `BadInput`."""
        if self.page < 1:
            raise BadInput("there is no such page", got=self.page, expected="1 or more")
        return SearchRequest(
            query=self.query,
            photos=self._photo_files(),
            like=self.like,
            unlike=self.unlike,
            without=self.without,
            cameras=self.cameras,
            kinds=(RowKind.FRAME,) if self.frames else (),
            start_ms=None if self.start is None else parse_time(self.start, zone),
            end_ms=None if self.end is None else parse_time(self.end, zone),
            order=self.order,
            limit=self.limit,
            offset=(self.page - 1) * self.limit,
        )

    def _photo_files(self) -> tuple[PhotoFile, ...]:
        if self.crop and len(self.photos) != 1:
            raise BadInput("--crop needs exactly one --photo", got=len(self.photos), cure="cut the photos beforehand")
        box = parse_box(self.crop) if self.crop else None
        return tuple(PhotoFile(path, box) for path in self.photos)


def search_clips(settings: Settings, options: SearchOptions, *, as_json: bool) -> None:
    """Search and print the answer."""
    request = options.request(zone_of(settings.timezone))
    backend = backend_of(settings)
    with err.status("searching"):
        answer = backend.searches.search(request)
    if as_json:
        show_json(answer)
    else:
        show_answer(answer, ids=options.ids)


def parse_box(text: str) -> Box:
    """Return the box that "x1,y1,x2,y2" names, in pixels. Raises `BadInput`."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise BadInput("not a box", got=text, expected="x1,y1,x2,y2 in pixels of the photo")
    return Box(*(int(part) for part in parts))


def show_answer(answer: Data, *, ids: bool = False) -> None:
    """Print an answer as a table; `ids`: with the clips' ids, for --like and --unlike."""
    verdict = Verdict(answer["verdict"])
    if not answer["rows"]:
        out.print("The index is empty. Run `xunren index PATH...` first.")
        return
    headline = {
        Verdict.MATCH: "found",
        Verdict.MAYBE: "perhaps found; check each",
        Verdict.NOTHING: "nothing found; the nearest are shown, and are unlikely",
    }[verdict]
    query = f"{answer['query']}: " if answer["query"] else ""
    out.print(Text(query, style="bold") + Text(headline, style=VERDICT_STYLE[verdict]))
    _show_parsed(answer["parsed"])
    columns = ("", "verdict", "score", "camera", "from", "to", *(("clip",) if ids else ("at", "of file")))
    clips = table("", columns, [_cells(clip, ids) for clip in answer["clips"]], right=("", "score", "at"))
    clips.columns[-1].no_wrap = ids  # to be copied
    out.print(clips)
    _show_coverage(answer["coverage"])
    if answer["hints"]:
        weak = ", ".join(f"{', '.join(hint['words'])} ({hint['accuracy']:.0%} right)" for hint in answer["hints"])
        out.print(Text(f"The model is often wrong about: {weak}. Look at clips without them, too.", style="dim"))


def _show_parsed(parsed: dict[str, Any]) -> None:
    """Print the times, places and negations that were found in the sentence."""
    for chip in parsed["chips"]:
        out.print(Text(f"  {chip['words']} → {chip['meaning']}", style="cyan"))
    if parsed["unclear"]:
        words = ", ".join(parsed["unclear"])
        out.print(Text(f"  not understood, and left out: {words}. Use --from, --to or --camera.", style="yellow"))


def _show_coverage(coverage: dict[str, Any]) -> None:
    """Print the longest gaps of what was recorded and indexed."""
    if coverage["with_gaps"]:
        span = f"{coverage['start'][:16].replace('T', ' ')} to {coverage['end'][:16].replace('T', ' ')}"
        cameras = f"{coverage['with_gaps']} of {coverage['camera_count']} cameras have gaps in this range ({span}):"
        out.print(Text(cameras, style="yellow"))
        for gap in coverage["gaps"][:_GAPS]:
            why = gap["reason"] + (f" ({gap['detail']})" if gap["detail"] else "")
            span = f"{gap['start'][:19].replace('T', ' ')} to {gap['end'][11:19]}"
            out.print(Text(f"  {gap['camera']}  {span}  {gap['seconds']:.0f} s  {why}", style="yellow"))
        more = len(coverage["gaps"]) - _GAPS + coverage["more_gaps"]
        if more > 0:
            out.print(Text(f"  and {more} more", style="yellow"))
    if coverage["behind_s"] > _BEHIND_S:
        out.print(
            Text(f"The newest recordings are not indexed yet: {coverage['behind_s']:.0f} s behind.", style="yellow")
        )


def _cells(clip: dict[str, Any], ids: bool) -> tuple[object, ...]:
    verdict = Verdict(clip["verdict"])
    minutes, seconds = divmod(clip["offset_s"], 60)
    where = (clip["id"],) if ids else (f"{minutes:.0f}:{seconds:02.0f}", Path(clip["path"]).name)
    return (
        clip["rank"],
        Text(VERDICT_WORDS[verdict], style=VERDICT_STYLE[verdict]),
        f"{clip['score']:.1f}",
        clip["camera"],
        clip["start"][:19].replace("T", " "),
        clip["end"][11:19],
        *where,
    )
