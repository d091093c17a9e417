from __future__ import annotations

from collections.abc import Iterator

import pytest

from search.catalog.catalog import Catalog
from search.types import Camera


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        for camera in ("gate", "hall"):
            opened.cameras.add(Camera(camera))
        yield opened
