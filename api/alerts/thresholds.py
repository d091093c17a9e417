"""Saved searches: from which score on a new row raises an alert, measured on what is already indexed. Pure.

The same rule decides what raises an alert and what would have raised one, so that the two cannot drift apart. It takes
the events of a camera in order of time and lets one through where no other lies within the cool-down and the day
(UTC) has room. Taking the earliest gives the most events that fit at all, so a higher threshold never raises more:
the lowest threshold that keeps to a rate is found by halving.

What a history can tell: in `days` of all watched cameras (camera-hours / 24 / cameras), `raised` alerts are a rate of
``raised / days``; with 95 % confidence the true rate is at most the Poisson bound, which for none raised is 3 / days
(the rule of three). Below `ENOUGH_HOURS` camera-hours nothing is measured: some alerts a day are less than one alert
there, so that one appearance of the very person who is looked for would silence the search. The threshold is then the
score from which the index itself calls a clip a match, and the answer says `too_short`.

The background of an index moves as it grows, and with it the score of one and the same image. A threshold that was
measured on one scale promises nothing on another, so a saved search keeps the `Curve` that it was measured by.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from search.types import Row, RowKind

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
ENOUGH_HOURS = 24.0
_CONFIDENCE = 0.95
_KINDS = tuple(RowKind)
_COSINES = np.linspace(-1.0, 1.0, 401)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Limits of one camera's alerts: least milliseconds between two, and most on one day (UTC)."""

    cool_down_ms: int
    per_camera_per_day: int

    def __post_init__(self) -> None:
        if not 0 <= self.cool_down_ms <= DAY_MS:
            raise BadInput(
                "the cool-down is out of range", got=f"{self.cool_down_ms / 1000:g} s", expected="0 to 86400 s"
            )
        if not 1 <= self.per_camera_per_day <= 10_000:
            got = self.per_camera_per_day
            raise BadInput("the limit per camera and day is out of range", got=got, expected="1 to 10000")

    def lets_through(self, time_ms: int, taken: Sequence[int]) -> bool:
        """Return whether the rule allows an alert at `time_ms` beside `taken`, the sorted times of the same camera."""
        at = bisect_left(taken, time_ms)
        if any(abs(time_ms - other) < max(1, self.cool_down_ms) for other in taken[max(0, at - 1) : at + 1]):
            return False
        day = time_ms - time_ms % DAY_MS
        return bisect_left(taken, day + DAY_MS) - bisect_left(taken, day) < self.per_camera_per_day

    def most(self, cameras: int) -> float:
        """Return the most alerts that the rule allows on a day for so many cameras, whatever they show."""
        return cameras * min(self.per_camera_per_day, DAY_MS // max(1, self.cool_down_ms) + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Scores of cosines with one query at one time, for each kind of row; `points` float64 (kinds, 401)."""

    points: NDArray[np.float64]

    @classmethod
    def measured(cls, score: Callable[[RowKind, Sequence[float]], Sequence[float]]) -> Curve:
        """Sample a function that scores cosines every 0.005; between two points it is taken as straight."""
        return cls(np.array([score(kind, _COSINES.tolist()) for kind in _KINDS], np.float64))

    def scores(self, rows: Sequence[Row], cosines: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return scores of rows, float64 (n,), from their cosines with the query, (n,)."""
        by_kind = np.array([np.interp(cosines, _COSINES, points) for points in self.points])
        chosen = [_KINDS.index(row.kind) for row in rows]
        return np.asarray(by_kind[chosen, np.arange(len(rows))], np.float64)


@dataclass(frozen=True, slots=True)
class Event:
    """The best moment of one subject (a person's track, or one whole frame): what may raise an alert."""

    camera_id: str
    time_ms: int
    score: float
    subject: str


@dataclass(frozen=True, slots=True)
class Span:
    """The amount of history: hours of all watched cameras together, and the number of these cameras."""

    camera_hours: float
    cameras: int

    @property
    def days(self) -> float:
        """Return the days of all watched cameras at once."""
        return self.camera_hours / 24 / self.cameras if self.cameras else 0.0

    @property
    def too_short(self) -> bool:
        """Return whether it is too short to measure a rate of some alerts a day."""
        return self.camera_hours < ENOUGH_HOURS


@dataclass(frozen=True, slots=True)
class Limits:
    """`lowest`: no threshold is below this score. `unproven`: threshold where the history is too short."""

    lowest: float
    unproven: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A threshold, and what it would have raised.

    `expected_per_day` and `at_most_per_day` (95 %) are of all watched cameras, running around the clock; None where
    nothing was sampled yet.
    """

    threshold: float
    raised: int
    history_hours: float
    cameras: int
    expected_per_day: float | None
    at_most_per_day: float | None
    too_short: bool


def subject_of(row: Row) -> str:
    """Return the subject of a row: all crops of a track are one subject, a whole frame is its own."""
    return f"{row.segment_id}-p{row.track}" if row.track else row.id


def best_events(scored: Iterable[tuple[Row, float]]) -> dict[str, tuple[Row, Event]]:
    """Return subject -> its best row and the event of it; of equal ones the row with the smaller id."""
    best: dict[str, tuple[Row, Event]] = {}
    for row, score in scored:
        subject = subject_of(row)
        known = best.get(subject)
        if known is None or (-score, row.id) < (-known[1].score, known[0].id):
            best[subject] = (row, Event(row.camera_id, row.time_ms, score, subject))
    return best


def raised(events: Iterable[Event], rule: AlertRule, earlier: Mapping[str, Sequence[int]] | None = None) -> list[Event]:
    """Return those of `events` that raise an alert, in order of time.

    Args:
        events: all at or above the threshold, one for each subject.
        rule: cool-down and limit.
        earlier: camera id -> times (Unix ms) of its alerts that are there already.
    """
    taken: defaultdict[str, list[int]] = defaultdict(list)
    for camera, times in (earlier or {}).items():
        taken[camera] = sorted(times)
    found = []
    for event in sorted(events, key=lambda e: (e.time_ms, -e.score, e.subject)):
        if rule.lets_through(event.time_ms, taken[event.camera_id]):
            insort(taken[event.camera_id], event.time_ms)
            found.append(event)
    return found


def measured(events: Sequence[Event], span: Span, rule: AlertRule, limits: Limits, alarms_per_day: float) -> Measured:
    """Return the lowest threshold that raises at most `alarms_per_day` over the history, with its expected rates.

    Args:
        events: events of the history, one for each subject; those below `limits.lowest` do not count.
        span: what the history covers.
        rule: cool-down and limit per camera.
        limits: limits of the threshold.
        alarms_per_day: allowed, over all cameras.
    """
    if not (math.isfinite(alarms_per_day) and 0 < alarms_per_day <= 1000):
        raise BadInput("alarms_per_day is out of range", got=alarms_per_day, expected="more than 0, at most 1000")
    likely = [event for event in events if event.score >= limits.lowest]
    if span.too_short:
        threshold = max(limits.lowest, limits.unproven)
    else:
        threshold = _lowest(likely, rule, math.floor(alarms_per_day * span.days), limits.lowest)
    count = len(raised([event for event in likely if event.score >= threshold], rule))
    expected, at_most = _per_day(count, span, rule)
    return Measured(threshold, count, span.camera_hours, span.cameras, expected, at_most, span.too_short)


def poisson_bound(count: int) -> float:
    """Return the largest expectation that gives at most `count` events in 5 % of all cases (exact, one-sided)."""
    from scipy.special import gammaincinv

    return float(gammaincinv(count + 1, _CONFIDENCE))


def _lowest(events: Sequence[Event], rule: AlertRule, allowed: int, lowest: float) -> float:
    """Return the lowest score that raises at most `allowed`, or one just above all if even the best raises more."""

    def fits(threshold: float) -> bool:
        return len(raised([event for event in events if event.score >= threshold], rule)) <= allowed

    steps = sorted({event.score for event in events})
    if fits(lowest):
        return lowest
    low, high = 0, len(steps)  # the step at `low` does not fit, the one at `high` does
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(steps[middle]) else (middle, high)
    return steps[high] if high < len(steps) else math.nextafter(steps[-1], math.inf)


def _per_day(count: int, span: Span, rule: AlertRule) -> tuple[float | None, float | None]:
    """Return the expected alerts a day and their upper bound, each at most what the rule allows."""
    if not span.days:
        return None, None
    most = rule.most(span.cameras)
    return min(most, count / span.days), min(most, poisson_bound(count) / span.days)
