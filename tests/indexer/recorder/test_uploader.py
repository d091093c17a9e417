"""Recordings on their way to the storage: whatever dies in between, each is there in the end, whole, once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.maintenance.consistency import ConsistencyChecker
from indexer.maintenance.retention import Retention
from indexer.recorder.camera_share import FOLDER_ID, folder_id
from indexer.recorder.segment_writer import RecordingFolder
from indexer.recorder.uploader import Uploader
from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.config import Settings
from search.errors import Unavailable
from search.media.media_store import MediaStore, open_media
from search.stream_types import Reason
from search.types import Camera, Segment, SegmentState, StreamRole
from search.vector_store.memory import MemoryStore
from tests.support.s3_server import S3Server

DAY = 86_400_000
NOW = 1_790_000_000_000


@dataclass(frozen=True)
class Yard:
    """A recorder's folder, its catalogue and the storage."""

    settings: Settings
    catalog: Catalog
    media: MediaStore

    @property
    def uploader(self) -> Uploader:
        return self.uploader_of(self.settings.recordings_dir)

    def uploader_of(self, root: Path) -> Uploader:
        return Uploader(self.catalog, self.media, root, folder_id(root))

    def record(self, start_ms: int, state: SegmentState = SegmentState.PENDING) -> Segment:
        """A closed file that the catalogue is told of."""
        place = RecordingFolder(self.settings.recordings_dir, "gate", StreamRole.MAIN)
        file = place.file(start_ms, ".mp4")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"movie of %d" % start_ms)
        segment = place.segment(file, start_ms, 10_000, (640, 360))
        self.tell(segment, state)
        return segment

    def tell(self, segment: Segment, state: SegmentState = SegmentState.PENDING) -> None:
        self.catalog.recordings.write(
            RecorderUpdate(segments=[(segment, state)]), uploading_from=folder_id(self.settings.recordings_dir)
        )

    def known(self) -> list[tuple[str, SegmentState]]:
        """(path, state) of each segment, by start."""
        return [(segment.path, state) for segment, state, _ in self.catalog.coverage.recordings(0, 2**62)]

    def files(self) -> list[Path]:
        return [path for path in self.settings.recordings_dir.rglob("*.mp4") if path.is_file()]


@pytest.fixture
def yard(tmp_path: Path, catalog_url: str, s3: S3Server) -> Iterator[Yard]:
    s3.empty()
    settings = Settings(data_dir=tmp_path, catalog_url=catalog_url, media_url=s3.url, media_endpoint=s3.endpoint)
    with Catalog(catalog_url) as catalog:
        catalog.cameras.add(Camera("gate"))
        yield Yard(settings, catalog, open_media(settings))


def test_a_file_waits_for_the_indexer_once_the_storage_has_it(yard: Yard, s3: S3Server) -> None:
    first, kept = yard.record(NOW), yard.record(NOW + 10_000, SegmentState.KEPT)
    assert yard.catalog.segments.lease("worker", 1000) is None
    assert [piece.label for piece in yard.catalog.coverage.unindexed(0, 2**62, live=True)["gate"]] == [Reason.WAITING]
    assert yard.uploader.step() == 2
    (at, state), (_, other) = yard.known()
    assert (state, other) == (SegmentState.PENDING, SegmentState.KEPT)
    assert at == f"{s3.url}/recordings/{Path(first.path).relative_to(yard.settings.recordings_dir)}"
    assert yard.files() == []
    leased = yard.catalog.segments.lease("worker", 1000)
    assert leased is not None
    assert Path(yard.media.local(leased).path).read_bytes() == b"movie of %d" % NOW
    assert kept.id not in leased.id
    assert yard.uploader.step() == 0


def test_while_the_storage_is_away_files_wait_on_the_disk(yard: Yard, s3: S3Server) -> None:
    segment = yard.record(NOW)
    s3.kill()
    try:
        with pytest.raises(Unavailable, match="does not answer"):
            yard.uploader.step()
        assert yard.known() == [(segment.path, SegmentState.UPLOADING)]
        assert yard.files() == [Path(segment.path)]
    finally:
        s3.start()
    assert yard.uploader.step() == 1
    assert yard.known()[0][1] is SegmentState.PENDING


