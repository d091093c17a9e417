from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.importer.registration import register
from search.catalog.catalog import Catalog
from search.errors import BadInput
from search.times import zone_of
from search.types import Camera, StartSource
from tests.support.videos import make

UTC = zone_of("UTC")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path / 'c.sqlite'}") as opened:
        yield opened


def test_good_and_bad_files_are_sorted(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "v"
    (folder / "gate").mkdir(parents=True)
    make(folder / "gate" / "20261102_080000.mp4", seconds=1)
    (folder / "gate" / "empty.mp4").touch()
    found = register(catalog, [folder], camera_id=None, start_ms=None, zone=UTC, max_megapixels=17)
    assert found.files == 2
    assert [(s.camera_id, s.start_ms, s.start_source) for s in found.waiting] == [
        ("gate", 1_793_606_400_000, StartSource.FILENAME)
    ]
    assert [(r.reason, Path(r.path).name) for r in found.refused] == [("empty", "empty.mp4")]
    assert [c.id for c in catalog.cameras.all()] == ["gate"]


def test_a_camera_that_is_known_keeps_its_data_and_corrects_the_clock(tmp_path: Path, catalog: Catalog) -> None:
    catalog.cameras.add(Camera("gate", name="north gate", clock_offset_ms=-500))
    video = make(tmp_path / "a.mp4", seconds=1)
    found = register(catalog, [video], camera_id="gate", start_ms=10_000, zone=UTC, max_megapixels=17)
    assert found.waiting[0].start_ms == 9_500
    assert catalog.cameras.get("gate").name == "north gate"


def test_one_start_for_many_files_is_refused(tmp_path: Path, catalog: Catalog) -> None:
    for n in range(2):
        make(tmp_path / f"{n}.mp4", seconds=1)
    with pytest.raises(BadInput, match="one start time"):
        register(catalog, [tmp_path], camera_id=None, start_ms=1, zone=UTC, max_megapixels=17)
    assert catalog.segments.states() == {}


def test_what_was_refused_and_is_mended_is_forgotten(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "v"
    folder.mkdir()
    assert register(catalog, [folder], camera_id=None, start_ms=None, zone=UTC, max_megapixels=17).refused
    (folder / "a.mp4").touch()
    register(catalog, [folder], camera_id=None, start_ms=None, zone=UTC, max_megapixels=17)
    assert [Path(r["path"]).name for r in catalog.rejected_files.all()] == ["a.mp4"]
    make(folder / "a.mp4", seconds=1)
    assert register(catalog, [folder], camera_id=None, start_ms=None, zone=UTC, max_megapixels=17).waiting
    assert catalog.rejected_files.all() == []


def test_a_name_that_is_no_text_is_refused_and_the_batch_goes_on(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "v"
    folder.mkdir()
    good = make(folder / "good.mp4", seconds=1)
    Path(os.fsdecode(os.fsencode(folder) + b"/b\xff.mp4")).write_bytes(good.read_bytes())
    found = register(catalog, [folder], camera_id="gate", start_ms=None, zone=UTC, max_megapixels=17)
    assert len(found.waiting) == 1
    assert [r.reason for r in found.refused] == ["unreadable"]
    assert "\ufffd" in catalog.rejected_files.all()[0]["path"]


def test_the_same_content_twice_is_one_segment(tmp_path: Path, catalog: Catalog) -> None:
    first = make(tmp_path / "a.mp4", seconds=1)
    copy = tmp_path / "b.mp4"
    copy.write_bytes(first.read_bytes())
    found = register(catalog, [first, copy], camera_id="gate", start_ms=None, zone=UTC, max_megapixels=17)
    assert len({s.id for s in found.waiting}) == 1
    assert catalog.segments.states() == {"pending": 1}
