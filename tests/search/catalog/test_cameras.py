from __future__ import annotations

import pytest

from search.catalog.catalog import Catalog
from search.errors import BadInput, NotFound
from search.types import Camera


def test_unknown_cameras_are_named_with_the_nearest(catalog: Catalog) -> None:
    catalog.cameras.add(Camera("square"))
    with pytest.raises(NotFound) as e:
        catalog.cameras.check(["gate", "gaet"])
    assert "gate" in e.value.expected
    with pytest.raises(NotFound):
        catalog.cameras.get("nowhere")


@pytest.mark.parametrize("bad", ["", " gate", 'a"b', "a\\b", "a'b", "x" * 65, "a\nb", "../up"])
def test_impossible_camera_ids_are_refused(bad: str) -> None:
    with pytest.raises(BadInput, match="camera id"):
        Camera(bad)


@pytest.mark.parametrize("good", ["gate-3", "北门 1号", "10.0.0.5:554", "Halle (West)"])
def test_names_of_any_script_are_cameras(good: str, catalog: Catalog) -> None:
    assert catalog.cameras.add(Camera(good))
    assert not catalog.cameras.add(Camera(good, name="again"))
    assert catalog.cameras.get(good).name == "again"
