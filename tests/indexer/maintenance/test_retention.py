"""Retention on a real catalogue and real files: what goes, what stays, and that no crash leaves anything over."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.maintenance.retention import DeletionReport
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.errors import Unavailable
from search.media.media_store import MediaStore
from search.stream_types import Gap, Reason, Rules, Stream
from search.types import (
    Camera,
    Filter,
    Segment,
    SegmentReport,
    SegmentState,
    StartSource,
    StreamRole,
)
from search.vector_store.memory import MemoryStore
from search.vector_store.milvus import MilvusStore
from tests.support.installation import DAY, DIM, NOW, Installation

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:google.protobuf")

OLD = NOW - 40 * DAY


def run(installation: Installation, now: int = NOW) -> DeletionReport:
    """All steps together."""
    total = DeletionReport()
    retention = installation.retention
    for _ in range(1000):
        done = retention.step(now)
        if done is None:
            return total
        total = DeletionReport(
            total.segments + done.segments,
            total.bytes + done.bytes,
            total.rows + done.rows,
            total.thumbnails + done.thumbnails,
            {**total.by_camera, **done.by_camera},
            done.held,
        )
    raise AssertionError("retention never ends")


def test_what_is_old_goes_with_all_that_was_made_of_it(installation: Installation) -> None:
    old = [installation.record(OLD + n * 10_000) for n in range(120)]
    young = installation.record(NOW - DAY)
    done = run(installation)
    assert (done.segments, done.bytes, done.rows, done.thumbnails, done.held) == (120, 12_000, 240, 240, 0)
    assert installation.everything() == {young.id}
    assert installation.files() == [Path(young.path)]
    assert installation.gaps() == [(old[0].start_ms, old[-1].end_ms, Reason.DELETED)]
    assert len(list((installation.settings.recordings_dir / "gate").iterdir())) == 1, "empty folders are left"


def test_a_step_is_small(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.maintenance.retention.STEP", 50)
    for n in range(60):
        installation.record(OLD + n * 10_000)
    retention = installation.retention
    assert [done.segments for done in (retention.step(NOW), retention.step(NOW)) if done] == [50, 10]
    assert retention.step(NOW) is None


def test_steps_that_are_stopped_do_not_pile_up(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.maintenance.retention.STEP", 2)
    for n in range(6):
        installation.record(OLD + n * 10_000)
    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", dies)
            with pytest.raises(Crash):
                installation.retention.step(NOW)
    assert installation.catalog.segments.states() == {"deleting": 2, "indexed": 4}


def test_what_is_held_does_not_stand_in_the_way(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.maintenance.retention.STEP", 2)
    for n in range(5):
        installation.record(OLD + n * 10_000)
    installation.catalog.retention.add_hold("gate", OLD, OLD + 35_000, "case 17")
    assert run(installation).segments == 1
    installation.record(NOW - DAY)
    assert run(replace_settings(installation, retention_gib=1e-9)).segments == 1


def test_each_camera_has_its_own_days(installation: Installation) -> None:
    for camera in ("gate", "hall", "roof"):
        installation.record(NOW - 10 * DAY, camera)
        installation.record(OLD, camera)
    installation.catalog.streams.set_rules(Rules("hall", keep_days=7))
    installation.catalog.streams.set_rules(Rules("roof", keep_days=90))
    assert run(installation).segments == 3
    left = [(s.camera_id, s.start_ms) for s, _, _ in installation.catalog.coverage.recordings(0, 2**62)]
    assert left == [("gate", NOW - 10 * DAY), ("roof", OLD), ("roof", NOW - 10 * DAY)]


def test_a_file_goes_when_its_end_is_too_old(installation: Installation) -> None:
    installation.record(NOW - 30 * DAY - 9_999)
    assert installation.retention.step(NOW) is None
    assert installation.retention.step(NOW + 1) is not None


def test_imported_files_leased_and_held_ones_stay(installation: Installation, tmp_path: Path) -> None:
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(b"film")
    installation.catalog.cameras.add(Camera("gate"))
    file = Segment(segment_id("gate", "f"), "gate", str(mine), "f", 10**15, OLD, StartSource.MTIME, 10_000)
    installation.catalog.segments.add(file)
    installation.catalog.segments.finish(SegmentReport(file, SegmentState.INDEXED))
    held = installation.record(OLD + 10_000)
    everybodys = installation.record(OLD + 40_000)
    leased = installation.record(OLD + 60_000, state=SegmentState.PENDING)
    taken = installation.catalog.segments.lease("me", 60_000)
    assert taken is not None
    assert taken.id == leased.id
    goes = installation.record(OLD + 80_000)
    installation.catalog.retention.add_hold("gate", OLD + 19_999, OLD + 20_001, "case 17")
    installation.catalog.retention.add_hold("", OLD + 45_000, OLD + 46_000, "case 18")
    installation.catalog.cameras.add(Camera("hall"))
    installation.catalog.retention.add_hold("hall", OLD, NOW, "another camera's")
    small = replace_settings(installation, retention_gib=1e-9)
    done = run(small)
    assert (done.segments, done.held) == (1, 2)
    assert installation.everything() == {file.id, held.id, everybodys.id, leased.id}
    assert mine.exists()
    assert [Path(s.path) for s in (held, everybodys, leased)] == installation.files()
    assert installation.gaps() == [(goes.start_ms, goes.end_ms, Reason.DELETED)]


def replace_settings(installation: Installation, **changes: Any) -> Installation:
    return replace(installation, settings=installation.settings.model_copy(update=changes))


def test_too_much_goes_oldest_first_of_all_cameras(installation: Installation) -> None:
    gib = 2**30
    for n in range(8):
        installation.record(
            NOW - DAY + n * 10_000, "gate" if n % 2 else "hall", size=gib, role=StreamRole(["main", "sub"][n % 2])
        )
    limited = replace_settings(installation, retention_gib=5.5)
    assert run(limited).segments == 3
    assert sorted(s.start_ms for s, _, _ in installation.catalog.coverage.recordings(0, 2**62)) == [
        NOW - DAY + n * 10_000 for n in range(3, 8)
    ]


def test_no_room_on_the_disk_is_no_reason_to_delete(installation: Installation) -> None:
    installation.record(NOW - DAY)
    full = replace_settings(installation, min_free_gib=1e9)
    assert run(full).segments == 0


def test_gaps_do_not_grow_without_bound(installation: Installation) -> None:
    """Day after day, one gap for all that was deleted, and other reasons inside it are swallowed."""
    installation.catalog.cameras.add(Camera("gate"))
    installation.catalog.streams.set("gate", [Stream("gate", StreamRole.MAIN, "s", "s", OLD)])
    before = Gap("gate", StreamRole.MAIN, OLD - 5_000, OLD, Reason.NOT_CONNECTED)
    inside = Gap("gate", StreamRole.MAIN, OLD + 10_000, OLD + 20_000, Reason.NO_FRAMES)
    installation.catalog.recordings.write(RecorderUpdate(gaps=[before, inside]))
    for n in (0, 2, 3, 4):
        installation.record(OLD + n * 10_000)
    last = Gap("gate", StreamRole.MAIN, OLD + 50_000, OLD + 60_000, Reason.DISK_FULL)
    installation.catalog.recordings.write(RecorderUpdate(gaps=[last]))
    installation.record(OLD + 60_000)
    for end in (1, 3, 4, 5):
        run(installation, OLD + 30 * DAY + end * 10_000)
    assert installation.gaps() == [
        (before.start_ms, OLD, Reason.NOT_CONNECTED),
        (OLD, OLD + 50_000, Reason.DELETED),
        (last.start_ms, last.end_ms, Reason.DISK_FULL),
    ]
    run(installation)
    assert installation.gaps()[1:] == [(OLD, OLD + 70_000, Reason.DELETED)]


def test_a_gap_never_covers_what_is_still_there(installation: Installation) -> None:
    for n in range(5):
        installation.record(OLD + n * 10_000)
    installation.catalog.retention.add_hold("gate", OLD + 21_000, OLD + 22_000, "case 17")
    run(installation)
    kept = (OLD + 20_000, OLD + 30_000)
    parted = [(OLD, kept[0], Reason.DELETED), (kept[1], OLD + 50_000, Reason.DELETED)]
    assert installation.gaps() == parted
    installation.catalog.retention.remove_hold(installation.catalog.retention.holds()[0].id)
    run(installation)
    assert installation.gaps() == [(OLD, OLD + 50_000, Reason.DELETED)]
    assert installation.everything() == set()


def test_streams_of_one_camera_have_gaps_of_their_own(installation: Installation) -> None:
    for role in (StreamRole.MAIN, StreamRole.SUB):
        installation.record(OLD, role=role)
    run(installation)
    assert {(gap.role, gap.start_ms) for gap in installation.catalog.recordings.gaps(0, 2**62)} == {
        (StreamRole.MAIN, OLD),
        (StreamRole.SUB, OLD),
    }


class Crash(BaseException):
    """A process that dies: nothing catches it."""


def dies(*_: object, **__: object) -> Any:
    raise Crash


CRASHES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the file": lambda patch: patch.setattr(Path, "unlink", dies),
    "amid the files": lambda patch: patch.setattr(Path, "unlink", dies_at(3, Path.unlink)),
    "before the thumbnails": lambda patch: patch.setattr(MediaStore, "delete_thumbnails", dies),
    "amid the thumbnails": lambda patch: patch.setattr(
        MediaStore, "delete_thumbnails", dies_at(3, MediaStore.delete_thumbnails)
    ),
    "before the rows": lambda patch: patch.setattr(MemoryStore, "delete_segments", dies),
    "amid the rows": lambda patch: patch.setattr(MemoryStore, "delete_segment", dies_at(3, MemoryStore.delete_segment)),
    "before the gaps": lambda patch: patch.setattr("search.catalog.retention.RetentionStore.forget", dies),
    "amid the gaps": lambda patch: patch.setattr("search.catalog.retention.RetentionStore._leave_gap", dies),
    "before the report": lambda patch: patch.setattr("search.catalog.retention.RetentionStore.held", dies),
}


def dies_at(call: int, method: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter(range(1, 10_000))

    def wrapped(*arguments: Any, **named: Any) -> Any:
        if next(calls) == call:
            raise Crash
        return method(*arguments, **named)

    return wrapped


@pytest.mark.parametrize("point", CRASHES)
def test_a_crash_anywhere_is_finished_by_the_next_step(
    point: str, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [installation.record(OLD + n * 10_000) for n in range(6)]
    young = installation.record(NOW - DAY)
    with monkeypatch.context() as patch:
        CRASHES[point](patch)
        with pytest.raises(Crash):
            installation.retention.step(NOW)
    run(installation)
    assert installation.everything() == {young.id}
    assert installation.files() == [Path(young.path)]
    assert installation.gaps() == [(OLD, old[-1].end_ms, Reason.DELETED)]


def test_a_hold_saves_what_was_marked_and_is_still_whole(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = installation.record(OLD), installation.record(OLD + 10_000, state=SegmentState.PENDING)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", dies)
        with pytest.raises(Crash):
            installation.retention.step(NOW)
    assert installation.catalog.segments.states() == {"deleting": 2}
    installation.catalog.retention.add_hold("gate", OLD, OLD + 20_000, "case 17")
    assert run(installation).segments == 0
    assert installation.everything() == {first.id, second.id}
    assert installation.catalog.segments.states() == {"indexed": 1, "pending": 1}


def test_a_file_that_cannot_be_deleted_stops_no_other(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, goes = installation.record(OLD), installation.record(OLD + 10_000)
    unlink = Path.unlink

    def refuses(path: Path, missing_ok: bool = False) -> None:
        if str(path) == stuck.path:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuses)
    retention = installation.retention
    done = retention.step(NOW)
    assert done is not None
    assert done.segments == 1
    with pytest.raises(Unavailable, match="Permission denied"):
        retention.step(NOW)
    assert installation.everything() == {stuck.id}
    assert installation.catalog.segments.states() == {"indexed": 1}
    assert not Path(goes.path).exists()


def test_an_imported_file_stays_whoever_marks_its_entry(installation: Installation, tmp_path: Path) -> None:
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(b"film")
    installation.catalog.cameras.add(Camera("gate"))
    installation.catalog.segments.add(Segment("f" * 24, "gate", str(mine), "f", 1, NOW, StartSource.MTIME))
    installation.catalog.retention.mark_deleting(["f" * 24])
    installation.retention.step(NOW)
    assert mine.exists()


def test_a_file_that_is_gone_already_is_no_fault(installation: Installation) -> None:
    os.remove(installation.record(OLD).path)  # noqa: PTH107
    assert run(installation).segments == 1
    assert installation.everything() == set()


def test_on_milvus(installation: Installation, tmp_path: Path) -> None:
    with MilvusStore(str(tmp_path / "vectors.db"), collection="xunren", dim=DIM) as store:
        real = replace(installation, store=store)
        for n in range(70):
            real.record(OLD + n * 10_000)
        young = real.record(NOW - DAY)
        assert store.count() == 142
        assert store.count_by_segment()[young.id] == 2
        done = run(real)
        assert (done.segments, done.rows) == (70, 140)
        assert real.everything() == {young.id}
    with MilvusStore(str(tmp_path / "vectors.db"), collection="xunren", dim=DIM) as store:
        assert store.count(Filter()) == 2
        assert store.count_by_segment() == {young.id: 2}
