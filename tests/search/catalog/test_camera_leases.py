"""Recorders share cameras: never two for one, none left alone for long, nearly the same number for each."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from search.catalog import camera_leases
from search.catalog.camera_leases import CameraLeases
from search.catalog.catalog import Catalog

LEASE_S = 8.0


class Clock:
    """Milliseconds that the test turns."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def beat(self) -> None:
        self.ms += 2000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(camera_leases, "database_ms", lambda _: made.ms)
    return made


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        yield opened


def recorder(catalog: Catalog, name: str) -> CameraLeases:
    return CameraLeases(catalog.database, name, f"host:{name}", "folder", LEASE_S)


def cameras(count: int) -> list[str]:
    return [f"cam-{n:03d}" for n in range(count)]


def shared(there: list[CameraLeases], clock: Clock, count: int) -> list[frozenset[str]]:
    """What each holds after a while in which nothing happens."""
    for _ in range(12):
        clock.beat()
        for one in there:
            one.hand_over(one.beat(cameras(count)).requested)
    return [one.beat(cameras(count)).cameras for one in there]


def test_one_alone_takes_all_at_once(catalog: Catalog, clock: Clock) -> None:
    held = recorder(catalog, "a").beat(cameras(1200))
    assert (len(held.cameras), held.requested, held.recorders) == (1200, frozenset(), 1)


def test_a_second_one_is_handed_its_half(catalog: Catalog, clock: Clock) -> None:
    a, b = recorder(catalog, "a"), recorder(catalog, "b")
    a.beat(cameras(7))
    assert b.beat(cameras(7)).cameras == frozenset()
    clock.beat()
    held = a.beat(cameras(7))
    assert (len(held.cameras), len(held.requested)) == (7, 3)  # still its own, until their files are closed
    assert b.beat(cameras(7)).cameras == frozenset()
    a.hand_over(held.requested)
    assert b.beat(cameras(7)).cameras == held.requested
    assert len(a.beat(cameras(7)).cameras) == 4
    assert a.beat(cameras(7)).requested == b.beat(cameras(7)).requested == frozenset()


def test_a_dead_ones_cameras_are_free_when_its_lease_is_over(catalog: Catalog, clock: Clock) -> None:
    a, b = recorder(catalog, "a"), recorder(catalog, "b")
    a.beat(cameras(4))
    for _ in range(4):
        clock.beat()
        assert b.beat(cameras(4)).cameras == frozenset()
    clock.beat()
    assert len(b.beat(cameras(4)).cameras) == 4
    assert a.beat(cameras(4)).cameras == frozenset()  # it was not dead, and finds out


def test_what_is_given_back_is_free_at_once(catalog: Catalog, clock: Clock) -> None:
    a, b = recorder(catalog, "a"), recorder(catalog, "b")
    a.beat(cameras(4))
    a.leave()
    assert len(b.beat(cameras(4)).cameras) == 4
    assert b.known() == {}


def test_a_lease_that_is_over_and_nobody_took_is_kept(catalog: Catalog, clock: Clock) -> None:
    a = recorder(catalog, "a")
    a.beat(cameras(3))
    clock.ms += 60_000
    assert len(a.beat(cameras(3)).cameras) == 3


@pytest.mark.parametrize("away_s", [3, 5, 7, 9, 20, 60, 10_000])
def test_when_the_catalogue_was_away_for_all_each_keeps_its_own(catalog: Catalog, clock: Clock, away_s: int) -> None:
    there = [recorder(catalog, name) for name in "ab"]
    before = shared(there, clock, 10)
    assert [len(held) for held in before] == [5, 5]
    clock.ms += 1900
    there[0].beat(cameras(10))  # the other one was about to
    clock.ms += 1000 * away_s
    assert there[0].beat(cameras(10)).cameras == before[0]
    clock.ms += 500
    assert there[1].beat(cameras(10)).cameras == before[1]
    assert shared(there, clock, 10) == before


