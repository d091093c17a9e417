"""Requests and responses about cases, as OpenAPI describes them."""

from __future__ import annotations

import base64
import binascii
from datetime import tzinfo
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from api.cases import MODES, CaseInput, LastSeen, photo_bytes
from api.web.schemas.search import MAX_CAMERAS, ClipOut, ResponseModel, SearchAnswer, When
from search.errors import BadInput
from search.query import MAX_PHOTOS, Order
from search.times import parse_time

_STRICT = ConfigDict(extra="forbid")
Number = StrictInt | StrictFloat
Goes = Annotated[
    Literal["walking", "riding"] | Number, Field(description="walking (1.4 m/s), riding (5 m/s), or metres a second")
]
Clip = Annotated[StrictStr, Field(max_length=256, description="`id` of a clip")]


class CasePhotoIn(BaseModel):
    """A photo of the person."""

    model_config = _STRICT

    data: StrictStr = Field(description="a JPEG, PNG, WebP or BMP file, base64")


Photos = Annotated[list[CasePhotoIn], Field(max_length=MAX_PHOTOS, description="of the person")]


class LastSeenIn(BaseModel):
    """Place and time at which the person was last seen: a camera, a place on the map, or words."""

    model_config = _STRICT

    time: Annotated[StrictInt | StrictStr, Field(description="ISO 8601 or Unix milliseconds")]
    camera: StrictStr | None = None
    lat: Number | None = None
    lon: Number | None = None
    place: StrictStr = Field(default="", description="in words")

    def checked(self, zone: tzinfo) -> LastSeen:
        """Return it as the domain has it."""
        time_ms = parse_time(self.time, zone) if isinstance(self.time, str) else self.time
        return LastSeen(time_ms, self.camera or "", self.lat, self.lon, self.place)


class CaseIn(BaseModel):
    """A new case. At least a sentence or a photo."""

    model_config = _STRICT

    name: StrictStr = Field(examples=["Li Ming, 8 years"])
    queries: list[StrictStr] = Field(default=[], examples=[["a boy in a red coat", "穿红色外套的男孩"]])
    photos: Photos = []
    last_seen: LastSeenIn | None = None
    speed: Goes = "walking"
    note: StrictStr = ""

    def draft(self, zone: tzinfo) -> CaseInput:
        """Return it as the domain has it."""
        seen = self.last_seen.checked(zone) if self.last_seen else None
        return CaseInput(self.name, tuple(self.queries), seen, _mps(self.speed), self.note)


class CaseChange(BaseModel):
    """A change of a case; what is left out stays as it is."""

    model_config = _STRICT

    name: StrictStr | None = None
    queries: list[StrictStr] | None = Field(default=None, description="instead of all there are")
    add_photos: Photos = []
    remove_photos: list[StrictInt] = Field(default=[], max_length=MAX_PHOTOS, description="numbers of photos")
    last_seen: LastSeenIn | None = Field(default=None, description="null: unknown")
    speed: Goes | None = None
    note: StrictStr | None = None
    open: StrictBool | None = Field(default=None, description="false closes the case")

    def draft(self, before: CaseInput, zone: tzinfo) -> CaseInput:
        """Return `before` with the changes."""
        seen = self.last_seen.checked(zone) if self.last_seen else None
        return CaseInput(
            name=before.name if self.name is None else self.name,
            sentences=before.sentences if self.queries is None else tuple(self.queries),
            last_seen=seen if "last_seen" in self.model_fields_set else before.last_seen,
            speed_mps=before.speed_mps if self.speed is None else _mps(self.speed),
            note=before.note if self.note is None else self.note,
        )


class CaseSearchIn(BaseModel):
    """Options of a search for the person of a case. Photos, marks and reach come from the case."""

    model_config = _STRICT

    query: StrictStr | None = Field(default=None, description="instead of the case's first query")
    reachable_only: StrictBool = Field(default=False, description="only what the person can have reached")
    cameras: list[StrictStr] = Field(default=[], max_length=MAX_CAMERAS, description="only these; empty: all")
    start: When = None
    end: When = None
    order: Order = Field(default=Order.BEST, description="best first, or by time")
    reason: StrictStr = Field(default="", max_length=2000, description="why; asked for by a setting")
    limit: StrictInt = Field(default=12, description="clips of a page, 1 to 500")


class FollowIn(BaseModel):
    """Which sighting to follow, and how long before and after it."""

    model_config = _STRICT

    sighting: StrictInt | None = Field(default=None, description="its number; the last one by time")
    hours: Number = 2.0
    query: StrictStr | None = Field(default=None, description="instead of the case's first query")
    order: Order = Order.BEST
    reason: StrictStr = Field(default="", max_length=2000, description="why; asked for by a setting")
    limit: StrictInt = Field(default=12, description="clips of a page, 1 to 500")


class MarkIn(BaseModel):
    """A clip that shows the person, or does not."""

    model_config = _STRICT

    clip: Clip
    mark: Literal["like", "unlike"]


