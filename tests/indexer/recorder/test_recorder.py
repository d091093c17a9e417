"""A recorder whose cameras do not answer: what it takes up, begins and tells when something around it fails."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from indexer.recorder import recovery
from indexer.recorder.camera_share import CameraShare
from indexer.recorder.recorder import Recorder
from indexer.recorder.recovery import unregistered
from indexer.recorder.segment_writer import PART, RecordingFolder
from search.catalog.camera_leases import CameraLeases, HeldCameras
from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate, RecordingStore
from search.config import Settings
from search.errors import Unavailable
from search.stream_types import Gap, Reason, Stream
from search.times import now_ms
from search.types import Camera, SegmentState, StreamRole
from search.vault import Vault
from tests.conftest import SAMPLES
from tests.support.waiting import until

NOWHERE = "rtsp://127.0.0.1:1/x"
NO_KEY = "the key of the cameras' addresses cannot be read"
HOUR = 3_600_000
MOVIE = SAMPLES / "gate" / "gate.mp4"


class FlakyRecordings(RecordingStore):
    """Does not answer what is asked about one camera, so many times."""

    failing = ""
    times = 0

    def covered_until(self, stream: Stream) -> int:
        self._fail(stream.camera_id)
        return super().covered_until(stream)

    def paths(self, camera_id: str, role: StreamRole, from_ms: int) -> set[str]:
        self._fail(camera_id)
        return super().paths(camera_id, role, from_ms)

    def _fail(self, camera_id: str) -> None:
        if camera_id == self.failing and self.times:
            self.times -= 1
            raise Unavailable("the catalogue does not answer")


class Flaky(Catalog):
    """A catalogue whose recordings do not always answer."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.recordings: FlakyRecordings = FlakyRecordings(self.database)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, min_free_gib=0.0, camera_lease_s=2.0)


@pytest.fixture
def catalog(settings: Settings) -> Iterator[Flaky]:
    with closing(Flaky(settings.catalog_address)) as catalog:
        catalog.open()
        yield catalog


def add(catalog: Catalog, settings: Settings, *cameras: str) -> None:
    vault = Vault(settings.data_dir)
    for camera in cameras:
        catalog.cameras.add(Camera(camera))
        catalog.streams.set(
            camera, [Stream(camera, StreamRole.MAIN, vault.seal(NOWHERE), NOWHERE, now_ms() - 100 * HOUR)]
        )


def capturing() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("record-cam"))


