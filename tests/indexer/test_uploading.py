"""Recordings on their way to the storage: whatever dies in between, each is there in the end, whole, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.checking import Checker
from indexer.recording import Place
from indexer.retention import Retention
from indexer.uploading import Uploader
from search.catalog import Catalog
from search.config import Settings
from search.errors import Unavailable
from search.live import Reason
from search.live_catalog import LiveCatalog, Written
from search.media import MediaStore, open_media
from search.memory_store import MemoryStore
from search.types import Camera, Role, Segment, SegmentState
from tests.s3_server import S3Server

DAY = 86_400_000
NOW = 1_790_000_000_000


@dataclass(frozen=True)
class Yard:
    """A recorder's folder, its catalogue and the storage."""

    settings: Settings
    catalog: Catalog
    media: MediaStore

    @property
    def live(self) -> LiveCatalog:
        return LiveCatalog(self.catalog)

    @property
    def uploader(self) -> Uploader:
        return Uploader(self.live, self.media, self.settings.recordings_dir)

    def record(self, start_ms: int, state: SegmentState = SegmentState.PENDING) -> Segment:
        """A closed file that the catalogue is told of."""
        place = Place(self.settings.recordings_dir, "gate", Role.MAIN)
        file = place.file(start_ms, ".mp4")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"movie of %d" % start_ms)
        segment = place.segment(file, start_ms, 10_000, (640, 360))
        self.live.write(Written(segments=[(segment, state)]), uploading=True)
        return segment

    def known(self) -> list[tuple[str, SegmentState]]:
        """(path, state) of each segment, by start."""
        return [(segment.path, state) for segment, state, _ in self.live.recordings(0, 2**62)]

    def files(self) -> list[Path]:
        return [path for path in self.settings.recordings_dir.rglob("*") if path.is_file()]


@pytest.fixture
def yard(tmp_path: Path, catalog_url: str, s3: S3Server) -> Iterator[Yard]:
    s3.empty()
    settings = Settings(data_dir=tmp_path, catalog_url=catalog_url, media_url=s3.url, media_endpoint=s3.endpoint)
    with Catalog(catalog_url) as catalog:
        catalog.add_camera(Camera("gate"))
        yield Yard(settings, catalog, open_media(settings))


def test_a_file_waits_for_the_indexer_once_the_storage_has_it(yard: Yard, s3: S3Server) -> None:
    first, kept = yard.record(NOW), yard.record(NOW + 10_000, SegmentState.KEPT)
    assert yard.catalog.lease("worker", 1000) is None
    assert [piece.label for piece in yard.live.unindexed(0, 2**62, live=True)["gate"]] == [Reason.WAITING]
    assert yard.uploader.step() == 2
    (at, state), (_, other) = yard.known()
    assert (state, other) == (SegmentState.PENDING, SegmentState.KEPT)
    assert at == f"{s3.url}/recordings/{Path(first.path).relative_to(yard.settings.recordings_dir)}"
    assert yard.files() == []
    leased = yard.catalog.lease("worker", 1000)
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
    yard.live.write(Written(segments=[(segment, SegmentState.PENDING)]), uploading=True)  # found at the next start
    assert yard.uploader.step() == 0
    yard.uploader.tidy([segment])
    assert yard.files() == []
    assert len(yard.known()) == 1


def test_tidying_leaves_what_was_not_sent(yard: Yard) -> None:
    segment = yard.record(NOW)
    yard.uploader.tidy([segment])
    assert yard.files() == [Path(segment.path)]


def test_files_of_another_recorder_are_left_to_it(yard: Yard, tmp_path: Path) -> None:
    yard.record(NOW)
    assert Uploader(yard.live, yard.media, tmp_path / "recordings-b").step() == 0


def test_what_is_old_goes_from_the_storage_but_not_before_it_is_there(yard: Yard) -> None:
    yard.record(NOW - 40 * DAY)
    young = yard.record(NOW - DAY)
    with MemoryStore(dim=4) as store:
        retention = Retention(yard.settings, yard.catalog, yard.live, store, yard.media)
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
    checker = Checker(yard.settings, yard.catalog, None, yard.media)
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
