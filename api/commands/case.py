"""`xunren case`: what the commands do and print.

What needs only the catalogue is done here, as with cameras and holds; what needs the rows is asked of the running
server where there is one, as a Milvus Lite file belongs to one process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import quote

from api.cases.case_store import CaseStore, cases_of
from api.cases.investigation import CaseFindings, CaseSearchOptions, CaseService
from api.cases.pictures import photo_bytes
from api.cases.trail_map import tiles_of, trail_svg
from api.cases.types import MODES, Case, CaseInput, LastSeen, Sign
from api.cases.views import CaseView, FileLinks
from api.commands.case_output import say, show_case, show_cases, show_trail
from api.commands.console import err, show_json
from api.commands.purpose import check_purpose
from api.commands.search import show_answer, told_here
from api.composition import AppContext, check_index_exists, open_catalog, open_context
from api.runtime.client import ask, running_server
from search.catalog.catalog import Catalog
from search.config import Settings
from search.errors import BadInput, Unavailable
from search.media.photos import MAX_BYTES
from search.times import parse_time, zone_of

NONE = "none"
"""As --last-seen: forget where the person was."""
_LAT_LON = re.compile(r"\s*(-?\d+(?:\.\d*)?)\s*,\s*(-?\d+(?:\.\d*)?)\s*")


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """What the options of `case new` and `case change` say; None and empty leave things as they are."""

    name: str | None = None
    sentences: Sequence[str] = ()
    photos: Sequence[Path] = ()
    drop_photos: Sequence[int] = ()
    last_seen: str | None = None
    at: str | None = None
    place: str | None = None
    walking: bool = False
    riding: bool = False
    speed: float | None = None
    note: str | None = None

    def applied(self, draft: CaseInput, zone: tzinfo) -> CaseInput:
        """The draft with what the options say.

        Raises:
            BadInput: options that contradict each other, or values that cannot be.
        """
        return replace(
            draft,
            name=draft.name if self.name is None else self.name,
            sentences=tuple(self.sentences) or draft.sentences,
            last_seen=self._last_seen(draft.last_seen, zone),
            speed_mps=self._speed(draft.speed_mps),
            note=draft.note if self.note is None else self.note,
        )

    def _speed(self, before: float) -> float:
        given = [MODES["walking"]] * self.walking + [MODES["riding"]] * self.riding
        given += [] if self.speed is None else [self.speed]
        if len(given) > 1:
            raise BadInput("more than one speed", expected="one of --walking, --riding and --speed")
        return given[0] if given else before

    def _last_seen(self, before: LastSeen | None, zone: tzinfo) -> LastSeen | None:
        if self.last_seen == NONE:
            return None
        if self.last_seen is None and self.at is None and self.place is None:
            return before
        time_ms = before.time_ms if before and self.at is None else self._time(zone)
        where: dict[str, Any] = {} if self.last_seen is None else _where(self.last_seen)
        if self.last_seen is None and before is not None:
            where = {"camera_id": before.camera_id, "lat": before.lat, "lon": before.lon, "place": before.place}
        return LastSeen(time_ms, **where | ({} if self.place is None else {"place": self.place}))

    def _time(self, zone: tzinfo) -> int:
        if self.at is None:
            raise BadInput("nobody knows when the person was seen there", cure="give the time: --at 2026-11-23T15:00")
        return parse_time(self.at, zone)


def _where(text: str) -> dict[str, Any]:
    """A camera, or ``LAT,LON``, as values of a `LastSeen`."""
    found = _LAT_LON.fullmatch(text)
    return {"lat": float(found[1]), "lon": float(found[2])} if found else {"camera_id": text}


# in the catalogue ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Desk:
    """Cases over the catalogue alone."""

    catalog: Catalog
    cases: CaseStore
    view: CaseView
    zone: tzinfo


@contextmanager
def _desk(settings: Settings) -> Iterator[_Desk]:
    with open_catalog(settings) as catalog:
        zone, cases = zone_of(settings.timezone), cases_of(settings, catalog)
        yield _Desk(catalog, cases, CaseView(catalog, zone, FileLinks(cases.pictures)), zone)


def new_case(settings: Settings, words: CaseOptions, *, as_json: bool) -> None:
    """Open a case."""
    photos = [_photo(path) for path in words.photos]
    with _desk(settings) as desk:
        case = desk.cases.new(words.applied(CaseInput(words.name or ""), desk.zone), photos)
        _show_one(desk, case, as_json)


def list_cases(settings: Settings, *, as_json: bool) -> None:
    """All cases, the newest first."""
    with _desk(settings) as desk:
        cases = [desk.view.short(case) for case in desk.cases.cases()]
    if as_json:
        show_json({"cases": cases})
    else:
        show_cases(cases)


def show_one_case(settings: Settings, case_id: str, *, as_json: bool) -> None:
    """One case with its sightings."""
    with _desk(settings) as desk:
        _show_one(desk, desk.cases.case(case_id), as_json)


def change_case(settings: Settings, case_id: str, words: CaseOptions, *, as_json: bool) -> None:
    """Let what the options say stand in the case."""
    photos = [_photo(path) for path in words.photos]
    with _desk(settings) as desk:
        draft = words.applied(desk.cases.case(case_id).draft, desk.zone)
        _show_one(desk, desk.cases.change(case_id, draft, photos, words.drop_photos), as_json)


def close_case(settings: Settings, case_id: str, *, closed: bool) -> None:
    """Close a case, or open it again."""
    with _desk(settings) as desk:
        desk.cases.close(case_id, closed=closed)
    say(f"case {case_id} is {'closed; its sightings are still kept from deletion' if closed else 'open'}")


def delete_case(settings: Settings, case_id: str, *, sure: bool) -> None:
    """Remove a case with all that is in it."""
    with _desk(settings) as desk:
        case = desk.cases.case(case_id)
        if not sure:
            lost = f"{len(case.photos)} photos, {len(case.marks)} marks and {len(case.sightings)} sightings"
            raise BadInput(
                f"case {case_id} ({case.draft.name}) would be deleted with {lost}",
                cure="if that is meant, add --yes; `xunren case close` keeps it",
            )
        desk.cases.delete(case_id)
    say(f"case {case_id} is deleted; its recordings may be deleted when they are due")


def undo_mark(settings: Settings, case_id: str) -> None:
    """Take back the last mark."""
    with _desk(settings) as desk:
        undone = desk.cases.case(case_id).marks[-1:]
        left = desk.cases.undo(case_id).marks
    say(f"undone: {undone[0].sign} {undone[0].clip_id}; {len(left)} marks left")


def withdraw_sighting(settings: Settings, case_id: str, number: int) -> None:
    """Take a sighting back."""
    with _desk(settings) as desk:
        gone = desk.cases.withdraw(case_id, number)
    say(f"sighting {number} of case {case_id} ({gone.camera_id}) is withdrawn")


def show_trail_of(settings: Settings, case_id: str, *, map_file: Path | None, as_json: bool) -> None:
    """Where the person went, as a list, and as a map where a file is named."""
    with _desk(settings) as desk:
        told = desk.view.trail(desk.cases.case(case_id))
        picture = None if map_file is None else trail_svg(told, desk.catalog.cameras.all(), tiles_of(settings))
    if as_json:
        show_json(told)
    else:
        show_trail(told)
    if map_file is not None and picture is not None:
        try:
            map_file.write_text(picture, "utf-8")
        except OSError as e:
            raise Unavailable("the map cannot be written", got=map_file, cure=str(e.strerror or e)) from None
        say(f"map: {map_file}", to_err=as_json)


def _show_one(desk: _Desk, case: Case, as_json: bool) -> None:
    if as_json:
        show_json(desk.view.full(case))
    else:
        show_case(desk.view.full(case))


def _photo(path: Path) -> bytes:
    """A photo as it is kept."""
    try:
        with path.open("rb") as file:
            return photo_bytes(file.read(MAX_BYTES + 1), path.name)
    except OSError as e:
        raise BadInput("the photo cannot be read", got=path, cure=str(e.strerror or e)) from None


# in the index ----------------------------------------------------------------------------------------------------


def search_case(settings: Settings, case_id: str, asked: CaseSearchOptions, *, as_json: bool) -> None:
    """Search for the person of a case."""
    body = {"text": asked.text, "hard": asked.hard, "limit": asked.limit, "reason": settings.reason}
    answer = _asked_server(settings, case_id, "search", body)
    if answer is None:
        with _investigation(settings) as (parts, work, _):
            check_purpose(settings, parts.catalog, case_id)
            answer = _told(parts, work.search(case_id, asked))
    _show_found(answer, as_json)


def follow_sighting(
    settings: Settings, case_id: str, number: int | None, hours: float, asked: CaseSearchOptions, *, as_json: bool
) -> None:
    """Search before and after a sighting."""
    body = {"sighting": number, "hours": hours, "text": asked.text, "limit": asked.limit, "reason": settings.reason}
    answer = _asked_server(settings, case_id, "follow", body)
    if answer is None:
        with _investigation(settings) as (parts, work, _):
            check_purpose(settings, parts.catalog, case_id)
            answer = _told(parts, work.follow(case_id, number, hours, asked))
    _show_found(answer, as_json)


def mark_clip(settings: Settings, case_id: str, clip_id: str, sign: Sign) -> None:
    """Mark a clip."""
    answer = _asked_server(settings, case_id, "marks", {"clip": clip_id, "mark": sign.value})
    if answer is None:
        with _investigation(settings) as (_, work, view):
            answer = view.full(work.mark(case_id, clip_id, sign))
    say(f"case {case_id}: {sign} {clip_id}; {len(answer['marks'])} marks. `xunren case undo {case_id}` takes it back")


def confirm_sighting(settings: Settings, case_id: str, clip_id: str, note: str, *, as_json: bool) -> None:
    """Keep a clip as a sighting."""
    answer = _asked_server(settings, case_id, "sightings", {"clip": clip_id, "note": note})
    if answer is None:
        with _investigation(settings) as (_, work, view):
            answer = view.sighting(case_id, work.confirm(case_id, clip_id, note))
    if as_json:
        show_json(answer)
    else:
        where = f"{answer['camera']}, {answer['time'][:19].replace('T', ' ')}"
        say(f"sighting {answer['number']} of case {case_id}: {where}; its recording is kept (hold {answer['hold']})")


@contextmanager
def _investigation(settings: Settings) -> Iterator[tuple[AppContext, CaseService, CaseView]]:
    with err.status("searching"), open_context(settings) as parts:
        cases = cases_of(settings, parts.catalog)
        yield parts, CaseService(parts, cases), CaseView(parts.catalog, parts.zone, FileLinks(cases.pictures))


def _asked_server(settings: Settings, case_id: str, what: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the running server says, with whole addresses; None: there is none."""
    check_index_exists(settings)
    server = running_server(settings)
    if server is None:
        return None
    given = {name: value for name, value in body.items() if value is not None}
    answer: dict[str, Any] = ask(server, f"/api/cases/{quote(case_id, safe='')}/{what}", given)
    for entry in (answer, *answer.get("clips", ())):
        if "thumbnail" in entry:
            entry["thumbnail"] = server.url + entry["thumbnail"]
    return answer


def _told(parts: AppContext, found: CaseFindings) -> dict[str, Any]:
    return found.as_dict(told_here(parts, found.answer))


def _show_found(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    show_answer(answer, ids=True)
    known = [f"{clip['rank']} is sighting {clip['sighting']}" for clip in answer["clips"] if clip["sighting"]]
    if known:
        say(f"Known already: {', '.join(known)}.")
    if not answer["points"]:
        say("Nobody knows where on the map the person was: no camera was preferred.")
    if answer["gone_marks"]:
        say(f"Marks that did not count, as their clips are deleted: {', '.join(answer['gone_marks'])}")
