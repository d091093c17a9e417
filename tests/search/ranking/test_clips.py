from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from search.ranking.clips import RecordingRun, join_hits, placed, runs_of
from search.types import Box, Clip, Hit, Row, RowKind, Segment, StartSource, StreamRole

STRONG, GAP, PAD, MAX = 0.5, 4_000, 2_000, 30_000


def hit(time_ms: int, score: float = 1.0, *, camera: str = "a", start: int | None = None, end: int | None = None,
        segment: str = "s", n: int = 0) -> Hit:  # fmt: skip
    row = Row(
        id=f"{camera}-{segment}-{time_ms}-{n}",
        camera_id=camera,
        segment_id=segment,
        kind=RowKind.PERSON,
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
    clips = join_hits(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert sorted(h.row.id for c in clips for h in c.hits) == sorted(h.row.id for h in found)
    for clip in clips:
        assert {(h.row.camera_id, h.row.segment_id) for h in clip.hits} == {(clip.camera_id, clip.segment_id)}
        assert all(clip.start_ms <= h.row.time_ms <= clip.end_ms for h in clip.hits)


@given(hits())
def test_clips_are_no_longer_than_asked_and_best_first(found: list[Hit]) -> None:
    clips = join_hits(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert all(c.end_ms - c.start_ms <= MAX for c in clips)
    assert [c.score for c in clips] == sorted((c.score for c in clips), reverse=True)
    assert all(c.score == max(h.score for h in c.hits) for c in clips)


@given(hits(), st.randoms())
def test_the_order_of_the_hits_does_not_matter(found: list[Hit], random: Random) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    args: dict[str, Any] = {"strong": STRONG, "gap_ms": GAP, "pad_ms": PAD, "max_ms": MAX}
    assert join_hits(found, **args) == join_hits(shuffled, **args)


@given(hits())
def test_a_clip_is_of_one_person(found: list[Hit]) -> None:
    """Whoever is seen at the same time as somebody else has a clip of their own."""
    for clip in join_hits(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=10**9):
        lives = {(h.row.segment_id, h.row.track): (h.row.start_ms, h.row.end_ms) for h in clip.hits}
        assert all(later[0] > earlier[1] for earlier, later in pairwise(sorted(lives.values())))


@given(hits())
def test_strong_tracks_that_follow_each_other_are_joined(found: list[Hit]) -> None:
    strong = [h for h in found if h.score >= STRONG]
    clips = join_hits(strong, strong=STRONG, gap_ms=GAP, pad_ms=0, max_ms=10**9)
    for one in clips:
        follow = [c for c in clips if (c.camera_id, c.segment_id) == (one.camera_id, one.segment_id)]
        assert not any(0 < c.start_ms - one.end_ms <= GAP and _only_one_before(c, follow) for c in follow)


def _only_one_before(clip: Clip, others: list[Clip]) -> bool:
    return sum(0 < clip.start_ms - c.end_ms <= GAP for c in others) == 1 and all(
        c is clip or c.end_ms < clip.start_ms or c.start_ms > clip.end_ms for c in others
    )


def test_weak_hits_of_different_people_are_not_joined() -> None:
    found = [hit(10_000, 0.1, n=1), hit(12_000, 0.2, n=2), hit(14_000, 0.3, n=1)]
    clips = join_hits(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert [sorted(h.row.track for h in c.hits) for c in clips] == [[1, 1], [2]]


def test_somebody_else_at_the_same_time_is_not_hidden() -> None:
    found = [hit(10_000, 1, end=14_000), hit(12_000, 0.1, n=2), hit(14_000, 0.2, start=10_000), hit(13_000, 2, n=3)]
    clips = join_hits(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert [(c.best.row.track, len(c.hits)) for c in clips] == [(3, 1), (0, 2), (2, 1)]


def test_near_hits_join_and_far_ones_do_not() -> None:
    clips = join_hits(
        [hit(10_000), hit(14_000, n=1), hit(18_001, n=2)], strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX
    )
    assert [(c.start_ms, c.end_ms) for c in clips] == [(8_000, 16_000), (16_001, 20_001)]


def test_cameras_and_files_are_never_joined() -> None:
    found = [hit(10_000), hit(10_000, camera="b"), hit(10_000, segment="t")]
    assert len(join_hits(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)) == 3


def test_a_long_stay_is_shown_around_its_best_moment() -> None:
    (clip,) = join_hits([hit(300_000, start=0, end=600_000)], strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX)
    assert (clip.start_ms, clip.end_ms) == (285_000, 315_000)


# runs of live segments -------------------------------------------------------------------------------------------


def segment(id_: str, start_ms: int, duration_ms: int = 10_000, *, role: StreamRole = StreamRole.SUB, camera: str = "a",
            width: int = 0) -> Segment:  # fmt: skip
    return Segment(
        id_, camera, f"/v/{id_}", "0" * 64, 1, start_ms, StartSource.RECORDER, duration_ms, width, width, role=role
    )


def clips_of(found: list[Hit], segments: list[Segment]) -> list[Clip]:
    runs = runs_of(segments)
    joined = join_hits(found, strong=STRONG, gap_ms=GAP, pad_ms=PAD, max_ms=MAX, runs=runs)
    return [placed(clip, runs[clip.segment_id]) for clip in joined]


THREE = [segment("s", 100_000), segment("t", 110_020), segment("u", 119_990)]


def test_a_presence_across_files_is_one_clip() -> None:
    found = [hit(t, segment=s) for t, s in ((103_000, "s"), (106_500, "s"), (110_100, "t"), (114_000, "t"))]
    found += [hit(118_000, 3.0, segment="t"), hit(121_000, 2.0, segment="u")]
    (clip,) = clips_of(found, THREE)
    assert (clip.segment_id, clip.start_ms, clip.end_ms) == ("s", 101_000, 123_000)
    assert (len(clip.hits), clip.best.row.segment_id) == (6, "t")


def test_padding_reaches_into_the_neighbours_and_ends_with_the_run() -> None:
    (clip,) = clips_of([hit(111_000, segment="t")], THREE)
    assert (clip.segment_id, clip.start_ms, clip.end_ms) == ("s", 109_000, 113_000)
    early, late = sorted(
        clips_of([hit(100_500, segment="s"), hit(129_000, segment="u")], THREE), key=lambda c: c.start_ms
    )
    assert (early.segment_id, early.start_ms, late.segment_id, late.end_ms) == ("s", 100_000, "u", 129_990)


def test_a_clip_never_begins_between_two_files() -> None:
    apart = [segment("s", 100_000), segment("t", 110_400)]
    (clip,) = clips_of([hit(112_200, segment="t")], apart)
    assert (clip.segment_id, clip.start_ms) == ("t", 110_400)


def test_what_is_no_run() -> None:
    s = segment("s", 100_000)
    for other in (
        segment("t", 110_501),
        segment("t", 109_499),
        segment("t", 110_000, role=StreamRole.MAIN),
        segment("t", 110_000, camera="b"),
    ):
        assert [len(run.segments) for run in runs_of([s, other]).values()] == [1, 1], other
    sizes = [segment(str(n), 100_000 + 10_000 * n, width=w) for n, w in enumerate((640, 640, 0, 320, 640))]
    assert [[s.id for s in run.segments] for run in dict.fromkeys(runs_of(sizes).values())] == [
        ["0", "1", "2", "3"],
        ["4"],
    ]
    files = [segment("s", 100_000, role=StreamRole.FILE), segment("t", 110_000, role=StreamRole.FILE)]
    found = [hit(109_000, segment="s"), hit(111_000, segment="t")]
    assert sorted((c.segment_id, c.start_ms, c.end_ms) for c in clips_of(found, files)) == [
        ("s", 107_000, 110_000),
        ("t", 110_000, 113_000),
    ]


def test_a_file_of_unknown_length_has_no_end() -> None:
    (clip,) = clips_of([hit(109_000, segment="s")], [segment("s", 108_000, 0, role=StreamRole.FILE)])
    assert (clip.start_ms, clip.end_ms) == (108_000, 111_000)


def test_weak_hits_of_two_files_are_not_one_track() -> None:
    found = [
        hit(109_000, 0.1, segment="s", n=1),
        hit(111_000, 0.1, segment="t", n=1),
        hit(108_000, 0.1, segment="s", n=1),
    ]
    assert [len(c.hits) for c in clips_of(found, THREE)] == [2, 1]
    strong = [hit(108_500, segment="s", n=2), hit(112_000, segment="t", n=2)]
    first, *others = clips_of(found + strong, THREE)
    assert sorted(h.row.time_ms for h in first.hits) == [108_500, 112_000]
    assert sorted(len(c.hits) for c in others) == [1, 2]


@given(st.lists(st.tuples(st.integers(0, 49_999), st.floats(-5, 5), st.integers(0, 3)), max_size=25))
def test_clips_of_a_run_show_their_hits_and_begin_in_their_segment(made: list[tuple[int, float, int]]) -> None:
    segments = [segment(str(n), 100_000 + 10_100 * n) for n in range(5)]
    found = [
        hit(100_000 + 10_100 * (t // 10_000) + t % 10_000, score, segment=str(t // 10_000), n=n + 10 * i)
        for i, (t, score, n) in enumerate(made)
    ]
    clips = clips_of(found, segments)
    assert sorted(h.row.id for c in clips for h in c.hits) == sorted(h.row.id for h in found)
    for clip in clips:
        first = segments[int(clip.segment_id)]
        assert first.start_ms <= clip.start_ms < first.end_ms
        assert clip.end_ms - clip.start_ms <= MAX
        assert all(clip.start_ms <= h.row.time_ms < clip.end_ms for h in clip.hits)
    assert RecordingRun(tuple(segments)).end_ms == segments[-1].end_ms
