from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from indexer.tracker import Track, track_people
from search.types import Box, Detection, Frame, Image
from tests.indexer.test_detector import HEIGHT, WIDTH, figure, scene, walker

Stream = Iterator[tuple[Frame, list[Detection]]]


def stream(places: list[list[tuple[int, Box]]], step_ms: int = 2000) -> Stream:
    """Frames with (who, box) drawn and detected; `who` picks the clothes."""
    for i, people in enumerate(places):
        picture = scene().copy()
        for who, box in people:
            figure(picture, box, who)
        yield Frame(picture, step_ms * i), [Detection(box) for _, box in people]


def tracks(frames: Stream, **options: object) -> list[Track]:
    settings = {"crops_per_track": 3, "thumbnail": lambda _: b"t", "max_gap_s": 4.4} | options
    return sorted(track_people(frames, **settings), key=lambda t: t.number)  # type: ignore[arg-type]


def test_a_walker_who_jumps_over_their_own_width_is_one_track() -> None:
    places = [[(0, walker(60 * i))] for i in range(10)]
    (track,) = tracks(stream(places))
    assert (track.start_ms, track.end_ms) == (0, 18_000)
    assert [c.offset_ms for c in track.crops] == sorted(c.offset_ms for c in track.crops)


def test_crops_are_what_the_box_shows() -> None:
    (track,) = tracks(stream([[(0, walker(60 * i))] for i in range(1, 9)]))
    for crop in track.crops:
        assert crop.box == walker(60 * (1 + crop.offset_ms // 2000))
        assert crop.image.shape == (crop.box.height, crop.box.width, 3)
        assert (crop.frame_width, crop.frame_height, crop.thumbnail) == (WIDTH, HEIGHT, b"t")


def test_two_who_cross_keep_their_numbers() -> None:
    places = [[(1, walker(50 + 50 * i)), (4, walker(500 - 50 * i, top=170))] for i in range(10)]
    both = tracks(stream(places), crops_per_track=10)
    assert len(both) == 2
    for track, first in zip(both, (50, 500), strict=True):
        direction = 1 if first == 50 else -1
        assert [c.box.x1 for c in track.crops] == [first + direction * 50 * (c.offset_ms // 2000) for c in track.crops]


def test_one_missed_picture_does_not_end_a_track_and_a_long_gap_does() -> None:
    def places(missing: int) -> list[list[tuple[int, Box]]]:
        return [[(0, walker(200))]] * 3 + [[]] * missing + [[(0, walker(200))]] * 3

    assert len(tracks(stream(places(1)))) == 1
    assert len(tracks(stream(places(4)))) == 2


def test_other_clothes_at_the_same_place_are_somebody_else() -> None:
    assert len(tracks(stream([[(1, walker(200))]] * 4 + [[(4, walker(200))]] * 4))) == 2


def test_a_flicker_at_the_edge_is_dropped_and_a_clear_glimpse_is_kept() -> None:
    assert tracks(stream([[], [(0, Box(0, 200, 20, 260))], []])) == []
    assert tracks(stream([[], [(0, Box(300, 200, 306, 215))], []])) == []
    assert len(tracks(stream([[], [(0, walker(300))], []]))) == 1


def test_crops_are_spread_and_prefer_whole_people() -> None:
    inside = [[(0, walker(60 + 8 * i))] for i in range(40)]
    cut = [[(0, Box(0, 150, 40, 270))]] * 3
    (track,) = tracks(stream(cut + inside))
    assert len(track.crops) == 3
    assert all(c.box.x1 > 0 for c in track.crops)
    assert track.crops[-1].offset_ms - track.crops[0].offset_ms > 40_000


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_more_crops_than_asked_for(most: int) -> None:
    (track,) = tracks(stream([[(0, walker(10 + 10 * i))] for i in range(30)]), crops_per_track=most)
    assert len(track.crops) == most


def test_thumbnails_are_made_once_a_frame_and_only_where_somebody_is() -> None:
    made: list[Image] = []

    def thumbnail(image: Image) -> bytes:
        made.append(image)
        return b"t"

    places = [[], [(1, walker(50)), (2, walker(300))], [(1, walker(60)), (2, walker(310))], []]
    tracks(stream(places), thumbnail=thumbnail)
    assert len(made) == 2


def test_a_long_stay_needs_little_memory() -> None:
    def frames(n: int) -> Stream:
        picture = scene().copy()
        figure(picture, walker(300), 1)
        for i in range(n):
            yield Frame(picture.copy(), 2000 * i), [Detection(walker(300))]

    def peak(n: int) -> int:
        tracemalloc.start()
        tracks(frames(n))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(5)
    assert peak(400) < peak(20) + 2 * WIDTH * HEIGHT * 3


def test_the_same_stream_gives_the_same_tracks() -> None:
    places = [[(1, walker(20 * i)), (2, walker(500 - 20 * i))] for i in range(20)]
    first, second = (tracks(stream(places)) for _ in range(2))
    assert [(t.number, t.start_ms, t.end_ms) for t in first] == [(t.number, t.start_ms, t.end_ms) for t in second]
    for a, b in zip(first, second, strict=True):
        assert all(np.array_equal(x.image, y.image) for x, y in zip(a.crops, b.crops, strict=True))
