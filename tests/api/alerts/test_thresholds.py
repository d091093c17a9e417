from __future__ import annotations

import math
from dataclasses import replace
from itertools import cycle, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.thresholds import (
    DAY_MS,
    AlertRule,
    Curve,
    Event,
    Limits,
    Measured,
    Span,
    best_events,
    measured,
    poisson_bound,
    raised,
)
from search.errors import BadInput
from search.types import RowKind
from tests.search.ranking.test_clips import hit

LIMITS = Limits(lowest=2.0, unproven=3.7)
RULE = AlertRule(cool_down_ms=300_000, per_camera_per_day=20)
ENOUGH = Span(camera_hours=96.0, cameras=2)  # two days of both

rules = st.builds(AlertRule, cool_down_ms=st.integers(0, 3_600_000), per_camera_per_day=st.integers(1, 6))
rates = st.floats(0.1, 20)
spans = st.builds(Span, camera_hours=st.floats(24, 400), cameras=st.integers(1, 5))


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    count = draw(st.integers(0, 40))
    return [
        Event(
            draw(st.sampled_from("abc")),
            draw(st.integers(0, 3 * DAY_MS // 60_000)) * 60_000,
            draw(st.integers(0, 60)) / 10,
            f"subject {n}",
        )
        for n in range(count)
    ]


def over(found: list[Event], threshold: float) -> list[Event]:
    return [event for event in found if event.score >= threshold]


@given(events(), rules)
def test_what_is_raised_keeps_to_the_rule(found: list[Event], rule: AlertRule) -> None:
    alerts = raised(found, rule)
    assert set(alerts) <= set(found)
    for camera in "abc":
        times = [event.time_ms for event in alerts if event.camera_id == camera]
        assert all(b - a >= max(1, rule.cool_down_ms) for a, b in pairwise(times))
        days = [time // DAY_MS for time in times]
        assert all(days.count(day) <= rule.per_camera_per_day for day in days)


@given(events(), rules)
def test_what_is_not_raised_has_an_alert_near_or_a_full_day(found: list[Event], rule: AlertRule) -> None:
    alerts = raised(found, rule)
    for event in set(found) - set(alerts):
        times = [alert.time_ms for alert in alerts if alert.camera_id == event.camera_id]
        near = any(abs(event.time_ms - time) < max(1, rule.cool_down_ms) for time in times)
        assert near or sum(time // DAY_MS == event.time_ms // DAY_MS for time in times) == rule.per_camera_per_day


@given(events(), rules, st.integers(0, 40))
def test_more_events_never_raise_fewer(found: list[Event], rule: AlertRule, count: int) -> None:
    assert len(raised(found[:count], rule)) <= len(raised(found, rule))


@given(events(), rules)
def test_a_second_look_at_the_same_raises_nothing_near_what_there_is(found: list[Event], rule: AlertRule) -> None:
    first = raised(found, rule)
    there = {camera: [event.time_ms for event in first if event.camera_id == camera] for camera in "abc"}
    assert raised(first, rule, there) == []


@given(events(), spans, rules, rates)
def test_the_threshold_is_the_lowest_that_keeps_to_the_rate(
    found: list[Event], span: Span, rule: AlertRule, rate: float
) -> None:
    answer = measured(found, span, rule, LIMITS, rate)
    assert answer.threshold >= LIMITS.lowest
    assert answer.raised == len(raised(over(found, answer.threshold), rule)) <= rate * span.days
    lower = [score for score in {event.score for event in found} | {LIMITS.lowest} if score < answer.threshold]
    for score in lower:
        if score >= LIMITS.lowest and over(found, score) != over(found, answer.threshold):
            assert len(raised(over(found, score), rule)) > math.floor(rate * span.days)


@given(events(), spans, rules, rates, rates)
def test_who_allows_more_alarms_gets_no_higher_threshold(
    found: list[Event], span: Span, rule: AlertRule, one: float, other: float
) -> None:
    few, many = (measured(found, span, rule, LIMITS, rate) for rate in sorted((one, other)))
    assert many.threshold <= few.threshold
    assert many.raised >= few.raised


@given(events(), rules, rates)
def test_longer_without_more_events_gives_no_higher_threshold(found: list[Event], rule: AlertRule, rate: float) -> None:
    short, long = (measured(found, Span(hours, 2), rule, LIMITS, rate) for hours in (30.0, 90.0))
    assert long.threshold <= short.threshold


@given(events(), spans, rules, rates)
def test_the_order_of_the_history_does_not_matter(found: list[Event], span: Span, rule: AlertRule, rate: float) -> None:
    assert measured(found, span, rule, LIMITS, rate) == measured(found[::-1], span, rule, LIMITS, rate)


def daily(scores: list[float]) -> list[Event]:
    """One event an hour, far enough apart to be an alert each."""
    return [Event("a", n * 3_600_000, score, f"s{n}") for n, score in enumerate(scores)]


def test_two_a_day_over_two_days_are_the_four_best() -> None:
    answer = measured(daily([5.0, 4.0, 3.5, 3.0, 2.9, 2.5]), ENOUGH, RULE, LIMITS, 2.0)
    bound = poisson_bound(4) / 2
    assert answer == Measured(3.0, 4, 96.0, 2, 2.0, bound, too_short=False)


def test_a_quiet_history_is_bounded_by_the_rule_of_three() -> None:
    answer = measured(daily([1.0, 1.5]), ENOUGH, RULE, LIMITS, 2.0)
    assert (answer.threshold, answer.raised, answer.expected_per_day) == (LIMITS.lowest, 0, 0.0)
    assert answer.at_most_per_day == pytest.approx(3 / 2, abs=0.01)


def test_where_not_one_alert_is_allowed_the_threshold_lies_above_all_that_was_seen() -> None:
    answer = measured(daily([5.0, 4.0]), Span(24.0, 24), RULE, LIMITS, 2.0)
    assert answer.raised == 0
    assert 5.0 < answer.threshold < 5.001


def test_ties_are_all_in_or_all_out() -> None:
    answer = measured(daily([4.0, 3.0, 3.0, 3.0]), Span(24.0, 1), RULE, LIMITS, 2.0)
    assert (answer.threshold, answer.raised) == (4.0, 1)


def test_four_minutes_of_samples_prove_nothing_and_do_not_silence_the_search() -> None:
    answer = measured(daily([6.0, 3.8]), Span(0.07, 4), RULE, LIMITS, 2.0)
    assert answer.too_short
    assert answer.threshold == LIMITS.unproven
    assert answer.raised == 2
    assert answer.expected_per_day == RULE.most(4)  # thousands by the history, but never more than the limit


def test_an_empty_index_has_nothing_to_expect() -> None:
    answer = measured([], Span(0.0, 0), RULE, LIMITS, 2.0)
    assert (answer.expected_per_day, answer.at_most_per_day, answer.too_short) == (None, None, True)


def test_a_cool_down_and_a_limit_bound_what_can_be_expected() -> None:
    assert AlertRule(300_000, 20).most(4) == 80
    assert AlertRule(43_200_000, 20).most(1) == 3


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (10, 16.962)])
def test_the_bound_is_that_of_the_tables(count: int, bound: float) -> None:
    assert poisson_bound(count) == pytest.approx(bound, abs=0.001)


def test_of_a_track_its_best_row_counts_and_frames_stand_for_themselves() -> None:
    crops = [hit(1000, n=3), hit(2000, n=3), hit(3000, n=4)]
    frames = [hit(1500), hit(2500)]
    rows = [h.row for h in (*crops, *frames)]
    best = best_events(zip(rows, (1.0, 3.0, 2.0, 0.5, 0.4), strict=True))
    assert sorted((event.subject, event.time_ms, event.score) for _, event in best.values()) == [
        ("a-s-1500-0", 1500, 0.5),
        ("a-s-2500-0", 2500, 0.4),
        ("s-p3", 2000, 3.0),
        ("s-p4", 3000, 2.0),
    ]


@given(st.lists(st.floats(-1, 1), max_size=20), st.floats(0.01, 1), st.floats(-0.5, 0.5))
def test_a_curve_gives_a_straight_function_back_for_each_kind(cosines: list[float], unit: float, zero: float) -> None:
    units = {RowKind.PERSON: unit, RowKind.FRAME: 2 * unit}
    curve = Curve.measured(lambda kind, xs: [(x - zero) / units[kind] for x in xs])
    rows = [replace(hit(n).row, kind=kind) for n, kind in zip(range(len(cosines)), cycle(RowKind), strict=False)]
    expected = [(x - zero) / units[r.kind] for x, r in zip(cosines, rows, strict=True)]
    assert curve.scores(rows, np.array(cosines)) == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf, 1001.0])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(BadInput, match="alarms_per_day"):
        measured([], ENOUGH, RULE, LIMITS, rate)


@pytest.mark.parametrize(("cool_down", "limit"), [(-1, 1), (DAY_MS + 1, 1), (0, 0), (0, 10_001)])
def test_an_impossible_rule_is_refused(cool_down: int, limit: int) -> None:
    with pytest.raises(BadInput):
        AlertRule(cool_down, limit)
