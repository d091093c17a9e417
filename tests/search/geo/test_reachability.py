"""Who can have got where: the score, the filter in front of it, and what both must agree on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from search.errors import BadInput
from search.geo.reachability import (
    MOST_OFF,
    RIDING_MPS,
    SLACK_M,
    SLACK_MS,
    WALKING_MPS,
    Point,
    Reach,
    distance_m,
    places_of,
    reachable,
)
from search.types import MAX_TIME_MS, Box, Camera, Clip, Filter, Hit, Row, RowKind
from search.vector_store.checks import lets_through

T = 1_790_000_000_000
HOUR = 3_600_000
LAT, LON = 22.72, 114.25
NORTH_1_KM = 1000 / 111_195  # degrees of latitude

degrees = st.floats(-0.05, 0.05)  # about 5 km around
moments = st.integers(T - 6 * HOUR, T + 6 * HOUR)
places = st.tuples(degrees.map(lambda d: LAT + d), degrees.map(lambda d: LON + d))
points = st.builds(lambda place, at: Point(place[0], place[1], at), places, moments)
reaches = st.builds(
    lambda found, speed, place: Reach(tuple(found), speed, places={"there": place}),
    st.lists(points, min_size=1, max_size=5),
    st.sampled_from([WALKING_MPS, RIDING_MPS, 0.3]),
    places,
)
spans = st.tuples(moments, st.integers(0, 10 * HOUR)).map(lambda it: (it[0], it[0] + it[1]))


def at(km: float, minutes: float) -> Point:
    return Point(LAT + km * NORTH_1_KM, LON, T + round(60_000 * minutes))


def reach(*seen: Point, km: float = 0, speed: float = WALKING_MPS, hard: bool = False) -> Reach:
    """Of one camera, so many kilometres north of the place."""
    return Reach(seen, speed, hard, {"there": (LAT + km * NORTH_1_KM, LON)})


def row(camera: str, start: int, end: int) -> Row:
    return Row("r", camera, "s", RowKind.PERSON, 1, start, start, end, Box(0, 0, 1, 1), 2, 2)


def off(told: Reach, minutes: float, until: float | None = None) -> float:
    start = T + round(60_000 * minutes)
    return told.off("there", start, start if until is None else T + round(60_000 * until))


def lets(told: Reach, minutes: float) -> bool:
    start = T + round(60_000 * minutes)
    return lets_through(Filter(windows=told.windows(["there"])), row("there", start, start))


def test_distances() -> None:
    assert distance_m(LAT, LON, LAT + NORTH_1_KM, LON) == pytest.approx(1000, rel=1e-4)
    assert distance_m(52.5163, 13.3777, 48.8584, 2.2945) == pytest.approx(879_700, rel=2e-3)  # Berlin to Paris
    assert distance_m(0, 180, 0, -180) == pytest.approx(0, abs=1e-6)
    assert distance_m(90, 0, 90, 77) == pytest.approx(0, abs=1e-6)


def test_a_circle_that_widens_both_ways() -> None:
    told = reach(at(0, 0), km=1.5)
    needed = ((1500 - SLACK_M) / WALKING_MPS - SLACK_MS / 1000) / 60
    for minutes in (needed + 0.1, -needed - 0.1, 600):
        assert off(told, minutes) == 0
        assert lets(told, minutes)
    for minutes in (needed - 0.1, 1 - needed, 0):
        assert off(told, minutes) < 0
    assert not lets(told, needed / 2)
    assert off(told, 0) == -MOST_OFF
    assert -1.1 < off(told, (needed + 1) / 2 - 1) < -0.9  # half the time: one doubling


def test_who_rides_gets_further() -> None:
    assert off(reach(at(0, 0), km=1.5), 4) < 0
    assert off(reach(at(0, 0), km=1.5, speed=RIDING_MPS), 4) == 0


def test_between_two_points_both_must_be_reached() -> None:
    told = reach(at(0, 0), at(0, 30), km=1)
    assert off(told, 15) == 0
    assert off(told, 5) < 0
    assert off(told, 25) < 0
    assert off(told, 45) == 0
    assert off(told, -15) == 0
    never = reach(at(0, 0), at(0, 10), km=1)  # ten minutes do not suffice to go there and back
    assert all(off(never, minutes) < 0 for minutes in range(11))
    assert off(never, 0, 10) < 0  # both can be reached from a moment of it, but not from the same
    assert not any(lets(never, minutes) for minutes in range(11))


def test_a_long_clip_is_within_reach_if_one_moment_of_it_is() -> None:
    told = reach(at(0, 0), km=1.5)
    assert off(told, -40, 0.5) == 0
    assert off(told, -0.5, 40) == 0
    assert off(told, -40, 40) == 0


def test_a_camera_without_coordinates_is_always_within_reach() -> None:
    told = replace(reach(at(0, 0)), places={})
    assert told.off("there", T, T) == 0
    assert lets(told, 0)
    assert lets(told, -1e6)


@given(reaches, spans)
def test_a_camera_without_coordinates_whatever_the_points(told: Reach, span: tuple[int, int]) -> None:
    assert told.off("elsewhere", *span) == 0
    assert lets_through(Filter(windows=told.windows(["elsewhere", "there"])), row("elsewhere", *span))


def _there_and_back() -> Reach:
    return reach(at(0, 0), at(0, 10), km=1)


@given(reaches, spans)
@example(_there_and_back(), (T, T + 600_000))
@example(reach(Point(LAT, LON, 0), km=2), (0, 10))
@example(reach(Point(LAT, LON, MAX_TIME_MS)), (T, T))
def test_the_filter_keeps_all_that_is_within_reach(told: Reach, span: tuple[int, int]) -> None:
    windows = told.windows(["there"])
    if told.off("there", *span) == 0:
        assert lets_through(Filter(windows=windows), row("there", *span))


@given(reaches, st.integers(0, 4), st.sampled_from([-1, 1]), st.integers(-2, 2), st.integers(0, 9000))
def test_the_filter_keeps_what_is_just_within_reach(told: Reach, of: int, way: int, more: int, length: int) -> None:
    point = told.points[of % len(told.points)]
    metres = max(1.0, distance_m(point.lat, point.lon, *told.places["there"]) - SLACK_M)
    border = point.time_ms + way * (round(1000 * metres / told.speed_mps) - SLACK_MS + more)
    start = border if way < 0 else border - length
    if told.off("there", start, start + length) == 0:
        assert lets_through(Filter(windows=told.windows(["there"])), row("there", start, start + length))


@given(reaches, spans)
def test_time_may_run_backwards(told: Reach, span: tuple[int, int]) -> None:
    assume(len({p.time_ms for p in told.points}) == len(told.points))  # at two places at once: nothing is right
    back = replace(told, points=tuple(replace(p, time_ms=2 * T - p.time_ms) for p in told.points))
    start, end = 2 * T - span[1], 2 * T - span[0]
    assert back.off("there", start, end) == pytest.approx(told.off("there", *span), abs=1e-6)
    there, mirrored = told.windows(["there"]), back.windows(["there"])
    assert lets_through(Filter(windows=there), row("there", *span)) == lets_through(
        Filter(windows=mirrored), row("there", start, end)
    )


@given(reaches, spans, st.integers(0, HOUR), st.integers(0, HOUR))
def test_a_longer_stay_is_never_further_off(told: Reach, span: tuple[int, int], before: int, after: int) -> None:
    short = told.off("there", *span)
    assert -MOST_OFF <= short <= 0
    assert told.off("there", span[0] - before, span[1] + after) >= short - 1e-9


@given(reaches, spans, st.randoms())
def test_the_order_of_the_points_does_not_matter(told: Reach, span: tuple[int, int], chance: object) -> None:
    shuffled = list(told.points)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert replace(told, points=tuple(shuffled)).off("there", *span) == told.off("there", *span)


def test_clips_are_told_and_hard_ones_left_out() -> None:
    hit = Hit(row("there", T, T), 5.0)
    near, far = (Clip("there", "s", T + m, T + m, hit, (hit,)) for m in (HOUR, 0))
    soft = reachable([near, far], reach(at(0, 0), km=1.5))
    assert [clip.score for clip in soft] == [5.0, 5.0 - MOST_OFF]
    assert str(soft[0].reach) == "0.0"  # not -0.0, which JSON would show
    assert reachable([near, far], reach(at(0, 0), km=1.5, hard=True)) == soft[:1]


def test_places() -> None:
    assert places_of([Camera("a", lat=1, lon=2), Camera("b")]) == {"a": (1, 2)}


@pytest.mark.parametrize("speed", [0, -1, 61, float("nan")])
def test_speeds_of_nobody(speed: float) -> None:
    with pytest.raises(BadInput, match="speed"):
        Reach((at(0, 0),), speed)


def test_points_that_are_none() -> None:
    with pytest.raises(BadInput, match="nobody knows"):
        Reach(())
    for lat, lon in ((91, 0), (0, 181), (float("nan"), 0)):
        with pytest.raises(BadInput, match="not a place on earth"):
            Point(lat, lon, T)
