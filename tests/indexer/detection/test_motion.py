"""People on a fixed camera, drawn at one picture every two seconds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.detection.background_model import tone_between, toned
from indexer.detection.blobs import columns_of
from indexer.detection.motion import MotionDetector
from search.types import Box, Detection, Frame
from tests.support.street import HEIGHT, WIDTH, film, scene, walker


def found(frames: Iterator[Frame]) -> list[list[Detection]]:
    return [people for _, people in MotionDetector().detect(frames)]


def hits(people: list[Detection], box: Box) -> bool:
    return any(p.box.iou(box) > 0.5 for p in people)


def test_frames_pass_in_order_and_none_is_lost() -> None:
    for n in (0, 1, 5, 31, 32, 33, 70):
        offsets = [frame.offset_ms for frame, _ in MotionDetector().detect(film(lambda _: [], n))]
        assert offsets == [2000 * i for i in range(n)]


def test_nobody_is_found_in_noise_and_drifting_light() -> None:
    people = found(film(lambda _: [], noise=6, light=lambda i: 0.5 * i))
    assert sum(map(len, people)) == 0


def test_a_walker_is_found_wherever_they_are() -> None:
    def place(i: int) -> list[Box]:
        return [walker(20 * i)] if 10 <= i < 28 else []

    people = found(film(place))
    assert all(hits(people[i], walker(20 * i)) for i in range(10, 28))
    assert sum(len(p) for i, p in enumerate(people) if not 10 <= i < 28) == 0


def test_who_stands_for_half_a_minute_stays_found_and_leaves_no_ghost() -> None:
    people = found(film(lambda i: [walker(300)] if 35 <= i < 50 else [], 80))
    assert all(hits(people[i], walker(300)) for i in range(35, 50))
    assert sum(map(len, people[50:])) == 0


def test_visitors_who_stand_more_than_the_place_is_empty_are_found() -> None:
    """At a notice board people take turns, and it is seen empty only for a moment: it is still the background."""

    def place(i: int) -> list[Box]:
        return [] if i % 8 in (0, 1) else [Box(300 + (i // 8) % 3, 120, 350 + (i // 8) % 3, 250)]

    def colourful(i: int) -> list[Box]:
        return [Box(0, 0, 2, 6)] * (i // 8 % 7) + place(i)  # the number picks the clothes

    people = found(film(colourful))
    assert all(hits(people[i], place(i)[0]) for i in range(60) if place(i))


def test_who_is_there_from_the_start_is_found() -> None:
    people = found(film(lambda i: [walker(300)] if i < 10 else []))
    assert all(hits(people[i], walker(300)) for i in range(10))
    assert sum(map(len, people[10:])) == 0


def test_a_light_switch_is_no_person() -> None:
    people = found(film(lambda i: [walker(300)] if i >= 55 else [], 70, light=lambda i: 60.0 if i >= 40 else 0.0))
    assert sum(map(len, people[:55])) == 0
    assert all(hits(people[i], walker(300)) for i in range(55, 70))


def test_two_side_by_side_are_two() -> None:
    pair = [walker(200), walker(253)]
    people = found(film(lambda i: pair if 35 <= i < 45 else []))
    assert all(hits(people[i], box) for i in range(35, 45) for box in pair)


def test_a_far_person_is_found() -> None:
    far = Box(400, 130, 413, 162)
    people = found(film(lambda i: [far] if 35 <= i < 45 else []))
    assert sum(any(p.box.iou(far) > 0.3 for p in people[i]) for i in range(35, 45)) >= 8


def test_pictures_of_another_size_start_anew() -> None:
    small = [Frame(np.ascontiguousarray(f.image[::2, ::2]), 200_000 + f.offset_ms) for f in film(lambda _: [], 40)]

    def both() -> Iterator[Frame]:
        yield from film(lambda _: [], 40)
        yield from small

    assert sum(map(len, found(both()))) == 0


def test_the_same_frames_give_the_same_boxes() -> None:
    def place(i: int) -> list[Box]:
        return [walker(15 * i), walker(600 - 15 * i)]

    assert found(film(place, 36)) == found(film(place, 36))


def test_boxes_lie_in_the_picture() -> None:
    people = found(film(lambda i: [Box(0, 200, 50, 360)] if i > 35 else [], 40))
    assert any(people)
    for box in (p.box for frame in people for p in frame):
        assert 0 <= box.x1 < box.x2 <= WIDTH
        assert 0 <= box.y1 < box.y2 <= HEIGHT


def test_the_light_is_switched_while_somebody_is_there() -> None:
    def lit(i: int) -> float:
        return -70.0 if i >= 20 else 0.0

    people = found(film(lambda i: [walker(60 + 14 * i)] if 5 <= i < 38 else [], 60, light=lit))
    assert all(hits(people[i], walker(60 + 14 * i)) for i in (*range(6, 19), *range(21, 38)))
    assert all(len(p) <= 1 for p in people)
    assert sum(map(len, people[38:])) == 0


def test_a_lamp_at_one_side_is_switched_on() -> None:
    """No change of exposure explains it, and half the picture differs: it is another scene, not a crowd."""

    def lit() -> Iterator[Frame]:
        lamp = np.linspace(1.5, 0.2, WIDTH)[None, :, None]
        for i, frame in enumerate(film(lambda i: [walker(20 * i - 600)] if i >= 45 else [], 60)):
            picture = frame.image if i < 40 else np.clip(frame.image * lamp, 0, 255).astype(np.uint8)
            yield Frame(picture, frame.offset_ms)

    people = found(lit())
    assert sum(map(len, people[:45])) == 0
    assert all(hits(people[i], walker(20 * i - 600)) for i in range(45, 57))


def test_exposure_and_white_balance_may_drift() -> None:
    """By a factor, as cameras do it, and by more than a person differs from the wall."""

    def drifting() -> Iterator[Frame]:
        for i, frame in enumerate(film(lambda i: [walker(5 * i)] if i >= 50 else [], 90)):
            gain = np.array([1 - 0.006 * i, 1 - 0.005 * i, 1 - 0.004 * i])
            yield Frame((frame.image * gain).astype(np.uint8), frame.offset_ms)

    people = found(drifting())
    assert sum(map(len, people[:50])) == 0
    assert sum(hits(people[i], walker(5 * i)) for i in range(50, 90)) >= 38


def test_the_same_spot_visited_in_the_same_clothes_is_no_background() -> None:
    """Six in black, one after another, there twice as long as not: neither they nor the spots they leave are lost."""
    spot = [Box(0, 0, 2, 6)] * 5  # the sixth wears black
    people = found(film(lambda i: [*spot, walker(300)] if i % 12 >= 4 else spot, 72, noise=5))
    assert all(hits(people[i], walker(300)) for i in range(72) if i % 12 >= 4)
    assert all(len(people[i]) == 0 for i in range(72) if i % 12 < 4)


def test_the_next_visitors_are_found_after_one_became_background() -> None:
    """Where the same clothes are seen three times as long as nothing, they win in the end, but only until they go."""
    spot = [Box(0, 0, 2, 6)] * 5
    people = found(film(lambda i: [*spot, walker(300)] if i % 12 >= 3 else spot, 108, noise=5))
    assert sum(len(people[i]) for i in range(108) if i % 12 < 3) == 0
    assert all(hits(people[i], walker(300)) for i in range(75, 108) if i % 12 >= 3)


def test_a_shadow_does_not_widen_the_box() -> None:
    def shaded() -> Iterator[Frame]:
        for i, frame in enumerate(film(lambda i: [walker(300)] if 35 <= i < 45 else [], 50)):
            picture = frame.image.copy()
            if 35 <= i < 45:
                picture[255:275, 348:440] = picture[255:275, 348:440] * 0.75
            yield Frame(picture, frame.offset_ms)

    people = found(shaded())
    assert all(hits(people[i], walker(300)) and len(people[i]) == 1 for i in range(35, 45))


def test_a_film_of_five_pictures_is_enough_for_who_moves() -> None:
    people = found(film(lambda i: [walker(100 * i)], 5))
    assert all(hits(people[i], walker(100 * i)) for i in range(5))


def test_few_large_pictures_are_held_before_the_first_answer() -> None:
    taken = 0

    def large() -> Iterator[Frame]:
        nonlocal taken
        for i in range(40):
            taken += 1
            yield Frame(np.full((2160, 3840, 3), 90, np.uint8), 1000 * i)

    answers = MotionDetector().detect(large())
    next(answers)
    assert taken * 2160 * 3840 * 3 <= 200_000_000


def test_several_recordings_at_once_do_not_disturb_each_other() -> None:
    def place(i: int) -> list[Box]:
        return [walker(15 * i)] if i > 10 else []

    detector = MotionDetector()
    alone = found(film(place, 36))
    first, second = detector.detect(film(place, 36)), detector.detect(film(lambda _: [], 36))
    both = [(a[1], b[1]) for a, b in zip(first, second, strict=True)]
    assert [a for a, _ in both] == alone
    assert all(b == [] for _, b in both)


@given(st.integers(0, 40), st.integers(4, 60), st.integers(4, 60))
def test_pieces_of_a_blob_cover_its_columns(gap: int, left: int, right: int) -> None:
    mask = np.zeros((90, left + gap + right), np.uint8)
    mask[:, :left] = mask[:, left + gap :] = mask[60:] = 1
    pieces = columns_of(mask)
    assert (pieces[0][0], pieces[-1][1]) == (0, mask.shape[1])
    assert all(a[1] == b[0] for a, b in pairwise(pieces))
    assert len(pieces) <= 4


@given(st.floats(0.6, 1.5), st.floats(-30, 30))
def test_a_change_of_exposure_is_measured_although_somebody_stands_there(gain: float, offset: float) -> None:
    before = scene() // 2 + 30
    after = toned(before, np.full(3, gain), np.full(3, offset))
    after[100:300, 200:330] = (20, 20, 70)
    back = toned(before, *tone_between(before, after))
    outside = np.abs(back.astype(int) - after)[:, 340:]
    assert np.median(outside) <= 3
    assert np.percentile(outside, 95) <= 12
