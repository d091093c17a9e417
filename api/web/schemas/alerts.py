"""Requests and responses of the routes of saved searches and alerts, as OpenAPI describes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from api.alerts import MAX_CAMERAS, MAX_DAYS, AlertRule, Judgement, SavedSearchInput, expiry
from api.web.schemas.search import ResponseModel
from search.query import MAX_MARKS

USUAL_DAYS = 7.0
Name = Annotated[StrictStr, Field(description="for people; empty: the sentence")]
Sentence = Annotated[StrictStr, Field(description="what the person looks like", examples=["a woman in a yellow coat"])]
Marks = Annotated[list[StrictStr], Field(max_length=MAX_MARKS, description="ids of clips that show the person")]
Cameras = Annotated[list[StrictStr], Field(max_length=MAX_CAMERAS, description="camera ids; empty: all")]
Rate = Annotated[float, Field(gt=0, le=1000, description="false alarms that are tolerated, over all cameras")]
CoolDown = Annotated[float, Field(ge=0, le=86400, description="seconds between two alerts of one camera")]
PerDay = Annotated[int, Field(ge=1, le=10_000, description="most alerts of one camera on one day (UTC)")]
Days = Annotated[float, Field(gt=0, le=MAX_DAYS, description="from now, until it ends")]
Old = Annotated[StrictBool, Field(description="alert also for what was recorded more than a day before it is indexed")]
Url = Annotated[
    StrictStr | None, Field(description="https://..., or http:// to this machine or a private address", max_length=2000)
]


class SavedSearchIn(BaseModel):
    """A saved search to be previewed or saved: a sentence, clips that show the person, or both."""

    model_config = ConfigDict(extra="forbid")

    query: Sentence = ""
    name: Name = ""
    case: StrictStr = Field(default="", description="the case that it belongs to; asked for by a setting")
    reason: StrictStr = Field(default="", max_length=2000, description="why; asked for by the same setting")
    like: Marks = []
    cameras: Cameras = []
    alarms_per_day: Rate = 2.0
    cool_down_s: CoolDown = 300.0
    per_camera_per_day: PerDay = 20
    days: Days = USUAL_DAYS
    include_old: Old = False
    paused: StrictBool = False
    webhook_url: Url = None

    def draft(self, now_ms: int) -> SavedSearchInput:
        """Return what people chose, checked."""
        return SavedSearchInput(
            name=self.name.strip() or self.query.strip()[:100] or "clips that show the person",
            sentence=self.query,
            expires_ms=expiry(now_ms, self.days),
            case_id=self.case,
            like=tuple(self.like),
            cameras=tuple(self.cameras),
            alarms_per_day=self.alarms_per_day,
            rule=AlertRule(round(1000 * self.cool_down_s), self.per_camera_per_day),
            include_old=self.include_old,
            paused=self.paused,
        )


class SavedSearchChange(BaseModel):
    """A change; what is left out stays. A new query, clips, cameras, rate, cool-down or limit means a new threshold."""

    model_config = ConfigDict(extra="forbid")

    query: Sentence | None = None
    name: Name | None = None
    case: StrictStr | None = None
    like: Marks | None = None
    cameras: Cameras | None = None
    alarms_per_day: Rate | None = None
    cool_down_s: CoolDown | None = None
    per_camera_per_day: PerDay | None = None
    days: Days | None = None
    include_old: Old | None = None
    paused: StrictBool | None = None
    measure: StrictBool = Field(default=False, description="measure the threshold again, with the index's model of now")
    webhook_url: Url = Field(default=None, description="a new address gets a new secret; null removes the webhook")

    @property
    def sets_webhook(self) -> bool:
        """Return whether the webhook is to be changed or removed."""
        return "webhook_url" in self.model_fields_set

    def draft(self, before: SavedSearchInput, now_ms: int) -> SavedSearchInput:
        """Return `before` with the changes."""
        rule = AlertRule(
            before.rule.cool_down_ms if self.cool_down_s is None else round(1000 * self.cool_down_s),
            self.per_camera_per_day or before.rule.per_camera_per_day,
        )
        lists = {"like": self.like, "cameras": self.cameras}
        plain: dict[str, Any] = {
            "name": self.name,
            "sentence": self.query,
            "case_id": self.case,
            "paused": self.paused,
        }
        plain |= {"alarms_per_day": self.alarms_per_day, "include_old": self.include_old}
        changes: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
        changes |= {name: tuple(value) for name, value in lists.items() if value is not None}
        if self.days is not None:
            changes["expires_ms"] = expiry(now_ms, self.days)
        return replace(before, **changes, rule=rule)


class AlertChange(BaseModel):
    """A person's judgement of an alert, which also means that it was seen."""

    model_config = ConfigDict(extra="forbid")

    seen: StrictBool | None = None
    judgement: Judgement | None = None

    @model_validator(mode="after")
    def _check_not_empty(self) -> AlertChange:
        if self.seen is None and self.judgement is None:
            raise ValueError("give seen, judgement or both")
        return self


