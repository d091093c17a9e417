"""`doctor --deep` finds each kind of leftover, nothing else, and mends what can be mended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.maintenance.consistency import ConsistencyChecker
from indexer.maintenance.retention import Retention
from search.catalog.segment_queue import SegmentQueue
from search.stream_types import Reason
from search.types import Segment, SegmentReport, SegmentState, StartSource, StreamRole
from tests.support.installation import DIM, NOW, Installation, frame


def checker(installation: Installation) -> ConsistencyChecker:
    return ConsistencyChecker(installation.settings, installation.catalog, installation.store, installation.media)


def found(installation: Installation) -> dict[str, list[str]]:
    return {finding.what: finding.items for finding in checker(installation).check().findings}


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


def test_nothing_is_left_over_where_all_agrees(installation: Installation) -> None:
    for n in range(5):
        aged(Path(installation.record(NOW + n * 10_000).path))
    installation.record(NOW + 90_000, state=SegmentState.PENDING)
    checked = checker(installation).check()
    assert (checked.entries, checked.files, checked.rows, checked.findings) == (6, 5, 10, [])


def test_an_index_that_is_new(installation: Installation) -> None:
    assert (
        ConsistencyChecker(installation.settings, installation.catalog, None, installation.media).check().findings == []
    )


def test_each_kind_is_found_and_mended(installation: Installation, tmp_path: Path) -> None:
    good, lost, rowless = (installation.record(NOW + n * 10_000) for n in range(3))
    installation.catalog.segments.add(mine := unknown_file(good, tmp_path))
    orphan = aged(touched(Path(good.path).with_name("20260101T000000.000Z.mp4")))
    cut_off = aged(touched(Path(good.path).with_name(".20260101T000000.000Z.main.part")))
    touched(Path(good.path).with_name(".20260101T000001.000Z.main.part"))  # being written
    Path(lost.path).unlink()
    installation.store.delete_segment(rowless.id)
    nobody = unknown(good, "f" * 24)
    installation.store.upsert([frame(nobody, 0)], np.eye(1, DIM, dtype=np.float32))
    installation.media.put_thumbnail("e" * 24, 0, b"jpeg")
    touched(installation.settings.media_dir / "clips" / f"{'d' * 24}_0_2000_0123456789abcdef.mp4")
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
    assert found(installation) == expected | mendable
    checker(installation).mend()
    assert found(installation) == expected
    assert orphan.exists()
    assert {s.id: state for s, state, _ in installation.catalog.coverage.recordings(0, 2**62)} == {
        good.id: SegmentState.INDEXED,
        lost.id: SegmentState.DELETING,
        rowless.id: SegmentState.PENDING,
        mine.id: SegmentState.PENDING,
    }
    Retention(installation.settings, installation.catalog, installation.store, installation.media).step(NOW)
    assert [(gap.start_ms, gap.reason) for gap in installation.catalog.recordings.gaps(0, 2**62)] == [
        (lost.start_ms, Reason.DELETED)
    ]


def touched(file: Path) -> Path:
    file.touch()
    return file


def unknown_file(like: Segment, folder: Path) -> Segment:
    path = str(folder / "moved away.mp4")
    return Segment("a" * 24, like.camera_id, path, "a", 1, like.start_ms, StartSource.MTIME)


def test_what_changes_while_it_looks_is_not_left_over(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment is recorded and indexed, and another one deleted, between two looks into the parts."""
    summaries = SegmentQueue.summaries
    going = [installation.record(NOW), installation.record(NOW + 20_000)]

    def summaries_and_then(queue: SegmentQueue) -> Iterator[object]:
        yield from summaries(queue)
        if busy:
            gone = going.pop()
            aged(Path(installation.record(gone.start_ms + 10_000).path))
            installation.catalog.retention.mark_deleting([gone.id])
            Path(gone.path).unlink()
            busy.pop()

    monkeypatch.setattr(SegmentQueue, "summaries", summaries_and_then)
    busy = [True]
    assert checker(installation)._compare().files, "the test's own: one look alone is wrong"
    busy = [True]
    assert found(installation) == {}
    assert not going


def test_reports_of_skipped_segments_need_no_rows(installation: Installation) -> None:
    segment = installation.record(NOW, state=SegmentState.PENDING)
    installation.catalog.segments.finish(SegmentReport(segment, SegmentState.SKIPPED, rows=0))
    assert found(installation) == {}
