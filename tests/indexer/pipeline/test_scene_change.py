from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.pipeline.scene_change import SceneChange, changed_share, thumbnail
from search.types import Image
from tests.support.videos import picture

SCENE = picture(0, 640, 360)


def kept(*images: Image, interval_s: float = 1000, step_ms: int = 1000) -> list[bool]:
    scene = SceneChange(interval_s)
    return [scene.is_new(image, n * step_ms) for n, image in enumerate(images)]


def with_person(share_of_height: float) -> Image:
    image = SCENE.copy()
    height = round(360 * share_of_height)
    image[360 - height :, 300 : 300 + height // 3] = (10, 10, 10)
    return image


def test_an_unchanged_scene_is_kept_once_and_again_after_the_interval() -> None:
    assert kept(SCENE, SCENE, SCENE) == [True, False, False]
    assert kept(*[SCENE] * 8, interval_s=2) == [True, False, True, False, False, False, True, False]


def test_a_street_that_stays_empty_costs_a_few_rows_an_hour_until_something_happens() -> None:
    hour = [SCENE] * 1800
    assert 8 <= kept(*hour, interval_s=30, step_ms=2000).count(True) <= 12
    busy = with_person(0.75)
    after = [*hour, busy, SCENE, *[SCENE] * 20]
    assert kept(*after, interval_s=30, step_ms=2000)[1800:].count(True) == 3, "new, gone again, and after 30 s"


def test_another_scene_is_new() -> None:
    assert kept(SCENE, np.ascontiguousarray(SCENE[:, ::-1]), SCENE) == [True, True, True]


def test_a_person_counts_when_sizeable() -> None:
    assert kept(SCENE, with_person(0.15)) == [True, False]
    assert kept(SCENE, with_person(0.75)) == [True, True]


def test_changes_add_up_against_the_last_kept_one() -> None:
    walls = []
    for n in range(8):
        image = SCENE.copy()
        image[:, : n * 8] = 0
        walls.append(image)
    assert kept(*walls).count(True) in (2, 3)


@settings(max_examples=30)
@given(st.floats(0.75, 1.2), st.floats(-10, 10), st.floats(0, 20), st.integers(0, 99))
def test_noise_and_exposure_are_not_news(gain: float, offset: float, noise: float, seed: int) -> None:
    rough = np.random.default_rng(seed).normal(0, noise, SCENE.shape)
    image = np.clip(SCENE * gain + offset + rough, 0, 255).astype(np.uint8)
    assert kept(SCENE, image) == [True, False]


@given(st.integers(0, 255), st.integers(0, 255))
def test_flat_pictures_do_not_break_it(a: int, b: int) -> None:
    flat = [np.full((36, 64, 3), level, np.uint8) for level in (a, b)]
    assert 0 <= changed_share(thumbnail(flat[0]), thumbnail(flat[1])) <= 1


def test_any_size_of_picture() -> None:
    for shape in ((1, 1, 3), (7, 2000, 3), (2000, 7, 3)):
        assert thumbnail(np.zeros(shape, np.uint8)).shape == (36, 64)
