"""Responses about live cameras, as OpenAPI describes them."""

from __future__ import annotations

from pydantic import Field

from api.web.schemas.search import ResponseModel


class AlarmOut(ResponseModel):
    """A fault that a person must attend to."""

    kind: str = Field(description="stable: recorder, disk, cameras, lag")
    message: str


class BacklogOut(ResponseModel):
    """Recordings that wait for the indexer."""

    segments: int
    seconds: float
    oldest_s: float | None = Field(description="how long ago the oldest of them began")


class StreamOut(ResponseModel):
    """One stream of a live camera as it is now."""

    camera: str
    name: str
    role: str = Field(description="main or sub")
    state: str = Field(description="such as recording, no frames, wrong password, recorder not running")
    detail: str
    url: str = Field(description="without user, password and other secrets")
    since: str | None = Field(description="of this state, ISO 8601")
    last_frame_age_s: float | None
    fps: float
    kbit_s: float
    reconnects: int
    clock_jumps: int
    width: int
    height: int
    codec: str
    lag_s: float | None = Field(description="how far its newest indexed moment lies behind; None if it is not indexed")
    waiting_s: float = Field(description="recorded and not yet indexed")
    image: str | None = Field(description="address of its newest sample on this server")


class LiveOut(ResponseModel):
    """All live cameras at this moment."""

    recorder: bool = Field(description="whether one is running")
    alarms: list[AlarmOut]
    backlog: BacklogOut
    disk_free_gib: float
    streams: list[StreamOut]


class TotalsOut(ResponseModel):
    """Coverage of a stretch of time: expected = recorded + missing, recorded = indexed + not_indexed."""

    expected_s: float
    recorded_s: float
    indexed_s: float
    not_indexed_s: dict[str, float] = Field(description="by reason")
    missing_s: dict[str, float] = Field(description="by reason")


class CoverageHourOut(TotalsOut):
    """Coverage of a stretch of a camera's time; the sums hold as in the totals."""

    camera: str
    start: str = Field(description="ISO 8601 with zone")
    end: str
    start_ms: int
    end_ms: int


class CoverageHoursOut(ResponseModel):
    """A line for each live camera and hour in which something was expected."""

    start: str
    end: str
    coverage_hours: list[CoverageHourOut]
    totals: TotalsOut = Field(description="of all hours together")
