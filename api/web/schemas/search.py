"""Requests and responses of search, index and errors, as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StrictInt, StrictStr

from search.parsing import ChipKind
from search.query import MAX_MARKS, MAX_PHOTOS, Order
from search.types import RowKind, Verdict

MAX_CAMERAS = 1000
When = Annotated[
    StrictInt | StrictStr | None,
    Field(description="ISO 8601 (without a zone: the server's) or Unix milliseconds", examples=["2026-11-23T09:00"]),
]


class PhotoIn(BaseModel):
    """A photo of the person, and the part of it that shows them."""

    model_config = ConfigDict(extra="forbid")

    data: Base64Bytes = Field(description="a JPEG, PNG, WebP or BMP file, base64")
    box: tuple[StrictInt, StrictInt, StrictInt, StrictInt] | None = Field(
        default=None, description="the part that shows the person, xyxy pixels of the upright photo"
    )


class SearchIn(BaseModel):
    """The person in words, photos or both, and the cameras and times to search. Empty lists mean all."""

    model_config = ConfigDict(extra="forbid")

    query: StrictStr = Field(
        default="",
        description="what the person looks like, in English or Chinese; may name times, places and what is not there",
        examples=["a man in a red coat without a bag, yesterday between 3 and 5 pm"],
    )
    photos: list[PhotoIn] = Field(default=[], max_length=MAX_PHOTOS, description="of the person")
    like: list[StrictStr] = Field(default=[], max_length=MAX_MARKS, description="ids of clips that show the person")
    unlike: list[StrictStr] = Field(default=[], max_length=MAX_MARKS, description="ids of clips to leave out")
    without: list[StrictStr] = Field(
        default=[], max_length=MAX_MARKS, description="words of the query whose chip was removed: they do not count"
    )
    cameras: list[StrictStr] = Field(default=[], max_length=MAX_CAMERAS, description="camera ids")
    start: When = None
    end: When = None
    kinds: list[RowKind] = Field(
        default=[], max_length=len(RowKind), description="person (the usual), or whole frames, for things and places"
    )
    order: Order = Field(default=Order.BEST, description="best first, or the likely ones by time")
    case: StrictStr = Field(default="", max_length=64, description="the case that it is for; asked for by a setting")
    reason: StrictStr = Field(default="", max_length=2000, description="why; asked for by the same setting")
    limit: StrictInt = Field(default=12, description="clips of a page, 1 to 500")


class ResponseModel(BaseModel):
    """A response. The server refuses to send a field that is not declared, so that data and schema cannot drift.

    To clients the schema says that a later version may send more fields.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"additionalProperties": True})


class ClipOut(ResponseModel):
    """A piece of a recording to watch, and its best moment."""

    id: str = Field(description="name of the clip, by which it is marked and found again")
    rank: int
    camera: str
    start: str = Field(description="ISO 8601 with zone")
    end: str
    start_ms: int = Field(description="Unix milliseconds")
    end_ms: int
    start_source: str = Field(description="where the recording's wall-clock time was taken from")
    offset_s: float = Field(description="start of the clip in its source file")
    score: float = Field(description="looks and reach together")
    looks: float = Field(description="distance above the index's background, in spreads")
    reach: float = Field(description="what is taken off for being out of reach of where the person was, 0 or less")
    verdict: Verdict
    kind: RowKind = Field(description="what was found: a person, or the whole frame")
    box: tuple[int, int, int, int] = Field(description="xyxy, pixels of frame_width x frame_height")
    frame_width: int
    frame_height: int
    time_ms: int = Field(description="the best moment")
    time: str
    segment: str
    tracks: list[str] = Field(description="rows of its tracks: /api/tracks says where they were in the frame")
    path: str = Field(description="the recording's file")
    thumbnail: str = Field(description="address of an image of the best moment, on this server")
    clip_url: str = Field(description="address of the clip, H.264 MP4 with byte ranges, on this server")


class TracksOut(ResponseModel):
    """Boxes of people in the frame, in order of time."""

    boxes: list[tuple[int, int, int, int, int]] = Field(
        description="Unix ms, and xyxy in pixels of the clip's frame_width x frame_height"
    )


class NearOut(ResponseModel):
    """A camera near another one, and what it showed at that time."""

    camera: str
    name: str
    metres: int = Field(description="as the crow flies")
    start_ms: int | None = Field(description="Unix ms; None where nothing was recorded then")
    end_ms: int | None
    clip_url: str | None


class NearbyOut(ResponseModel):
    """The nearest first."""

    cameras: list[NearOut]