def test_a_kill_between_the_entry_and_the_file_leaves_nothing_over(yard: Yard) -> None:
    segment = yard.record(NOW)
    content = Path(segment.path).read_bytes()
    yard.uploader.step()
    Path(segment.path).parent.mkdir(parents=True)
    Path(segment.path).write_bytes(content)  # as if it had not yet been removed
    yard.tell(segment)  # found at the next start
    assert yard.uploader.step() == 0
    yard.uploader.tidy([segment])
    assert yard.files() == []
    assert len(yard.known()) == 1


def test_tidying_leaves_what_was_not_sent(yard: Yard) -> None:
    segment = yard.record(NOW)
    yard.uploader.tidy([segment])
    assert yard.files() == [Path(segment.path)]


def test_files_of_another_recorder_are_left_to_it_though_its_paths_are_the_same(yard: Yard, tmp_path: Path) -> None:
    root = yard.settings.recordings_dir
    segment = yard.record(NOW, SegmentState.KEPT)
    root.rename(tmp_path / "disk of a")  # what machine B sees under the same path
    assert yard.uploader.step() == 0
    assert yard.known() == [(segment.path, SegmentState.UPLOADING)]
    root.rename(tmp_path / "disk of b")
    (tmp_path / "disk of a").rename(root)
    assert yard.uploader.step() == 1
    assert [(path.startswith("s3://"), state) for path, state in yard.known()] == [(True, SegmentState.KEPT)]
    assert yard.files() == []


def test_a_folder_that_was_moved_is_still_sent(yard: Yard, tmp_path: Path) -> None:
    yard.record(NOW)
    moved = yard.settings.recordings_dir.rename(tmp_path / "moved")
    assert yard.uploader_of(moved).step() == 1
    assert yard.known()[0][0].startswith("s3://")
    assert list(moved.rglob("*.mp4")) == []


def test_the_id_of_a_folder_is_written_again_where_a_power_cut_left_none(tmp_path: Path) -> None:
    (tmp_path / FOLDER_ID).touch()
    with ThreadPoolExecutor(8) as threads:
        (made,) = set(threads.map(folder_id, [tmp_path] * 8))
    assert made == (tmp_path / FOLDER_ID).read_text() == folder_id(tmp_path) != ""


def test_what_is_old_goes_from_the_storage_but_not_before_it_is_there(yard: Yard) -> None:
    yard.record(NOW - 40 * DAY)
    young = yard.record(NOW - DAY)
    with MemoryStore(dim=4) as store:
        retention = Retention(yard.settings, yard.catalog, store, yard.media)
        assert retention.step(NOW) is None
        yard.uploader.step()
        deleted = retention.step(NOW)
        assert deleted is not None
        assert deleted.segments == 1
        assert [Path(path).name for path, _ in yard.known()] == [Path(young.path).name]
        assert [Path(address).name for address in yard.media.recordings()] == [Path(young.path).name]


def test_doctor_compares_the_storage_too(yard: Yard, tmp_path: Path) -> None:
    first = yard.record(NOW)
    yard.record(NOW + 10_000)
    yard.uploader.step()
    yard.record(NOW + 20_000)  # not sent yet: nothing is wrong with that
    checker = ConsistencyChecker(yard.settings, yard.catalog, None, yard.media)
    assert checker.check().findings == []
    gone, _, _ = yard.known()
    yard.media.delete_recording(gone[0])
    unknown = yard.settings.recordings_dir / "gate" / "stray.mp4"
    unknown.write_bytes(b"?")
    stray = yard.media.put_recording(unknown, yard.settings.recordings_dir)
    unknown.unlink()
    found = {finding.what: finding.items for finding in checker.check().findings}
    assert found == {"files without an entry": [stray], "recordings whose file is gone": [gone[0]]}
    assert first.id
