"""Pages of an answer: no clip twice, none lost, and the same again while new rows arrive."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import NotFound
from search.ranking.clips import join_hits
from search.ranking.diversity import diversify
from search.ranking.pagination import AnswerCache, RankedList
from search.types import Box, Clip, Hit, Row, RowKind, Segment

PAD = 2


def hit(camera: str, at: int, score: float, name: str = "") -> Hit:
    row = Row(name or f"{camera}{at}", camera, camera, RowKind.PERSON, at, at, at, at, Box(0, 0, 1, 1), 2, 2)
    return Hit(row, score)


class Index:
    """Rows in order of their scores, of which more may arrive."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits = list(hits)

    def ranking(self, rows: int) -> RankedList:
        def fetch(wanted: int) -> tuple[list[Hit], bool]:
            best = sorted(self.hits, key=lambda h: (-h.score, h.row.id))
            return best[:wanted], len(best) > wanted

        def arrange(hits: Sequence[Hit], shown: Sequence[Clip]) -> tuple[list[Clip], dict[str, Segment]]:
            clips = join_hits(hits, strong=3.0, gap_ms=5, pad_ms=PAD, max_ms=40)
            return diversify(clips, 0.3, shown), {}

        return RankedList(fetch, arrange, rows)


def all_of(ranking: RankedList, size: int) -> list[Clip]:
    found: list[Clip] = []
    more = True
    while more:
        page, more = ranking.page(len(found), size)
        found += page
        if not page:
            break
    return found


drawn = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(10, 300), st.integers(0, 60)), unique_by=lambda d: d[:2], max_size=60
)


@given(drawn, st.integers(1, 9), st.integers(1, 12))
def test_every_row_is_in_exactly_one_clip_or_shown_by_one(
    made: list[tuple[str, int, int]], size: int, rows: int
) -> None:
    hits = [hit(camera, at, score / 10) for camera, at, score in made]
    clips = all_of(Index(hits).ranking(rows), size)
    held = [h.row.id for clip in clips for h in clip.hits]
    assert len(held) == len(set(held))
    assert len({clip.id for clip in clips}) == len(clips)
    for h in hits:
        shown = any(c.camera_id == h.row.camera_id and c.start_ms <= h.row.time_ms < c.end_ms for c in clips)
        assert h.row.id in held or shown


@given(drawn, st.integers(1, 9), st.integers(1, 6), st.integers(1, 6))
def test_pages_do_not_depend_on_how_they_are_asked_for(
    made: list[tuple[str, int, int]], rows: int, size: int, other: int
) -> None:
    index = Index([hit(camera, at, score / 10) for camera, at, score in made])
    assert all_of(index.ranking(rows), size) == all_of(index.ranking(rows), other)


def test_pages_stay_while_new_rows_arrive() -> None:
    index = Index([hit("a", 20 * n, 2.0 - n / 100) for n in range(1, 50)])
    ranking = index.ranking(10)
    before, more = ranking.page(0, 5)
    index.hits += [hit("b", 20 * n, 9.0) for n in range(1, 9)]
    assert more
    assert ranking.page(0, 5) == (before, True)
    rest = all_of(ranking, 5)
    assert rest[:5] == before
    assert len({clip.id for clip in rest}) == len(rest)


def test_likely_clips_are_all_found() -> None:
    index = Index([hit("a", 50 * n, 5.0 - n / 10) for n in range(1, 40)])
    assert len(index.ranking(3).down_to(3.0)) == 20


def test_a_shelf_keeps_the_last_and_says_when_one_is_gone() -> None:
    shelf: AnswerCache[int] = AnswerCache(most=2)
    first, second = shelf.put(1), shelf.put(2)
    assert shelf.get(first) == 1
    shelf.put(3)
    assert shelf.get(first) == 1
    with pytest.raises(NotFound, match="no longer kept"):
        shelf.get(second)
