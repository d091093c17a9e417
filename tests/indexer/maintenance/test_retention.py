"""Retention on a real catalogue and real files: what goes, what stays, and that no crash leaves anything over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.maintenance.retention import DeletionReport, Retention
from indexer.recorder.segment_writer import RecordingFolder
from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.config import Settings
from search.errors import Unavailable
from search.media.media_store import MediaStore
from search.stream_types import Gap, Reason, Rules, Stream
from search.types import (
    Box,
    Camera,
    Filter,
    Row,
    RowKind,
    Segment,
    SegmentReport,
    SegmentState,
    StartSource,
    StreamRole,
)
from search.vector_store.base import VectorStore
from search.vector_store.memory import MemoryStore
from search.vector_store.milvus import MilvusStore

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:google.protobuf")

DAY = 86_400_000
NOW = 1_790_000_000_000
OLD = NOW - 40 * DAY
DIM = 4


@dataclass
class House:
    """All parts of an index over a folder."""

    settings: Settings
    catalog: Catalog
    store: VectorStore
    media: MediaStore

    @property
    def retention(self) -> Retention:
        return Retention(self.settings, self.catalog, self.store, self.media)

    def record(
        self,
        start_ms: int,
        camera: str = "gate",
        *,
        role: StreamRole = StreamRole.MAIN,
        state: SegmentState = SegmentState.INDEXED,
        size: int = 100,
    ) -> Segment:
        """A file of 10 s with its entry, two rows, a thumbnail and a clip."""
        self.catalog.cameras.add(Camera(camera), replace=False)
        file = RecordingFolder(self.settings.recordings_dir, camera, role).file(start_ms, ".mp4")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 10)
        sha = f"{camera}{start_ms}{role}"
        segment = Segment(
            segment_id(camera, sha), camera, str(file.absolute()), sha, size, start_ms, StartSource.RECORDER, 10_000,
            role=role,
        )  # fmt: skip
        self.catalog.recordings.write(RecorderUpdate(segments=[(segment, SegmentState.PENDING)]))
        if state is SegmentState.INDEXED:
            rows = [frame(segment, offset) for offset in (0, 5000)]
            self.store.upsert(rows, np.eye(2, DIM, dtype=np.float32))
            self.media.put_thumbnail(segment.id, 0, b"jpeg")
            clips = self.settings.media_dir / "clips"
            clips.mkdir(exist_ok=True)
            (clips / f"{segment.id}_0_2000.mp4").touch()
            self.catalog.segments.finish(SegmentReport(segment, state, seen=1, indexed=1, rows=2))
        return segment

    def everything(self) -> set[str]:
        """Ids that anything is known about: entries, files (by start), thumbnails, clips, rows."""
        ids = {segment.id for segment, _, _ in self.catalog.coverage.recordings(0, 2**62)}
        media = {path.name.partition("_")[0] for path in self.settings.media_dir.glob("*/*")}
        return ids | media | {row_id.partition("-")[0] for row_id in self.store.ids()}

    def files(self) -> list[Path]:
        return sorted(path for path in self.settings.recordings_dir.rglob("*") if path.is_file())

    def gaps(self) -> list[tuple[int, int, Reason]]:
        return [(gap.start_ms, gap.end_ms, gap.reason) for gap in self.catalog.recordings.gaps(0, 2**62)]


def frame(segment: Segment, offset: int) -> Row:
    at = segment.start_ms + offset
    name = f"{segment.id}-f-{offset}"
    return Row(name, segment.camera_id, segment.id, RowKind.FRAME, 0, at, at, at, Box(0, 0, 9, 9), 9, 9)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    settings = Settings(data_dir=tmp_path)
    with Catalog(settings.catalog_address) as catalog, MemoryStore(dim=DIM) as store:
        yield House(settings, catalog, store, MediaStore(settings.media_dir))


def run(house: House, now: int = NOW) -> DeletionReport:
    """All steps together."""
    total = DeletionReport()
    retention = house.retention
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


def test_what_is_old_goes_with_all_that_was_made_of_it(house: House) -> None:
    old = [house.record(OLD + n * 10_000) for n in range(120)]
    young = house.record(NOW - DAY)
    done = run(house)
    assert (done.segments, done.bytes, done.rows, done.thumbnails, done.held) == (120, 12_000, 240, 240, 0)
    assert house.everything() == {young.id}
    assert house.files() == [Path(young.path)]
    assert house.gaps() == [(old[0].start_ms, old[-1].end_ms, Reason.DELETED)]
    assert len(list((house.settings.recordings_dir / "gate").iterdir())) == 1, "empty folders are left"


def test_a_step_is_small(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.maintenance.retention.STEP", 50)
    for n in range(60):
        house.record(OLD + n * 10_000)
    retention = house.retention
    assert [done.segments for done in (retention.step(NOW), retention.step(NOW)) if done] == [50, 10]
    assert retention.step(NOW) is None


def test_steps_that_are_stopped_do_not_pile_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.maintenance.retention.STEP", 2)
    for n in range(6):
        house.record(OLD + n * 10_000)
    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", dies)
            with pytest.raises(Crash):
                house.retention.step(NOW)
    assert house.catalog.segments.states() == {"deleting": 2, "indexed": 4}


def test_what_is_held_does_not_stand_in_the_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.maintenance.retention.STEP", 2)
    for n in range(5):
        house.record(OLD + n * 10_000)
    house.catalog.retention.add_hold("gate", OLD, OLD + 35_000, "case 17")
    assert run(house).segments == 1
    house.record(NOW - DAY)
    assert run(replace_settings(house, retention_gib=1e-9)).segments == 1


def test_each_camera_has_its_own_days(house: House) -> None:
    for camera in ("gate", "hall", "roof"):
        house.record(NOW - 10 * DAY, camera)
        house.record(OLD, camera)
    house.catalog.streams.set_rules(Rules("hall", keep_days=7))
    house.catalog.streams.set_rules(Rules("roof", keep_days=90))
    assert run(house).segments == 3
    left = [(s.camera_id, s.start_ms) for s, _, _ in house.catalog.coverage.recordings(0, 2**62)]
    assert left == [("gate", NOW - 10 * DAY), ("roof", OLD), ("roof", NOW - 10 * DAY)]


def test_a_file_goes_when_its_end_is_too_old(house: House) -> None:
    house.record(NOW - 30 * DAY - 9_999)
    assert house.retention.step(NOW) is None
    assert house.retention.step(NOW + 1) is not None


def test_imported_files_leased_and_held_ones_stay(house: House, tmp_path: Path) -> None:
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(b"film")
    house.catalog.cameras.add(Camera("gate"))
    file = Segment(segment_id("gate", "f"), "gate", str(mine), "f", 10**15, OLD, StartSource.MTIME, 10_000)
    house.catalog.segments.add(file)
    house.catalog.segments.finish(SegmentReport(file, SegmentState.INDEXED))
    held = house.record(OLD + 10_000)
    everybodys = house.record(OLD + 40_000)
    leased = house.record(OLD + 60_000, state=SegmentState.PENDING)
    taken = house.catalog.segments.lease("me", 60_000)
    assert taken is not None
    assert taken.id == leased.id
    goes = house.record(OLD + 80_000)
    house.catalog.retention.add_hold("gate", OLD + 19_999, OLD + 20_001, "case 17")
    house.catalog.retention.add_hold("", OLD + 45_000, OLD + 46_000, "case 18")
    house.catalog.cameras.add(Camera("hall"))
    house.catalog.retention.add_hold("hall", OLD, NOW, "another camera's")
    small = replace_settings(house, retention_gib=1e-9)
    done = run(small)
    assert (done.segments, done.held) == (1, 2)
    assert house.everything() == {file.id, held.id, everybodys.id, leased.id}
    assert mine.exists()
    assert [Path(s.path) for s in (held, everybodys, leased)] == house.files()
    assert house.gaps() == [(goes.start_ms, goes.end_ms, Reason.DELETED)]


def replace_settings(house: House, **changes: Any) -> House:
    return replace(house, settings=house.settings.model_copy(update=changes))


def test_too_much_goes_oldest_first_of_all_cameras(house: House) -> None:
    gib = 2**30
    for n in range(8):
        house.record(
            NOW - DAY + n * 10_000, "gate" if n % 2 else "hall", size=gib, role=StreamRole(["main", "sub"][n % 2])
        )
    limited = replace_settings(house, retention_gib=5.5)
    assert run(limited).segments == 3
    assert sorted(s.start_ms for s, _, _ in house.catalog.coverage.recordings(0, 2**62)) == [
        NOW - DAY + n * 10_000 for n in range(3, 8)
    ]


def test_no_room_on_the_disk_is_no_reason_to_delete(house: House) -> None:
    house.record(NOW - DAY)
    full = replace_settings(house, min_free_gib=1e9)
    assert run(full).segments == 0


def test_gaps_do_not_grow_without_bound(house: House) -> None:
    """Day after day, one gap for all that was deleted, and other reasons inside it are swallowed."""
    house.catalog.cameras.add(Camera("gate"))
    house.catalog.streams.set("gate", [Stream("gate", StreamRole.MAIN, "s", "s", OLD)])
    before = Gap("gate", StreamRole.MAIN, OLD - 5_000, OLD, Reason.NOT_CONNECTED)
    inside = Gap("gate", StreamRole.MAIN, OLD + 10_000, OLD + 20_000, Reason.NO_FRAMES)
    house.catalog.recordings.write(RecorderUpdate(gaps=[before, inside]))
    for n in (0, 2, 3, 4):
        house.record(OLD + n * 10_000)
    last = Gap("gate", StreamRole.MAIN, OLD + 50_000, OLD + 60_000, Reason.DISK_FULL)
    house.catalog.recordings.write(RecorderUpdate(gaps=[last]))
    house.record(OLD + 60_000)
    for end in (1, 3, 4, 5):
        run(house, OLD + 30 * DAY + end * 10_000)
    assert house.gaps() == [
        (before.start_ms, OLD, Reason.NOT_CONNECTED),
        (OLD, OLD + 50_000, Reason.DELETED),
        (last.start_ms, last.end_ms, Reason.DISK_FULL),
    ]
    run(house)
    assert house.gaps()[1:] == [(OLD, OLD + 70_000, Reason.DELETED)]


def test_a_gap_never_covers_what_is_still_there(house: House) -> None:
    for n in range(5):
        house.record(OLD + n * 10_000)
    house.catalog.retention.add_hold("gate", OLD + 21_000, OLD + 22_000, "case 17")
    run(house)
    kept = (OLD + 20_000, OLD + 30_000)
    parted = [(OLD, kept[0], Reason.DELETED), (kept[1], OLD + 50_000, Reason.DELETED)]
    assert house.gaps() == parted
    house.catalog.retention.remove_hold(house.catalog.retention.holds()[0].id)
    run(house)
    assert house.gaps() == [(OLD, OLD + 50_000, Reason.DELETED)]
    assert house.everything() == set()


def test_streams_of_one_camera_have_gaps_of_their_own(house: House) -> None:
    for role in (StreamRole.MAIN, StreamRole.SUB):
        house.record(OLD, role=role)
    run(house)
    assert {(gap.role, gap.start_ms) for gap in house.catalog.recordings.gaps(0, 2**62)} == {
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
    point: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [house.record(OLD + n * 10_000) for n in range(6)]
    young = house.record(NOW - DAY)
    with monkeypatch.context() as patch:
        CRASHES[point](patch)
        with pytest.raises(Crash):
            house.retention.step(NOW)
    run(house)
    assert house.everything() == {young.id}
    assert house.files() == [Path(young.path)]
    assert house.gaps() == [(OLD, old[-1].end_ms, Reason.DELETED)]


def test_a_hold_saves_what_was_marked_and_is_still_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = house.record(OLD), house.record(OLD + 10_000, state=SegmentState.PENDING)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", dies)
        with pytest.raises(Crash):
            house.retention.step(NOW)
    assert house.catalog.segments.states() == {"deleting": 2}
    house.catalog.retention.add_hold("gate", OLD, OLD + 20_000, "case 17")
    assert run(house).segments == 0
    assert house.everything() == {first.id, second.id}
    assert house.catalog.segments.states() == {"indexed": 1, "pending": 1}


def test_a_file_that_cannot_be_deleted_stops_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, goes = house.record(OLD), house.record(OLD + 10_000)
    unlink = Path.unlink

    def refuses(path: Path, missing_ok: bool = False) -> None:
        if str(path) == stuck.path:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuses)
    retention = house.retention
    done = retention.step(NOW)
    assert done is not None
    assert done.segments == 1
    with pytest.raises(Unavailable, match="Permission denied"):
        retention.step(NOW)
    assert house.everything() == {stuck.id}
    assert house.catalog.segments.states() == {"indexed": 1}
    assert not Path(goes.path).exists()


def test_an_imported_file_stays_whoever_marks_its_entry(house: House, tmp_path: Path) -> None:
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(b"film")
    house.catalog.cameras.add(Camera("gate"))
    house.catalog.segments.add(Segment("f" * 24, "gate", str(mine), "f", 1, NOW, StartSource.MTIME))
    house.catalog.retention.mark_deleting(["f" * 24])
    house.retention.step(NOW)
    assert mine.exists()


def test_a_file_that_is_gone_already_is_no_fault(house: House) -> None:
    os.remove(house.record(OLD).path)  # noqa: PTH107
    assert run(house).segments == 1
    assert house.everything() == set()


def test_on_milvus(house: House, tmp_path: Path) -> None:
    with MilvusStore(str(tmp_path / "vectors.db"), collection="xunren", dim=DIM) as store:
        real = replace(house, store=store)
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
