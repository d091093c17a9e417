"""Sessions over files in place of cameras: packets arrive as quickly as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.decoding.probe import probe
from indexer.recorder.connection import StreamFailure
from indexer.recorder.gap_ledger import GapLedger
from indexer.recorder.recovery import salvage_parts
from indexer.recorder.segment_writer import PART, RecordingFolder, SegmentWriter, files_below
from indexer.recorder.session import RecordingSession, SessionContext
from indexer.recorder.stream_status import StreamStatus
from search.media.containers import open_video
from search.stream_types import Stream, StreamState
from search.types import Segment, StreamRole
from tests.support.videos import make

STREAM = Stream("gate", StreamRole.MAIN, "", "", 0)


class Camera:
    """A session's surroundings, and what the session gave them."""

    def __init__(self, root: Path, *, has_room: bool = True, ends_after: int = 10**9) -> None:
        self.segments: list[Segment] = []
        self.folder = RecordingFolder(root, STREAM.camera_id, STREAM.role)
        self.status = StreamStatus(STREAM, 10.0)
        self._left = ends_after
        ledger = GapLedger(STREAM, 0, 0)
        self.context = SessionContext(
            self.folder, ledger, self.status, self.segments.append, lambda: has_room, self._is_ending, segment_s=2.0
        )

    def record(self, source: Path) -> RecordingSession:
        with open_video(source) as (container, stream):
            session = RecordingSession(self.context, container, stream)
            session.run()
            return session

    def _is_ending(self) -> bool:
        self._left -= 1
        return self._left <= 0


def test_a_stream_becomes_files_that_begin_with_key_frames(tmp_path: Path) -> None:
    camera = Camera(tmp_path / "recordings")
    with pytest.raises(StreamFailure) as failure:
        camera.record(make(tmp_path / "a.mp4", seconds=6, key_every=10))
    assert failure.value.state is StreamState.UNREACHABLE
    assert [round(s.duration_ms / 1000) for s in camera.segments] == [2, 2, 2]
    for segment in camera.segments:
        assert probe(Path(segment.path), max_megapixels=17).width == segment.width
    assert (camera.status.health().codec, camera.status.health().state) == ("h264", StreamState.RECORDING)


def test_the_end_of_the_recorder_completes_the_file(tmp_path: Path) -> None:
    camera = Camera(tmp_path / "recordings", ends_after=13)
    session = camera.record(make(tmp_path / "a.mp4", seconds=6, key_every=10))
    assert [s.duration_ms for s in camera.segments] == [pytest.approx(1300, abs=100)]
    assert not session.has_lost_file
    assert not session.was_steady


def test_without_room_nothing_is_written(tmp_path: Path) -> None:
    camera = Camera(tmp_path / "recordings", has_room=False)
    with pytest.raises(StreamFailure) as failure:
        camera.record(make(tmp_path / "a.mp4", seconds=1))
    assert failure.value.state is StreamState.DISK_FULL
    assert not files_below(tmp_path / "recordings", 3)


def test_a_file_that_cannot_go_on_is_salvaged_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = Camera(tmp_path / "recordings")
    write, written = SegmentWriter.write, 0

    def fails_late(self: SegmentWriter, *packet: object) -> None:
        nonlocal written
        written += 1
        if written == 15:
            raise OSError(28, "No space left on device")
        write(self, *packet)  # type: ignore[arg-type]

    monkeypatch.setattr(SegmentWriter, "write", fails_late)
    with open_video(make(tmp_path / "a.mp4", seconds=4, key_every=40)) as (container, stream):
        session = RecordingSession(camera.context, container, stream)
        with pytest.raises(StreamFailure, match="the disk is full"):
            session.run()
    assert session.has_lost_file
    assert not camera.segments
    assert [file.suffix for file in files_below(tmp_path / "recordings", 3)] == [PART]
    assert [s.duration_ms for s in salvage_parts(camera.folder)] == [pytest.approx(1400, abs=100)]
