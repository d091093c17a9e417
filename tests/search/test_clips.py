from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from search.clips import join
from search.types import Box, Hit, Kind, Row

STRONG, GAP, PAD, MAX = 0.5, 4_000, 2_000, 30_000


def hit(time_ms: int, score: float = 1.0, *, camera: str = "a", start: int | None = None, end: int | None = None,
        segment: str = "s", n: int = 0) -> Hit:  # fmt: skip
    row = Row(
        id=f"{camera}-{segment}-{time_ms}-{n}",
        camera_id=camera,
        segment_id=segment,
        kind=Kind.PERSON,
        track=n,
        time_ms=time_ms,
        start_ms=time_ms if start is None else start,
        end_ms=time_ms if end is None else end,
        box=Box(0, 0, 10, 20),
        frame_width=100,
        frame_height=100,
    )
    return Hit(row, score)


@st.composite
def hits(draw: st.DrawFn) -> list[Hit]:
    made = []
    for n in range(draw(st.integers(0, 25))):
        time = draw(st.integers(10_000, 200_000))
        made.append(
            hit(
                time,
                draw(st.floats(-5, 5)),
                camera=draw(st.sampled_from("ab")),
                segment=draw(st.sampled_from("st")),
                start=time - draw(st.integers(0, 60_000)) if draw(st.booleans()) and time > 60_000 else time,
                end=time + draw(st.integers(0, 60_000)),
                n=n,
            )
        )
    return made


@given(hits())
def test_every_hit_is_in_exactly_one_clip_that_shows_its_moment(found: list[Hit]) -> None:
    clips = join(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert sorted(h.row.id for c in clips for h in c.hits) == sorted(h.row.id for h in found)
    for clip in clips:
        assert {(h.row.camera_id, h.row.segment_id) for h in clip.hits} == {(clip.camera_id, clip.segment_id)}
        assert all(clip.start_ms <= h.row.time_ms <= clip.end_ms for h in clip.hits)


@given(hits())
def test_clips_are_no_longer_than_asked_and_best_first(found: list[Hit]) -> None:
    clips = join(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert all(c.end_ms - c.start_ms <= MAX for c in clips)
    assert [c.score for c in clips] == sorted((c.score for c in clips), reverse=True)
    assert all(c.score == max(h.score for h in c.hits) for c in clips)


@given(hits(), st.randoms())
def test_the_order_of_the_hits_does_not_matter(found: list[Hit], random: Random) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    args: dict[str, Any] = {"strong": STRONG, "gap_ms": GAP, "pad_ms": PAD, "max_ms": MAX}
    assert join(found, **args) == join(shuffled, **args)


@given(hits())
def test_strong_clips_of_one_recording_lie_apart_unless_they_would_be_too_long(found: list[Hit]) -> None:
    strong = [h for h in found if h.score >= STRONG]
    clips = sorted(join(strong, strong=STRONG, gap_ms=GAP, pad_ms=0, max_ms=10**9), key=lambda c: c.start_ms)
    for key in {(c.camera_id, c.segment_id) for c in clips}:
        mine = [c for c in clips if (c.camera_id, c.segment_id) == key]
        assert all(later.start_ms - earlier.end_ms > GAP for earlier, later in pairwise(mine))


def test_weak_hits_of_different_people_are_not_joined() -> None:
    found = [hit(10_000, 0.1, n=1), hit(12_000, 0.2, n=2), hit(14_000, 0.3, n=1)]
    clips = join(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert [sorted(h.row.track for h in c.hits) for c in clips] == [[1, 1], [2]]


def test_a_weak_hit_inside_a_strong_clip_is_part_of_it() -> None:
    found = [hit(10_000, 1), hit(12_000, 0.1, n=2), hit(14_000, 1)]
    (clip,) = join(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert len(clip.hits) == 3
    assert clip.score == 1


def test_near_hits_join_and_far_ones_do_not() -> None:
    clips = join([hit(10_000), hit(14_000), hit(18_001)], strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert [(c.start_ms, c.end_ms) for c in clips] == [(8_000, 16_000), (16_001, 20_001)]


def test_cameras_and_files_are_never_joined() -> None:
    found = [hit(10_000), hit(10_000, camera="b"), hit(10_000, segment="t")]
    assert len(join(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)) == 3


def test_a_long_stay_is_shown_around_its_best_moment() -> None:
    (clip,) = join([hit(300_000, start=0, end=600_000)], strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert (clip.start_ms, clip.end_ms) == (285_000, 315_000)
