"""`doctor --deep` finds each kind of leftover, nothing else, and mends what can be mended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.maintenance.consistency import ConsistencyChecker
from indexer.maintenance.retention import Retention
from search.catalog.catalog import Catalog
from search.catalog.segment_queue import SegmentQueue
from search.config import Settings
from search.media.media_store import MediaStore
from search.stream_types import Reason
from search.types import Segment, SegmentReport, SegmentState, StartSource, StreamRole
from search.vector_store.memory import MemoryStore
from tests.indexer.maintenance.test_retention import DIM, NOW, House, frame


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    settings = Settings(data_dir=tmp_path)
    with Catalog(settings.catalog_address) as catalog, MemoryStore(dim=DIM) as store:
        yield House(settings, catalog, store, MediaStore(settings.media_dir))


def checker(house: House) -> ConsistencyChecker:
    return ConsistencyChecker(house.settings, house.catalog, house.store, house.media)


def found(house: House) -> dict[str, list[str]]:
    return {finding.what: finding.items for finding in checker(house).check().findings}


def aged(file: Path) -> Path:
    os.utime(file, (NOW / 1000 - 10**9, NOW / 1000 - 10**9))
    return file


def unknown(segment: Segment, name: str) -> Segment:
    return Segment(
        name,
        segment.camera_id,
        segment.path,
        name,
        1,
        segment.start_ms,
        StartSource.RECORDER,
        10_000,
        role=StreamRole.MAIN,
    )


def test_nothing_is_left_over_where_all_agrees(house: House) -> None:
    for n in range(5):
        aged(Path(house.record(NOW + n * 10_000).path))
    house.record(NOW + 90_000, state=SegmentState.PENDING)
    checked = checker(house).check()
    assert (checked.entries, checked.files, checked.rows, checked.findings) == (6, 5, 10, [])


def test_an_index_that_is_new(house: House) -> None:
    assert ConsistencyChecker(house.settings, house.catalog, None, house.media).check().findings == []


def test_each_kind_is_found_and_mended(house: House, tmp_path: Path) -> None:
    good, lost, rowless = (house.record(NOW + n * 10_000) for n in range(3))
    house.catalog.segments.add(mine := unknown_file(good, tmp_path))
    orphan = aged(touched(Path(good.path).with_name("20260101T000000.000Z.mp4")))
    cut_off = aged(touched(Path(good.path).with_name(".20260101T000000.000Z.main.part")))
    touched(Path(good.path).with_name(".20260101T000001.000Z.main.part"))  # being written
    Path(lost.path).unlink()
    house.store.delete_segment(rowless.id)
    nobody = unknown(good, "f" * 24)
    house.store.upsert([frame(nobody, 0)], np.eye(1, DIM, dtype=np.float32))
    house.media.put_thumbnail("e" * 24, 0, b"jpeg")
    touched(house.settings.media_dir / "clips" / f"{'d' * 24}_0_2000_0123456789abcdef.mp4")
    expected = {
        "files without an entry": sorted(map(str, (orphan, cut_off))),
        "imported files that are gone": [mine.path],
    }
    mendable = {
        "recordings whose file is gone": [lost.path],
        "thumbnails or clips of unknown segments": ["d" * 24, "e" * 24],
        "rows of unknown segments": [nobody.id],
        "indexed segments without their rows": [rowless.id],
    }
    assert found(house) == expected | mendable
    checker(house).mend()
    assert found(house) == expected
    assert orphan.exists()
    assert {s.id: state for s, state, _ in house.catalog.coverage.recordings(0, 2**62)} == {
        good.id: SegmentState.INDEXED,
        lost.id: SegmentState.DELETING,
        rowless.id: SegmentState.PENDING,
        mine.id: SegmentState.PENDING,
    }
    Retention(house.settings, house.catalog, house.store, house.media).step(NOW)
    assert [(gap.start_ms, gap.reason) for gap in house.catalog.recordings.gaps(0, 2**62)] == [
        (lost.start_ms, Reason.DELETED)
    ]


def touched(file: Path) -> Path:
    file.touch()
    return file


def unknown_file(like: Segment, folder: Path) -> Segment:
    path = str(folder / "moved away.mp4")
    return Segment("a" * 24, like.camera_id, path, "a", 1, like.start_ms, StartSource.MTIME)


def test_what_changes_while_it_looks_is_not_left_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment is recorded and indexed, and another one deleted, between two looks into the parts."""
    summaries = SegmentQueue.summaries
    going = [house.record(NOW), house.record(NOW + 20_000)]

    def summaries_and_then(queue: SegmentQueue) -> Iterator[object]:
        yield from summaries(queue)
        if busy:
            gone = going.pop()
            aged(Path(house.record(gone.start_ms + 10_000).path))
            house.catalog.retention.mark_deleting([gone.id])
            Path(gone.path).unlink()
            busy.pop()

    monkeypatch.setattr(SegmentQueue, "summaries", summaries_and_then)
    busy = [True]
    assert checker(house)._compare().files, "the test's own: one look alone is wrong"
    busy = [True]
    assert found(house) == {}
    assert not going


def test_reports_of_skipped_segments_need_no_rows(house: House) -> None:
    segment = house.record(NOW, state=SegmentState.PENDING)
    house.catalog.segments.finish(SegmentReport(segment, SegmentState.SKIPPED, rows=0))
    assert found(house) == {}