def test_one_that_died_while_the_catalogue_was_away_is_given_up_a_lease_later(catalog: Catalog, clock: Clock) -> None:
    a, b = recorder(catalog, "a"), recorder(catalog, "b")
    before = shared([a, b], clock, 10)
    clock.ms += 20_000
    for _ in range(4):
        assert a.beat(cameras(11)).cameras == before[0] | {"cam-010"}, "what nobody ever held it takes"
        clock.beat()
    assert len(a.beat(cameras(11)).cameras) == 11


def test_a_camera_that_one_recorder_alone_wants_is_its(catalog: Catalog, clock: Clock) -> None:
    a, b = recorder(catalog, "a"), recorder(catalog, "b")
    a.beat(cameras(1))
    for _ in range(6):
        clock.beat()
        a.beat(cameras(1))
        held = b.beat(cameras(10))
    assert held.cameras >= set(cameras(10)[1:])


def test_what_a_recorder_cannot_record_it_leaves_to_the_others(catalog: Catalog, clock: Clock) -> None:
    a, b = recorder(catalog, "a"), recorder(catalog, "b")
    a.beat(cameras(6))
    for _ in range(6):
        clock.beat()
        assert b.beat(cameras(6), unable=cameras(4)).cameras <= set(cameras(6)[4:])
        held = a.beat(cameras(6))
        assert held.cameras >= set(cameras(4)) - held.requested
        a.hand_over(held.requested)
    assert set(cameras(4)) <= held.cameras
    for _ in range(6):
        clock.beat()
        alone = b.beat(cameras(6), unable=cameras(4))
    assert alone.cameras == set(cameras(6)), "one that is alone keeps them, and tells why they are not recorded"
    for _ in range(5):
        held = a.beat(cameras(6))
        b.beat(cameras(6), unable=cameras(4))
        clock.beat()
    assert held.cameras >= set(cameras(4))


def test_what_is_no_longer_wanted_is_let_go(catalog: Catalog, clock: Clock) -> None:
    a = recorder(catalog, "a")
    a.beat(cameras(5))
    assert a.beat(cameras(2)).cameras == set(cameras(2))


def test_the_holders_are_named(catalog: Catalog, clock: Clock) -> None:
    recorder(catalog, "a").beat(cameras(1))
    (one,) = recorder(catalog, "b").holders()
    assert (one.camera_id, one.shown, one.folder, one.alive) == ("cam-000", "host:a", "folder", True)
    clock.ms += 9000
    assert [one.alive for one in recorder(catalog, "b").holders()] == [False]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_each_camera_has_one_holder_and_soon(catalog: Catalog, clock: Clock, seed: int) -> None:
    chance = random.Random(seed)
    there = {name: recorder(catalog, name) for name in "abcd"}
    alive = set("ab")
    wanted = cameras(chance.randint(1, 30))
    held: dict[str, set[str]] = {}
    for _ in range(60):
        event = chance.random()
        if event < 0.1 and len(alive) > 1:
            gone = chance.choice(sorted(alive))
            alive.discard(gone)
            held.pop(gone, None)
            if chance.random() < 0.5:
                there[gone].leave()
        elif event < 0.2:
            alive.add(chance.choice("abcd"))
        elif event < 0.3:
            wanted = cameras(chance.randint(1, 30))
        for name in chance.sample(sorted(alive), len(alive)):
            found = there[name].beat(wanted)
            there[name].hand_over(found.requested)
            held[name] = set(found.cameras - found.requested)
            others = [camera for other in alive - {name} for camera in held.get(other, ())]
            assert not held[name] & set(others), "two recorders hold a camera"
        clock.beat()
    for _ in range(24):  # quiet: all are shared out
        for name in sorted(alive):
            found = there[name].beat(wanted)
            there[name].hand_over(found.requested)
        clock.beat()
    final = [there[name].beat(wanted).cameras for name in sorted(alive)]
    assert set().union(*final) == set(wanted)
    assert max(map(len, final)) - min(map(len, final)) <= 1
