"""The way between places where somebody was surely seen: in order, measured, and told where it cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.geo.reachability import RIDING_MPS, SLACK_M, WALKING_MPS
from search.geo.trail import FASTER, LAST_SEEN, Stop, Trail, beside, step, trail

T = 1_790_000_000_000
LAT, LON = 22.72, 114.25
NORTH_1_KM = 1000 / 111_195


def stop(number: int, minutes: float, km: float | None = 0, camera: str = "") -> Stop:
    lat = None if km is None else LAT + km * NORTH_1_KM
    return Stop(number, T + round(60_000 * minutes), camera or f"cam{number}", "", lat, None if km is None else LON)


def test_stops_come_in_order_of_time() -> None:
    told = trail([stop(2, 30, 1), stop(LAST_SEEN, 0), stop(1, 50, 2)], WALKING_MPS)
    assert [s.number for s in told.stops] == [LAST_SEEN, 2, 1]
    first, second = told.steps
    assert (first.start.number, first.end.number, second.end.number) == (LAST_SEEN, 2, 1)
    assert first.metres == pytest.approx(1000, rel=1e-4)
    assert first.seconds == 1800
    assert first.needed_mps == pytest.approx((1000 - SLACK_M) / 1860, rel=1e-3)
    assert (first.possible, first.why) == (True, "")
    assert len(told.points) == 3


def test_an_impossible_jump_is_said() -> None:
    jump = step(stop(1, 0), stop(2, 5, 10), WALKING_MPS)
    assert jump.possible is False
    assert jump.why.startswith("10.0 km from cam1 to cam2 in 5 min: that is at least 27.4 m/s")
    assert step(stop(1, 0), stop(2, 20, 10), RIDING_MPS).possible is True
    assert "2 h 5 min" in step(stop(1, 0), stop(2, 125.5, 900), WALKING_MPS).why


def test_two_places_at_once() -> None:
    apart = step(stop(1, 0), stop(2, 0, 1), WALKING_MPS)
    assert (apart.possible, apart.why) == (False, "at cam1 and cam2 at the same moment, 1.0 km apart")
    assert step(stop(1, 0), stop(2, 0, 0.1), WALKING_MPS).possible is True  # they may look at one another


@pytest.mark.parametrize("speed", [WALKING_MPS, RIDING_MPS, 0.5])
def test_where_the_border_is(speed: float) -> None:
    just = (SLACK_M + FASTER * speed * (600 + 60)) / 1000
    assert step(stop(1, 0), stop(2, 10, just - 0.01), speed).possible is True
    assert step(stop(1, 0), stop(2, 10, just + 0.01), speed).possible is False


def test_without_coordinates_nobody_can_say() -> None:
    lost = step(stop(1, 0, None), stop(2, 5), WALKING_MPS)
    assert (lost.metres, lost.needed_mps, lost.possible) == (None, None, None)
    assert lost.why == "nobody can say: cam1 has no coordinates"
    both = step(stop(1, 0, None), stop(2, 5, None), WALKING_MPS)
    assert both.why == "nobody can say: cam1 and cam2 have no coordinates"
    here = step(stop(1, 0, None, "gate"), stop(2, 5, None, "gate"), WALKING_MPS)
    assert (here.metres, here.possible) == (0, True)


def test_what_a_stop_is_called() -> None:
    assert Stop(1, T, "gate", "at the school").name == "gate"
    assert Stop(0, T, "", "at the school", LAT, LON).name == "at the school"
    assert Stop(0, T, "", "", LAT, LON).name == "22.72000, 114.25000"
    assert Stop(0, T).name == "an unknown place"


def numbers(told: Trail, number: int) -> list[int]:
    return [s.number for s in beside(told, number, WALKING_MPS)]


def test_neighbours() -> None:
    told = trail([stop(0, 0), stop(1, 20, 1), stop(2, 40, None), stop(3, 60, 1), stop(4, 61, 9)], WALKING_MPS)
    assert numbers(told, 1) == [0, 1, 3]  # 2 is not on the map
    assert numbers(told, 2) == [1, 3]  # nor itself
    assert numbers(told, 0) == [0, 1]
    assert numbers(told, 3) == [1, 3]  # 4 cannot be the same person
    with pytest.raises(KeyError):
        beside(told, 9, WALKING_MPS)
    assert trail([], WALKING_MPS) == Trail((), ())


found = st.builds(
    lambda number, minutes, km: stop(number, minutes, km),
    st.integers(0, 9),
    st.integers(-600, 600),
    st.none() | st.floats(-9, 9),
)


@given(st.lists(found, max_size=8, unique_by=lambda s: s.number), st.randoms(), st.floats(0.1, 60))
def test_any_order_gives_the_same_trail(stops: list[Stop], chance: object, speed: float) -> None:
    told = trail(stops, speed)
    chance.shuffle(stops)  # type: ignore[attr-defined]
    assert trail(stops, speed) == told
    assert sorted(s.number for s in told.stops) == sorted(s.number for s in stops)
    assert len(told.steps) == max(0, len(stops) - 1)
    for one in told.steps:
        assert one.seconds >= 0
        assert (one.possible is True) == (one.why == "")
        assert (one.metres is None) == (one.possible is None)
