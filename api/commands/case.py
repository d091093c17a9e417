"""`xunren case`: a missing person's file, its searches, sightings and trail.

What needs the rows a backend does. The rest needs only the catalogue and is done here whether or not a server runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path
from typing import Any

from api.cases import (
    MODES,
    Case,
    CaseInput,
    CaseSearchOptions,
    CaseStore,
    CaseView,
    FileLinks,
    LastSeen,
    Sign,
    cases_of,
    photo_bytes,
    tiles_of,
    trail_svg,
)
from api.commands.backend import Data, backend_of
from api.commands.case_output import say, show_case, show_cases, show_trail
from api.commands.console import err, show_json
from api.commands.search import show_answer
from api.composition import open_catalog
from search.catalog import Catalog
from search.config import Settings
from search.errors import BadInput, Unavailable
from search.media import MAX_BYTES
from search.times import parse_time, zone_of

NONE = "none"
"""Value of --last-seen that removes where the person was."""
_LAT_LON = re.compile(r"\s*(-?\d+(?:\.\d*)?)\s*,\s*(-?\d+(?:\.\d*)?)\s*")


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """The options of `case new` and `case change`. None and empty leave values as they are."""

    name: str | None = None
    sentences: Sequence[str] = ()
    photos: Sequence[Path] = ()
    remove_photos: Sequence[int] = ()
    last_seen: str | None = None
    at: str | None = None
    place: str | None = None
    walking: bool = False
    riding: bool = False
    speed: float | None = None
    note: str | None = None

    def applied(self, draft: CaseInput, zone: tzinfo) -> CaseInput:
        """Return `draft` with the options applied.

        Raises:
            BadInput: options contradict each other, or a value is out of range.
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
        speeds = [MODES["walking"]] * self.walking + [MODES["riding"]] * self.riding
        speeds += [] if self.speed is None else [self.speed]
        if len(speeds) > 1:
            raise BadInput("more than one speed", expected="one of --walking, --riding and --speed")
        return speeds[0] if speeds else before

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
    """Return a camera, or ``LAT,LON``, as values of a `LastSeen`."""
    place = _LAT_LON.fullmatch(text)
    return {"lat": float(place[1]), "lon": float(place[2])} if place else {"camera_id": text}


# in the catalogue ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cases:
    """Cases over the catalogue alone, open."""

    catalog: Catalog
    store: CaseStore
    view: CaseView
    zone: tzinfo


@contextmanager
def _open_cases(settings: Settings) -> Iterator[_Cases]:
    with open_catalog(settings) as catalog:
        zone, store = zone_of(settings.timezone), cases_of(settings, catalog)
        yield _Cases(catalog, store, CaseView(catalog, zone, FileLinks(store.pictures)), zone)


def new_case(settings: Settings, options: CaseOptions, *, as_json: bool) -> None:
    """Make a case and print it."""
    photos = [_photo(path) for path in options.photos]
    with _open_cases(settings) as cases:
        case = cases.store.new(options.applied(CaseInput(options.name or ""), cases.zone), photos)
        _show_one(cases, case, as_json)


def list_cases(settings: Settings, *, as_json: bool) -> None:
    """Print all cases, the newest first."""
    with _open_cases(settings) as opened:
        cases = [opened.view.short(case) for case in opened.store.cases()]
    if as_json:
        show_json({"cases": cases})
    else:
        show_cases(cases)


def show_one_case(settings: Settings, case_id: str, *, as_json: bool) -> None:
    """Print one case with its sightings."""
    with _open_cases(settings) as cases:
        _show_one(cases, cases.store.case(case_id), as_json)


def change_case(settings: Settings, case_id: str, options: CaseOptions, *, as_json: bool) -> None:
    """Change what the options name and print the case."""
    photos = [_photo(path) for path in options.photos]
    with _open_cases(settings) as cases:
        draft = options.applied(cases.store.case(case_id).draft, cases.zone)
        _show_one(cases, cases.store.change(case_id, draft, photos, options.remove_photos), as_json)


def close_case(settings: Settings, case_id: str, *, closed: bool) -> None:
    """Close a case, or open it again."""
    with _open_cases(settings) as cases:
        cases.store.close(case_id, closed=closed)
    say(f"case {case_id} is {'closed; its sightings are still kept from deletion' if closed else 'open'}")


