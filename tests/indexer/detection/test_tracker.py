from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import chain

import cv2
import numpy as np
import pytest

from indexer.detection.tracker import Track, track_people
from search.types import Box, Detection, Frame, Image
from tests.support.street import HEIGHT, WIDTH, figure, scene, walker

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


def test_who_walks_in_where_somebody_walked_out_is_somebody_else() -> None:
    out = [[(2, walker(x))] for x in (140, 90, 40)] + [[(2, Box(0, 150, 30, 270))]]
    back = [[(5, Box(0, 150, 40, 270))]] + [[(5, walker(x))] for x in (50, 100, 150)]
    assert len(tracks(stream(out + back))) == 2


def test_who_walks_in_where_somebody_in_the_same_trousers_walked_out_is_somebody_else() -> None:
    """Half alike, at the same place, at once; but the one who left would have had to turn on the spot."""

    def dressed(places: list[Box], start: int, top: tuple[int, int, int]) -> Stream:
        for i, box in enumerate(places):
            picture = scene().copy()
            figure(picture, box, 2)
            picture[box.y1 : box.y1 + box.height // 2, box.x1 : box.x2] = top
            yield Frame(picture, 2000 * (start + i)), [Detection(box)]

    edge = Box(0, 150, 40, 270)
    out = dressed([walker(140), walker(90), walker(40), edge], 0, (10, 80, 20))
    back = dressed([edge, walker(50), walker(100), walker(150)], 4, (200, 30, 150))
    assert len(tracks(chain(out, back))) == 2


def test_two_in_the_same_clothes_who_cross_go_on_in_their_directions() -> None:
    places = [[(2, walker(20 + 56 * i)), (2, walker(552 - 56 * i))] for i in range(10)]
    first, second = tracks(stream(places), crops_per_track=10)
    assert [c.box for c in first.crops] == [walker(20 + 56 * i) for i in range(10)]
    assert [c.box for c in second.crops] == [walker(552 - 56 * i) for i in range(10)]


def test_two_who_meet_in_one_box_go_on_as_they_were() -> None:
    def place(i: int) -> list[tuple[int, Box]]:
        return [(2, walker(20 + 55 * i)), (3, walker(515 - 55 * i))]

    def merged() -> Stream:
        for i, (frame, people) in enumerate(stream([place(i) for i in range(10)])):
            a, b = (p.box for p in people)
            one = Box(min(a.x1, b.x1), a.y1, max(a.x2, b.x2), a.y2)
            yield frame, [Detection(one)] if i == 4 else people

    left, right = (t for t in tracks(merged(), crops_per_track=10) if t.end_ms == 18_000)
    assert {left.crops[-1].box, right.crops[-1].box} == {walker(515), walker(20)}
    for track, who in ((left, walker(515)), (right, walker(20))):
        assert track.start_ms == 0
        assert track.crops[-1].box == who


def test_blurred_crops_give_way_to_sharp_ones() -> None:
    def frames() -> Stream:
        for i, (frame, people) in enumerate(stream([[(0, walker(300))]] * 12)):
            blurred = cv2.blur(frame.image, (15, 15)) if i % 2 else frame.image
            yield Frame(np.asarray(blurred, np.uint8), frame.offset_ms), people

    (track,) = tracks(frames())
    assert all(c.offset_ms // 2000 % 2 == 0 for c in track.crops)


def test_a_standing_person_does_not_cost_a_thumbnail_a_frame() -> None:
    made: list[Image] = []
    tracks(stream([[(0, walker(300))]] * 60), thumbnail=lambda image: made.append(image) or b"t")  # type: ignore[func-returns-value]
    assert 3 <= len(made) <= 15


def test_an_unsure_glimpse_is_dropped() -> None:
    frames = [(frame, [Detection(d.box, 0.3) for d in people]) for frame, people in stream([[(0, walker(300))], []])]
    assert tracks(iter(frames)) == []


def test_large_people_are_kept_small() -> None:
    picture = np.zeros((2000, 3000, 3), np.uint8)
    (track,) = tracks(iter([(Frame(picture, 0), [Detection(Box(900, 100, 1700, 1900))])]))
    assert max(track.crops[0].image.shape) <= 384
    assert track.crops[0].image.base is None
