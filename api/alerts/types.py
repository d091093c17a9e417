"""Saved searches and their alerts: frozen types that check themselves once, when they are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from api.alerts.thresholds import DAY_MS, AlertRule, Curve, Measured
from search.errors import BadInput
from search.parsing import check_sentence
from search.query import MAX_MARKS
from search.types import Box, Row, Vectors, check_camera_id

MAX_CHARS = 200  # of a name or a case
MAX_CAMERAS = 50_000
MAX_DAYS = 90
USUAL_RULE = AlertRule(cool_down_ms=300_000, per_camera_per_day=20)
OLD_MS = DAY_MS
"""Rows that were recorded earlier than this before they are indexed raise nothing, unless `include_old`."""


class SavedSearchState(StrEnum):
    """The state of a saved search. One of another model compares nothing: it must be saved again."""

    ACTIVE = "active"
    PAUSED = "paused"
    EXPIRED = "expired"
    OTHER_MODEL = "must be saved again"


class Judgement(StrEnum):
    """A person's judgement of an alert."""

    OPEN = "open"
    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class SavedSearchInput:
    """The choices of people in a saved search. `like` are ids of clips that show the person; empty `cameras`: all."""

    name: str
    sentence: str
    expires_ms: int
    case_id: str = ""
    like: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    alarms_per_day: float = 2.0
    rule: AlertRule = USUAL_RULE
    include_old: bool = False
    paused: bool = False

    def __post_init__(self) -> None:
        if self.sentence.strip() or not self.like:
            check_sentence(self.sentence)
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in self.sentence):  # JSON can carry halves of characters
            raise BadInput("the sentence is not readable text", got=ascii(self.sentence), expected="Unicode text")
        for what, text in (("name", self.name), ("case", self.case_id)):
            if len(text) > MAX_CHARS or not text.isprintable():
                expected = f"at most {MAX_CHARS} printable characters"
                raise BadInput(f"the {what} of the saved search cannot be used", got=repr(text), expected=expected)
        for what, count, most in (("marks", len(self.like), MAX_MARKS), ("cameras", len(self.cameras), MAX_CAMERAS)):
            if count > most:
                raise BadInput(f"too many {what}", got=count, expected=f"at most {most}")
        for camera in self.cameras:
            check_camera_id(camera)


def expiry(now_ms: int, days: float) -> int:
    """Return when a saved search ends that lives for so many days from now."""
    if not 0 < days <= MAX_DAYS:
        raise BadInput("days are out of range", got=days, expected=f"more than 0, at most {MAX_DAYS}")
    return now_ms + round(days * DAY_MS)


@dataclass(frozen=True, slots=True, eq=False)
class MatchTarget:
    """The target of comparison: a vector float32 (dim,) of a model, and the threshold with its rates.

    `curve` is the scale on which the threshold was measured: that of the index moves as it grows.
    """

    vector: Vectors
    model: str
    curve: Curve
    measured: Measured


@dataclass(frozen=True, slots=True)
class Webhook:
    """`sealed` is ``URL#SECRET`` encrypted, `shown` the address as it may be printed; `stopped` says why it is."""

    sealed: str
    shown: str
    stopped: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SavedSearch:
    """A saved search that raises an alert when a new row passes its threshold."""

    id: int
    draft: SavedSearchInput
    aim: MatchTarget
    webhook: Webhook | None
    created_ms: int

    def state(self, model: str, now_ms: int) -> SavedSearchState:
        """Return its state in an index of `model`."""
        if self.draft.expires_ms <= now_ms:
            return SavedSearchState.EXPIRED
        if self.draft.paused:
            return SavedSearchState.PAUSED
        return SavedSearchState.ACTIVE if self.aim.model == model else SavedSearchState.OTHER_MODEL

    def watches(self, row: Row, now_ms: int) -> bool:
        """Return whether a new row may raise an alert, whatever its score."""
        fresh = self.draft.include_old or row.time_ms >= now_ms - OLD_MS
        return fresh and (not self.draft.cameras or row.camera_id in self.draft.cameras)


@dataclass(frozen=True, slots=True)
class Alert:
    """A row that passed a saved search's threshold. `start_ms`..`end_ms` is the life of its track."""

    id: int
    standing_id: int
    row_id: str
    camera_id: str
    segment_id: str
    kind: str
    time_ms: int
    start_ms: int
    end_ms: int
    box: Box
    frame_width: int
    frame_height: int
    score: float
    created_ms: int
    seen_ms: int | None
    verdict: Judgement


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """Counts of a saved search's alerts so far; `full` are cameras that reached their limit in the last day."""

    alerts: int = 0
    open: int = 0
    right: int = 0
    wrong: int = 0
    full: tuple[str, ...] = ()

    @property
    def false_share(self) -> float | None:
        """Return the share of the judged alerts that was wrong; None while none is judged."""
        judged = self.right + self.wrong
        return self.wrong / judged if judged else None
