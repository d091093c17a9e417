"""Privacy masks: what they cover is black to the last pixel, and nothing far away is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.decoding.privacy_masks import PrivacyMasks, blackened
from search.catalog.catalog import Catalog
from search.catalog.streams import StreamStore
from search.errors import Unavailable
from search.stream_types import Polygon, Rules
from search.types import Camera, Image

SQUARE: Polygon = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def white(height: int = 48, width: int = 64) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def is_inside(polygon: Polygon, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (shares) are inside: a ray crosses the border an odd number of times."""
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def touched(polygon: Polygon, height: int, width: int, fine: int = 24) -> NDArray[np.bool_]:
    """(height, width): pixels that a polygon touches, by looking at many points of each."""
    y, x = np.mgrid[0 : height * fine, 0 : width * fine].astype(float) + 0.5
    hit = is_inside(polygon, x / (width * fine), y / (height * fine))
    return np.asarray(hit.reshape(height, fine, width, fine).any(axis=(1, 3)))


def grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    padded = np.pad(mask, by)
    height, width = mask.shape
    shifts = [padded[y : y + height, x : x + width] for y in range(2 * by + 1) for x in range(2 * by + 1)]
    return np.asarray(np.logical_or.reduce(shifts))


def test_without_polygons_it_is_the_image_itself() -> None:
    image = white()
    assert blackened(image, ()) is image


def test_the_image_itself_is_not_changed() -> None:
    image = white()
    image.flags.writeable = False
    assert (blackened(image, [SQUARE]) == 0).any()
    assert (image == 255).all()


@pytest.mark.parametrize("seed", range(30))
def test_every_pixel_that_a_polygon_touches_is_black_and_no_far_one(seed: int) -> None:
    r = random.Random(seed)
    height, width = r.choice([(48, 64), (37, 53), (20, 90)])
    polygon = tuple((r.random(), r.random()) for _ in range(r.choice([3, 3, 4])))
    if seed % 5 == 0:  # slivers: no pixel's middle is inside
        x, y = r.random(), r.random()
        polygon = ((x, y), (x, y + 0.3 * (1 - y)), (x + 0.002 * (1 - x), y + 0.3 * (1 - y)))
    black = (blackened(white(height, width), [polygon]) == 0).all(axis=2)
    must = touched(polygon, height, width)
    assert must.any() or seed % 5 == 0
    assert not (must & ~black).any(), "pixels of the masked region show"
    if seed % 5:  # a sliver's tip falls between the points that `touched` looks at
        assert not (black & ~grown(must, 3)).any(), "pixels far from the mask are black"


def test_no_pixel_is_grey() -> None:
    masked = blackened(white(), [((0.1, 0.13), (0.83, 0.4), (0.3, 0.91))])
    assert set(np.unique(masked)) == {0, 255}


def test_polygons_that_overlap_cover_both() -> None:
    other: Polygon = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6))
    masked = blackened(white(), [SQUARE, other])
    assert (masked[13:35, 17:47] == 0).all()


def test_the_whole_picture_may_be_masked() -> None:
    assert (blackened(white(), [((0, 0), (1, 0), (1, 1), (0, 1))]) == 0).all()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path / 'c.sqlite'}") as catalog:
        catalog.cameras.add(Camera("gate"))
        catalog.cameras.add(Camera("hall"))
        yield catalog


def test_the_book_follows_the_catalogue(catalog: Catalog) -> None:
    catalog.streams.set_rules(Rules("gate", masks=[SQUARE]))
    eager, lazy = PrivacyMasks(catalog, refresh_s=0), PrivacyMasks(catalog, refresh_s=3600)
    for masks in (eager, lazy):
        assert masks.masks("gate") == (SQUARE,)
        assert masks.masks("hall") == ()
        assert masks.masks("unknown") == ()
    catalog.streams.set_rules(Rules("hall", masks=[SQUARE]))
    assert eager.masks("hall") == (SQUARE,)
    assert lazy.masks("hall") == (), "the catalogue is asked for every picture"


def test_masks_hold_on_while_the_catalogue_does_not_answer(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.streams.set_rules(Rules("gate", masks=[SQUARE]))
    masks, late = PrivacyMasks(catalog, refresh_s=0), PrivacyMasks(catalog, refresh_s=0)
    assert masks.masks("gate") == (SQUARE,)

    def fails(_: StreamStore) -> dict[str, Rules]:
        raise Unavailable("the catalogue does not answer")

    monkeypatch.setattr(StreamStore, "rules", fails)
    assert masks.masks("gate") == (SQUARE,)
    with pytest.raises(Unavailable):
        late.masks("gate")