class HintOut(ResponseModel):
    """Words of the query that the model often gets wrong."""

    attribute: str = Field(description="such as hat, hair, upper (kind of garment)")
    accuracy: float = Field(description="share of made test people whose attribute the model names rightly, 0 to 1")
    words: list[str]


class GapOut(ResponseModel):
    """A stretch of a camera's time that is not in the index, and why."""

    camera: str
    start: str = Field(description="ISO 8601 with zone")
    end: str
    start_ms: int = Field(description="Unix milliseconds")
    end_ms: int
    seconds: float
    reason: str = Field(description="such as not connected, no frames, disk full, waiting, undecodable")
    detail: str


class CoverageOut(ResponseModel):
    """Cameras and time of the query that are not in the index: "nothing found" is not "was not there"."""

    start: str = Field(description="of the range: the query's, or the last day")
    end: str
    camera_count: int = Field(description="cameras that the query is about")
    with_gaps: int = Field(description="of these")
    gaps: list[GapOut] = Field(description="the longest ones, at most 50")
    more_gaps: int = Field(description="gaps that are left out here")
    waiting_s: float = Field(description="recorded and not yet indexed")
    behind_s: float = Field(description="how far the newest indexed moment lies behind, at the worst live camera")


class ChipOut(ResponseModel):
    """A part of the query that was taken for a time, a place or a negation."""

    kind: ChipKind
    words: str = Field(description="as they stand in the query; listed in `without`, they do not count")
    meaning: str = Field(description="in English")
    cameras: list[str] = Field(description="of a place; empty for a time or a negation")


class ParsedQueryOut(ResponseModel):
    """The query taken apart."""

    description: str = Field(description="what is left for the model")
    negations: list[str] = Field(description="what the person does not wear or carry")
    cameras: list[str]
    start: str | None = Field(description="ISO 8601 with zone")
    end: str | None
    chips: list[ChipOut]
    unclear: list[str] = Field(description="looks like a time or a place, and was not understood")


class SearchAnswer(ResponseModel):
    """One page of clips; those below `maybe` are marked `nothing`."""

    id: str = Field(description="name of the answer, by which its other pages are asked for")
    query: str
    parsed: ParsedQueryOut
    verdict: Verdict = Field(description="of the best clip")
    match_from: float | None = Field(description="score from which a clip is a match, as measured on this index")
    maybe_from: float | None = Field(description="and from which it is a maybe")
    offset: int = Field(description="clips before this page")
    more: bool = Field(description="whether there may be clips after it")
    rows: int = Field(description="size of the index that was searched")
    took_ms: int
    hints: list[HintOut] = Field(description="words of the query that the model is weak at")
    coverage: CoverageOut
    clips: list[ClipOut]


class CameraOut(ResponseModel):
    """A camera and what is recorded of it; times are None without recordings."""

    id: str
    name: str
    district: str
    lat: float | None
    lon: float | None
    clock_offset_ms: int
    segments: int
    indexed: int
    first_ms: int | None
    last_ms: int | None
    first: str | None = Field(description="ISO 8601 with zone")
    last: str | None


class CamerasOut(ResponseModel):
    """All cameras by id."""

    cameras: list[CameraOut]


class WorkOut(ResponseModel):
    """A recording that is being indexed, and how far."""

    camera: str
    path: str = Field(description="name of the file")
    offset_ms: int
    duration_ms: int = Field(description="0 while it is not known")


class RefusedOut(ResponseModel):
    """A file that could not become a recording."""

    path: str
    reason: str
    message: str
    cure: str
    time_ms: int


class StatusOut(ResponseModel):
    """The index at this moment."""

    version: str
    model: str
    rows: int
    camera_count: int
    segments: dict[str, int] = Field(description="recordings by state: pending, leased, indexed, skipped")
    indexing: list[WorkOut]
    refused_count: int
    refused: list[RefusedOut] = Field(description="the first hundred")


class HealthOut(ResponseModel):
    """All parts answer."""

    status: str
    checks: dict[str, str]


class Problem(BaseModel):
    """The shape of every error, whatever its status."""

    error: str = Field(description="kind of error")
    what: str = Field(description="what went wrong")
    got: str = Field(description="the offending value, shortened")
    expected: str = Field(description="what would have been right")
    cure: str = Field(description="what to do now")


class Refusal(Problem):
    """The error of a request that is refused for what it asks, or for where it comes from."""

    rule: str | None = Field(
        default=None, description="the rule that refuses a query: ethnicity, religion, politics, protest or intimate"
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's entries for the errors of a route."""
    known: dict[int | str, dict[str, Any]] = {
        status: {"model": Refusal if status == 403 else Problem} for status in (400, 401, 403, *statuses)
    }
    return known | {"default": {"model": Problem, "description": "any other error"}}