class ShareIn(BaseModel):
    """The account that shall see a case too."""

    model_config = _STRICT

    account: StrictStr = Field(max_length=64, description="name of an operator or a supervisor")
    hand_over: StrictBool = Field(default=False, description="it is theirs from now on")


class PeopleOut(ResponseModel):
    """The accounts that see a case."""

    owner: str | None = Field(description="null: it was made on the command line")
    people: list[str]


class SightingIn(BaseModel):
    """A clip that surely shows the person."""

    model_config = _STRICT

    clip: Clip
    note: StrictStr = ""


def photos_of(photos: list[CasePhotoIn]) -> list[bytes]:
    """Return the photos of a request, as they are kept. Raises `BadInput`, which names the first bad one."""
    return [_photo(photo.data, f"photo {at}") for at, photo in enumerate(photos, start=1)]


def _photo(text: str, name: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(f"{name} is not base64", got=text[:20], expected="an image file's bytes in base64") from None
    return photo_bytes(data, name)


def _mps(speed: str | float) -> float:
    return MODES[speed] if isinstance(speed, str) else float(speed)


# out -------------------------------------------------------------------------------------------------------------


class LastSeenOut(ResponseModel):
    """Place and time at which the person was last seen."""

    camera: str | None
    lat: float | None
    lon: float | None
    place: str
    time: str
    time_ms: int


class PhotoOut(ResponseModel):
    """A photo that was handed in."""

    number: int
    image: str = Field(description="its address on this server")


class MarkOut(ResponseModel):
    """A mark that holds."""

    clip: str
    mark: Literal["like", "unlike"]


class SightingOut(ResponseModel):
    """A clip that a person confirmed; it stays after its recording is gone."""

    number: int
    clip: str
    camera: str
    segment: str
    start: str
    end: str
    start_ms: int
    end_ms: int
    time: str = Field(description="of the best moment")
    time_ms: int
    box: tuple[int, int, int, int] = Field(description="xyxy, pixels of frame_width x frame_height, at that moment")
    frame_width: int
    frame_height: int
    note: str
    confirmed: str
    confirmed_ms: int
    hold: int = Field(description="number of the hold that keeps its recording")
    thumbnail: str = Field(description="address of its image on this server")
    path: str | None = Field(description="the recording's file; null: it is gone")
    clip_url: str | None = Field(description="address of the clip on this server; null: its recording is gone")


class CaseLineOut(ResponseModel):
    """A case without its sightings."""

    id: str
    name: str
    open: bool
    queries: list[str]
    photos: list[PhotoOut]
    last_seen: LastSeenOut | None
    mode: Literal["walking", "riding", "own"]
    speed_mps: float
    note: str
    created: str
    created_ms: int
    closed: str | None
    closed_ms: int | None
    marks: list[MarkOut] = Field(description="that are not undone, the oldest first")
    sighting_count: int


class CaseOut(CaseLineOut):
    """A missing person's file."""

    sightings: list[SightingOut]


class CasesOut(ResponseModel):
    """All cases, the newest first."""

    cases: list[CaseLineOut]


class CaseClipOut(ClipOut):
    """A clip, and whether it shows what is confirmed already."""

    sighting: int | None = Field(description="number of the sighting at that moment of that camera")


class PointOut(ResponseModel):
    """A place and time of the person."""

    lat: float
    lon: float
    time_ms: int


class CaseAnswer(SearchAnswer):
    """An answer for a case."""

    clips: list[CaseClipOut]  # type: ignore[assignment]
    case: str
    following: int | None = Field(description="number of the sighting that is followed")
    points: list[PointOut] = Field(description="from where reach was measured; empty: from nowhere")
    gone_marks: list[str] = Field(description="clips whose marks did not count, as they are not in the index any more")


class StopOut(ResponseModel):
    """A place where the person was confirmed."""

    sighting: int | None = Field(description="its number; null: where they were last seen")
    camera: str | None
    name: str = Field(description="the camera's name for people")
    place: str
    lat: float | None
    lon: float | None
    time: str
    time_ms: int


class StepOut(ResponseModel):
    """From one stop to the next."""

    from_sighting: int | None = Field(description="its number; null: where they were last seen")
    to_sighting: int | None
    metres: float | None = Field(description="as the crow flies; null: a stop has no coordinates")
    seconds: float
    needed_mps: float | None = Field(description="how fast the person went at least")
    possible: bool | None = Field(description="null: unknown")
    reason: str = Field(description="why it is not possible, or why that is unknown")


class TrailOut(ResponseModel):
    """Stops in order of time and the steps between them."""

    case: str
    name: str
    mode: Literal["walking", "riding", "own"]
    speed_mps: float
    stops: list[StopOut]
    steps: list[StepOut]


def schema_of(kind: str) -> dict[str, Any]:
    """Return OpenAPI's entry for a file."""
    return {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}}
