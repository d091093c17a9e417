"""A missing person's file: frozen types that check themselves once, when they are made. Times are Unix milliseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from search.access import Visibility
from search.errors import BadInput
from search.geo import RIDING_MPS, WALKING_MPS, Point
from search.parsing import check_sentence
from search.query import MAX_PHOTOS
from search.types import Box, check_camera_id, check_time_ms

MAX_SENTENCES = 20
MAX_CHARS = 200  # of a name or a place
MAX_NOTE_CHARS = 10_000
MODES = {"walking": WALKING_MPS, "riding": RIDING_MPS}
_TRACK = re.compile(r"(.+-p\d+)-\d+")


class Sign(StrEnum):
    """A step in a case's history of marks; `UNDO` takes back the last one that is not undone."""

    LIKE = "like"
    UNLIKE = "unlike"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Mark:
    """A clip that shows the person (like), or does not."""

    clip_id: str
    sign: Sign


def marks_of(history: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return the marks that are not undone, oldest first; of several of one clip the last."""
    steps: list[Mark] = []
    for mark in history:
        if mark.sign is not Sign.UNDO:
            steps.append(mark)
        elif steps:
            steps.pop()
    last = {mark.clip_id: at for at, mark in enumerate(steps)}
    return tuple(mark for at, mark in enumerate(steps) if last[mark.clip_id] == at)


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Place and time at which the person was last seen: a camera, a place on the map in degrees, or words."""

    time_ms: int
    camera_id: str = ""
    lat: float | None = None
    lon: float | None = None
    place: str = ""

    def __post_init__(self) -> None:
        check_time_ms(self.time_ms, "the time when the person was last seen")
        check_text(self.place, "the place", MAX_CHARS)
        if self.camera_id:
            check_camera_id(self.camera_id)
        if (self.lat is None) != (self.lon is None):
            raise BadInput("the place has only one of latitude and longitude", cure="give both or neither")
        if self.lat is not None and self.lon is not None:
            Point(self.lat, self.lon, self.time_ms)
        if self.camera_id and self.lat is not None:
            raise BadInput("the person was last seen at a camera and somewhere else", cure="give one of the two")
        if not self.camera_id and self.lat is None and not self.place:
            raise BadInput("nobody knows where the person was", cure="give a camera, latitude and longitude, or words")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A clip that a person confirmed. `number` counts from 1 within the case and is never given again.

    `clip_id` is the id of the clip's best row, `segment_id` that in which the clip begins; `box` is in pixels of a
    `frame_width` x `frame_height` picture at `time_ms`. `hold_id` keeps the recording from retention.
    """

    number: int
    clip_id: str
    camera_id: str
    segment_id: str
    start_ms: int
    end_ms: int
    time_ms: int
    box: Box
    frame_width: int
    frame_height: int
    note: str = ""
    confirmed_ms: int = 0
    hold_id: int = 0

    def __post_init__(self) -> None:
        check_text(self.note, "the note", MAX_NOTE_CHARS)

    @property
    def track(self) -> str:
        """Return the track's prefix of its rows, or the frame: the same however the clip was found."""
        return track_of(self.clip_id)

    def shows(self, camera_id: str, time_ms: int) -> bool:
        """Return whether it holds a moment of a camera."""
        return camera_id == self.camera_id and self.start_ms <= time_ms < self.end_ms


def track_of(row_id: str) -> str:
    """Return the prefix of all rows of a track (`indexer.pipeline.rows`), or the id of a whole frame's row."""
    match = _TRACK.fullmatch(row_id)
    return match[1] if match else row_id


@dataclass(frozen=True, slots=True)
class CaseInput:
    """A case as people write it. At least a sentence or a photo must describe the person."""

    name: str
    sentences: tuple[str, ...] = ()
    last_seen: LastSeen | None = None
    speed_mps: float = WALKING_MPS
    note: str = ""

    def __post_init__(self) -> None:
        if not check_text(self.name, "the name", MAX_CHARS).strip():
            raise BadInput("the case has no name", cure="name the person, or what the case is called")
        for sentence in self.sentences:
            check_sentence(check_text(sentence, "the sentence", 10**6))
        if len(self.sentences) > MAX_SENTENCES:
            raise BadInput("too many sentences", got=len(self.sentences), expected=f"at most {MAX_SENTENCES}")
        if not 0.1 <= self.speed_mps <= 60:
            raise BadInput("not a speed of a person", got=self.speed_mps, expected="0.1 to 60 m/s; walking is 1.4")
        check_text(self.note, "the note", MAX_NOTE_CHARS)


@dataclass(frozen=True, slots=True)
class Case:
    """A missing person's file as it stands. `photos` are numbers, `marks` those that hold."""

    id: str
    draft: CaseInput
    created_ms: int
    closed_ms: int | None = None
    photos: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = ()
    sightings: tuple[Sighting, ...] = ()

    @property
    def mode(self) -> str:
        """Return walking, riding, or own."""
        return next((name for name, speed in MODES.items() if speed == self.draft.speed_mps), "own")

    def marked(self, sign: Sign) -> tuple[str, ...]:
        """Return ids of the clips with this mark."""
        return tuple(mark.clip_id for mark in self.marks if mark.sign is sign)


def visible_part(case: Case, visibility: Visibility) -> Case:
    """Return the case without sightings outside the visibility."""
    return replace(case, sightings=tuple(s for s in case.sightings if visibility.moment(s.camera_id, s.end_ms)))


def check_looks(sentences: Sequence[str], photos: int) -> None:
    """Raise `BadInput` where nothing says what the person looks like, or too many photos do."""
    if photos > MAX_PHOTOS:
        raise BadInput("too many photos", got=photos, expected=f"at most {MAX_PHOTOS}", cure="keep the best ones")
    if not sentences and not photos:
        raise BadInput("nothing says what the person looks like", cure="give a sentence or a photo")


def check_text(text: str, what: str, most: int) -> str:
    """Return `text`, or raise `BadInput` if it is too long or no text: JSON can carry zeros and half characters."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise BadInput(f"{what} is not readable text", got=ascii(text), expected="Unicode text without zero bytes")
    if len(text) > most:
        raise BadInput(f"{what} is too long", got=f"{len(text)} characters", expected=f"at most {most}")
    return text