def test_one_camera_that_cannot_begin_does_not_begin_the_others_twice(
    catalog: Flaky, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    add(catalog, settings, "cam-1", "cam-2", "cam-3")
    catalog.recordings.failing, catalog.recordings.times = "cam-2", 3
    with Recorder(settings, catalog) as recorder, caplog.at_level(logging.WARNING):
        until(lambda: catalog.recordings.times == 0)
        assert {health.camera_id for health in recorder.health()} >= {"cam-1", "cam-3"}
        until(lambda: len(recorder.health()) == 3)
        add(catalog, settings, "cam-4")
        until(lambda: len(recorder.health()) == 4)  # it has gone through all of them again
        assert capturing() == [f"record-cam-{n}" for n in (1, 2, 3, 4)]
    assert "cam-2 main is not recorded yet; trying again: the catalogue does not answer" in caplog.text
    assert capturing() == []


def test_a_file_that_goes_while_it_is_taken_up_leaves_the_others(
    catalog: Flaky, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(catalog, settings, "gate")
    place = RecordingFolder(settings.recordings_dir, "gate", StreamRole.MAIN)
    gone, kept = (left(place, now_ms() - hours * HOUR) for hours in (2, 1))
    probe = RecordingFolder.segment

    def removed_first(self: RecordingFolder, file: Path, *more: object) -> object:
        gone.unlink(missing_ok=True)
        return probe(self, file, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(RecordingFolder, "segment", removed_first)
    found = list(unregistered(place, catalog, 17.0))
    assert [Path(segment.path) for segment in found] == [kept]


@pytest.mark.parametrize("times", [0, 2])
def test_closed_files_of_a_camera_that_is_recorded_elsewhere_now_are_taken_up(
    catalog: Flaky, settings: Settings, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(recovery, "AGAIN_S", 0.2)
    add(catalog, settings, "gate")
    assert elsewhere(catalog).beat(["gate"]).cameras == {"gate"}
    gap = Gap("gate", StreamRole.MAIN, now_ms() - 100 * HOUR, now_ms(), Reason.NOT_RUNNING, "")
    catalog.recordings.write(RecorderUpdate(gaps=[gap]))  # its account has gone on
    place = RecordingFolder(settings.recordings_dir, "gate", StreamRole.MAIN)
    files = [left(place, now_ms() - hours * HOUR) for hours in (51, 50)]
    catalog.recordings.failing, catalog.recordings.times = "gate", times
    with Recorder(settings, catalog):
        until(lambda: told(catalog) == [str(file) for file in files])
    assert catalog.recordings.times == 0


def test_what_was_cut_off_of_a_camera_recorded_elsewhere_now_is_saved(catalog: Flaky, settings: Settings) -> None:
    add(catalog, settings, "gate")
    elsewhere(catalog).beat(["gate"])
    part = left(RecordingFolder(settings.recordings_dir, "gate", StreamRole.MAIN), now_ms() - HOUR, PART)
    with Recorder(settings, catalog):
        until(lambda: len(told(catalog)) == 1)
    assert not part.exists()


def test_what_is_left_of_a_camera_is_never_taken_up_twice_at_once(catalog: Flaky, settings: Settings) -> None:
    add(catalog, settings, "cam-1", "cam-2", "cam-3", "cam-4")
    for camera in ("cam-1", "cam-2", "cam-3"):
        left(RecordingFolder(settings.recordings_dir, camera, StreamRole.MAIN), now_ms() - HOUR)
    other = elsewhere(catalog)
    other.beat(["cam-1", "cam-2", "cam-4"])
    saved: list[str] = []

    def save(stream: Stream, _: SegmentState) -> None:
        saved.append(stream.camera_id)
        assert looking.begin({"cam-2", "cam-3"}) == {"cam-3"}, "it may not be begun meanwhile"

    share = CameraShare(catalog, settings.recordings_dir, 60.0, dict)
    looking = recovery.RecoveryThread(catalog, settings.recordings_dir, share, save)
    assert looking.begin({"cam-1"}) == {"cam-1"}
    assert not looking.step()  # nobody held the third one when it looked
    assert looking.step()  # now it is its own
    assert saved == ["cam-2"]
    assert looking.begin({"cam-2"}) == {"cam-2"}


def test_a_recorder_without_the_key_leaves_the_cameras_to_one_that_has_it(
    catalog: Flaky, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cameras, none = frozenset(f"cam-{n}" for n in range(6)), frozenset[str]()
    add(catalog, settings, *cameras)
    keyless = settings.model_copy(update={"data_dir": tmp_path / "keyless"})
    with Recorder(keyless, catalog) as second:
        until(lambda: second.held.cameras == cameras)  # nobody else is there
        until(lambda: {health.detail.split(";")[0] for health in second.health()} == {NO_KEY})
        with Recorder(settings, catalog) as first, caplog.at_level(logging.WARNING):
            until(lambda: (first.held.cameras, second.held.cameras) == (cameras, none))
            for recorder in (first, second, first, second):
                until(partial(is_renewed, recorder, recorder.held))
            assert (first.held.cameras, second.held.cameras) == (cameras, none)
            assert caplog.text.count("set secret_key to that of the machine where they were added") == 1


def is_renewed(recorder: Recorder, held: HeldCameras) -> bool:
    """Return whether the recorder has renewed its leases since it held these."""
    return recorder.held is not held


def elsewhere(catalog: Catalog) -> CameraLeases:
    """Another machine's recorder."""
    return CameraLeases(catalog.database, "other:1", "other:1", "another-folder", 60.0)


def told(catalog: Catalog) -> list[str]:
    return [segment.path for segment, _, _ in catalog.coverage.recordings(0, 2**62)]


def left(place: RecordingFolder, start_ms: int, suffix: str = ".mp4") -> Path:
    """A file that an earlier recorder left."""
    file = place.file(start_ms, suffix)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(MOVIE, file)
    return file