class MeasuredOut(ResponseModel):
    """A threshold, measured on what was indexed when it was saved.

    Rates are of all watched cameras, running around the clock. A history that is too short proves no rate: then the
    threshold is the index's score for a match, and what is expected may be the very person who is looked for.
    """

    threshold: float = Field(description="score from which a row raises an alert")
    raised: int = Field(description="alerts that the history would have raised")
    history_hours: float = Field(description="indexed hours of all watched cameras together")
    camera_count: int = Field(description="cameras that are watched")
    expected_per_day: float | None = Field(description="by the history; null while nothing is indexed")
    at_most_per_day: float | None = Field(description="95 % upper bound (Poisson; rule of three where none was raised)")
    too_short: bool = Field(description="under 24 camera-hours")


class AlertCountsOut(ResponseModel):
    """Counts of its alerts."""

    raised: int
    open: int
    right: int
    wrong: int
    false_share: float | None = Field(description="wrong of those judged; null while none is")
    per_day: float | None = Field(description="raised a day since it was saved; null on its first day")
    full_cameras: list[str] = Field(
        description="that reached their limit on a day, since yesterday: more was not raised"
    )


class WebhookOut(ResponseModel):
    """The address of a webhook, and the deliveries of the last week."""

    url: str = Field(description="without what may be secret")
    stopped: str = Field(description="why nothing is sent any more; empty: it is")
    waiting: int
    delivered: int
    failed: int = Field(description="given up after seven tries over some eight hours")
    dropped: int
    last_fault: str


class SavedSearchOut(ResponseModel):
    """A saved search as it is now."""

    number: int
    name: str
    query: str
    case: str
    like: list[str]
    cameras: list[str]
    alarms_per_day: float
    cool_down_s: float
    per_camera_per_day: int
    include_old: bool
    paused: bool
    expires_ms: int
    expires: str
    created_ms: int
    created: str
    model: str
    state: str = Field(
        description="active, paused, expired, or must be saved again (PATCH with measure: another model)"
    )
    measured: MeasuredOut
    alert_counts: AlertCountsOut
    webhook: WebhookOut | None
    webhook_secret: str | None = Field(default=None, description="of a webhook that was just set; shown this once")


class FaultsOut(ResponseModel):
    """Counts of failed comparisons of new rows; all but `rows_missed` were compared later."""

    count: int
    rows_missed: int
    last_ms: int | None
    last: str | None
    message: str


class SavedSearchesOut(ResponseModel):
    """All saved searches by number."""

    saved_searches: list[SavedSearchOut]
    faults: FaultsOut


class PreviewOut(ResponseModel):
    """The threshold that a saved search would have, and its expected alerts."""

    cameras: list[str] = Field(description="with those that the sentence names; empty: all")
    measured: MeasuredOut


class AlertOut(ResponseModel):
    """A row that passed a saved search's threshold."""

    number: int
    saved_search: int = Field(description="its number")
    saved_search_name: str
    query: str
    clip: str = Field(description="id of the clip, for marks and sightings")
    camera: str
    segment: str
    kind: str
    time_ms: int
    time: str
    start_ms: int
    end_ms: int
    box: tuple[int, int, int, int] = Field(description="xyxy, pixels of frame_width x frame_height")
    frame_width: int
    frame_height: int
    score: float
    created_ms: int
    created: str
    seen_ms: int | None
    judgement: Judgement
    thumbnail: str | None = Field(description="address on this server; null when the recording is deleted")
    clip_url: str | None


class AlertsOut(ResponseModel):
    """Alerts, the newest first."""

    alerts: list[AlertOut]
    more: bool = Field(description="whether some above `after` are left out")


class TrialOut(ResponseModel):
    """The receiver's answer to a test."""

    delivered: bool
    message: str