def delete_case(settings: Settings, case_id: str, *, sure: bool) -> None:
    """Delete a case with its photos, marks and sightings; without `sure`, refuse and say what would be lost."""
    with _open_cases(settings) as cases:
        case = cases.store.case(case_id)
        if not sure:
            lost = f"{len(case.photos)} photos, {len(case.marks)} marks and {len(case.sightings)} sightings"
            raise BadInput(
                f"case {case_id} ({case.draft.name}) would be deleted with {lost}",
                cure="if that is meant, add --yes; `xunren case close` keeps it",
            )
        cases.store.delete(case_id)
    say(f"case {case_id} is deleted; its recordings may be deleted when they are due")


def undo_mark(settings: Settings, case_id: str) -> None:
    """Undo the last mark."""
    with _open_cases(settings) as cases:
        undone = cases.store.case(case_id).marks[-1:]
        left = cases.store.undo(case_id).marks
    say(f"undone: {undone[0].sign} {undone[0].clip_id}; {len(left)} marks left")


def withdraw_sighting(settings: Settings, case_id: str, number: int) -> None:
    """Withdraw a sighting."""
    with _open_cases(settings) as cases:
        sighting = cases.store.withdraw(case_id, number)
    say(f"sighting {number} of case {case_id} ({sighting.camera_id}) is withdrawn")


def show_trail_of(settings: Settings, case_id: str, *, map_file: Path | None, as_json: bool) -> None:
    """Print where the person went, and draw it into `map_file` where there is one."""
    with _open_cases(settings) as cases:
        trail = cases.view.trail(cases.store.case(case_id))
        drawing = None if map_file is None else trail_svg(trail, cases.catalog.cameras.all(), tiles_of(settings))
    if as_json:
        show_json(trail)
    else:
        show_trail(trail)
    if map_file is not None and drawing is not None:
        try:
            map_file.write_text(drawing, "utf-8")
        except OSError as e:
            raise Unavailable("the map cannot be written", got=map_file, cure=str(e.strerror or e)) from None
        say(f"map: {map_file}", to_err=as_json)


def _show_one(cases: _Cases, case: Case, as_json: bool) -> None:
    if as_json:
        show_json(cases.view.full(case))
    else:
        show_case(cases.view.full(case))


def _photo(path: Path) -> bytes:
    """Return the bytes of a photo as it is kept."""
    try:
        with path.open("rb") as file:
            return photo_bytes(file.read(MAX_BYTES + 1), path.name)
    except OSError as e:
        raise BadInput("the photo cannot be read", got=path, cure=str(e.strerror or e)) from None


# in the index ----------------------------------------------------------------------------------------------------


def search_case(settings: Settings, case_id: str, options: CaseSearchOptions, *, as_json: bool) -> None:
    """Search for the person of a case and print the clips."""
    cases = backend_of(settings).cases
    with err.status("searching"):
        answer = cases.search(case_id, options)
    _show_answer(answer, as_json)


def follow_sighting(
    settings: Settings, case_id: str, number: int | None, hours: float, options: CaseSearchOptions, *, as_json: bool
) -> None:
    """Search before and after a sighting (None: the last one) and print the clips."""
    cases = backend_of(settings).cases
    with err.status("searching"):
        answer = cases.follow(case_id, number, hours, options)
    _show_answer(answer, as_json)


def mark_clip(settings: Settings, case_id: str, clip_id: str, sign: Sign) -> None:
    """Mark a clip as like the person, or unlike."""
    case = backend_of(settings).cases.mark(case_id, clip_id, sign)
    say(f"case {case_id}: {sign} {clip_id}; {len(case['marks'])} marks. `xunren case undo {case_id}` takes it back")


def confirm_sighting(settings: Settings, case_id: str, clip_id: str, note: str, *, as_json: bool) -> None:
    """Confirm a clip as a sighting and print it."""
    sighting = backend_of(settings).cases.confirm(case_id, clip_id, note)
    if as_json:
        show_json(sighting)
        return
    where = f"{sighting['camera']}, {sighting['time'][:19].replace('T', ' ')}"
    say(f"sighting {sighting['number']} of case {case_id}: {where}; its recording is kept (hold {sighting['hold']})")


def _show_answer(answer: Data, as_json: bool) -> None:
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
