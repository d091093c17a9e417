"""The order of clips: spread over cameras, none twice, none lost, whatever order they come in."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from search.ranking.diversity import best_first, by_time, diversify
from search.types import Box, Clip, Hit, Row, RowKind

clips = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 60)), max_size=30).map(
    lambda drawn: [clip(camera, score / 10, n) for n, (camera, score) in enumerate(drawn)]
)
steps = st.sampled_from((0.0, 0.3, 1.0, 5.0))


def clip(camera: str, score: float, n: int) -> Clip:
    row = Row(f"{camera}-{n}", camera, f"s{n}", RowKind.PERSON, 1, n, n, n, Box(0, 0, 1, 1), 2, 2)
    return Clip(camera, f"s{n}", n, n + 1, Hit(row, score), (Hit(row, score),))


@given(clips, steps, st.randoms())
def test_every_clip_comes_once_in_an_order_that_is_free_of_chance(
    made: list[Clip], step: float, chance: random.Random
) -> None:
    shuffled = list(made)
    chance.shuffle(shuffled)
    found = diversify(made, step)
    assert sorted(c.id for c in found) == sorted(c.id for c in made)
    assert diversify(shuffled, step) == found


@given(clips, steps)
def test_clips_of_one_camera_keep_their_order(made: list[Clip], step: float) -> None:
    found = diversify(made, step)
    for camera in "abcd":
        mine = [c for c in found if c.camera_id == camera]
        assert mine == best_first(mine)


@given(clips, steps, st.integers(0, 30))
def test_pages_are_the_same_list(made: list[Clip], step: float, at: int) -> None:
    whole = diversify(made, step)
    assert whole[:at] + diversify(whole[at:], step, listed=whole[:at]) == whole


@given(clips)
def test_without_a_step_it_is_best_first(made: list[Clip]) -> None:
    assert diversify(made, 0.0) == best_first(made)


def test_one_camera_does_not_hide_the_others() -> None:
    many = [clip("a", 5.0 - n / 100, n) for n in range(50)]
    others = [clip(camera, 4.0, 100 + n) for n, camera in enumerate("bcdefghij")]
    first = diversify([*many, *others], 0.3)[:20]
    assert {c.camera_id for c in first} == set("abcdefghij")


def test_by_time() -> None:
    made = [clip("a", 1.0, 3), clip("b", 9.0, 1), clip("c", 4.0, 2)]
    assert [c.camera_id for c in by_time(made)] == ["b", "c", "a"]
