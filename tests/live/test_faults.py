"""What goes wrong between a recorder and its cameras, against a real RTSP server: nothing is lost unsaid."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.cameras import CameraServer, FaultyProxy, make_media
from search.stream_types import JOIN_MS, Reason, StreamState
from search.types import SegmentState, StreamRole
from tests.support.recorder import Station, decoded, station
from tests.support.waiting import until

SECRET = "s3cret"


@contextmanager
def both(place: Station, cameras: CameraServer, bad: str = "") -> Iterator[None]:
    """Record the good and the bad camera until the bad one has files; afterwards the good one has missed nothing."""
    place.add("good", cameras.url("good"))
    place.add("bad", bad or cameras.url("bad"))
    with place.recording():
        until(lambda: len(place.files("good")) > 1)
        yield
    assert place.unexplained("good") == []
    assert place.unexplained("bad") == []


def is_recording(place: Station, camera: str = "bad") -> bool:
    return place.state(camera) is StreamState.RECORDING


def missing_ms(place: Station, camera: str = "bad") -> int:
    """Return the milliseconds of all gaps that the catalogue knows by now."""
    return sum(gap.end_ms - gap.start_ms for gap in place.gaps(camera))


def reconnects(place: Station) -> int:
    health = place.health("bad")
    return 0 if health is None else health.reconnects


def test_files_follow_one_another_without_a_seam(place: Station, cameras: CameraServer) -> None:
    place.add("good", cameras.url("good"))
    with place.recording():
        until(lambda: len(place.files("good")) >= 4)
    files = place.files("good")
    assert place.longest_hole("good") <= 20
    assert all(f.duration_ms == pytest.approx(2000, abs=50) for f in files[:-1])
    assert all(len(decoded(f)) == pytest.approx(f.duration_ms / 40, abs=1) for f in files)
    assert len({f.id for f in files}) == len(files)
    assert abs(files[-1].end_ms - 1000 * Path(files[-1].path).stat().st_mtime) < 1500, "wall-clock times"
    assert place.unexplained("good") == []
    assert place.health("good").state is StreamState.STOPPED  # type: ignore[union-attr]


def test_the_server_is_killed_and_comes_back(place: Station, cameras: CameraServer) -> None:
    place.add("bad", cameras.url("bad"))
    with place.recording():
        until(lambda: len(place.files("bad")) > 1)
        cameras.kill()
        until(lambda: place.state("bad") is StreamState.UNREACHABLE)
        until(lambda: missing_ms(place) > 2000)
        cameras.restart()
        until(lambda: is_recording(place))
        before = len(place.files("bad"))
        until(lambda: len(place.files("bad")) > before)
    assert place.unexplained("bad") == []
    lost = [g for g in place.gaps("bad") if g.reason is Reason.NOT_CONNECTED and g.detail]
    assert 2000 < sum(g.end_ms - g.start_ms for g in lost) < 12_000
    assert place.longest_hole("bad") == pytest.approx(sum(g.end_ms - g.start_ms for g in lost), abs=JOIN_MS)
    assert place.health("bad").reconnects == 1  # type: ignore[union-attr]


def test_a_server_that_freezes_is_noticed(tmp_path: Path, cameras: CameraServer) -> None:
    with station(tmp_path, stream_timeout_s=4.0) as place:
        place.add("bad", cameras.url("bad"))
        with place.recording():
            until(lambda: len(place.files("bad")) > 1)
            cameras.freeze()
            until(lambda: not is_recording(place))
            until(lambda: place.gaps("bad")[-1].reason is Reason.NO_FRAMES)
            cameras.thaw()
            until(lambda: is_recording(place))
            known = len(place.files("bad"))
            until(lambda: len(place.files("bad")) > known)
        assert place.unexplained("bad") == []


def test_a_camera_that_sends_nothing_has_a_gap(place: Station, cameras: CameraServer) -> None:
    with both(place, cameras):
        cameras.do("bad", "pause")
        until(lambda: not is_recording(place))
        until(lambda: missing_ms(place) > 1500)
        cameras.do("bad", "resume")
        until(lambda: is_recording(place))
        known = len(place.files("bad"))
        until(lambda: len(place.files("bad")) > known)
    assert any(g.reason is Reason.NO_FRAMES and g.end_ms - g.start_ms > 1500 for g in place.gaps("bad"))


def test_a_wrong_password_is_said_and_never_shown(
    place: Station, cameras: CameraServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultyProxy(cameras.port) as proxy:
        wrong = proxy.url_of(cameras.url("bad", "operator", f"{SECRET}-wrong"))
        with both(place, cameras, wrong):
            until(lambda: place.state("bad") is StreamState.REFUSED)
            known = len(proxy.attempts)
            until(lambda: len(proxy.attempts) >= known + 6)
            began, ended = proxy.attempts[known - 1], proxy.attempts[known + 5]
            assert ended - began > 2 * 0.8, "at most three attempts in 0.8 s, or the account is locked"
            place.add("bad", cameras.url("bad"))
            until(lambda: place.files("bad"))
    assert any(gap.reason is Reason.REFUSED for gap in place.gaps("bad"))
    told = caplog.text + "".join(capfd.readouterr()) + repr(place.catalog.recordings.health()) + repr(place.gaps("bad"))
    told += repr(place.catalog.streams.all())
    assert "operator" not in told
    assert SECRET not in told
    assert SECRET.encode() not in (place.settings.data_dir / "catalog.sqlite").read_bytes()


def test_wrong_addresses_are_told_apart(place: Station, cameras: CameraServer) -> None:
    with both(place, cameras, cameras.url("nothing-here")):
        until(lambda: place.state("bad") is StreamState.NOT_FOUND)
        place.add("bad", "rtsp://127.0.0.1:1/x")
        until(lambda: place.state("bad") is StreamState.UNREACHABLE)
        assert "listens" in place.health("bad").detail  # type: ignore[union-attr]


def test_damaged_pictures_are_recorded_like_others(place: Station, cameras: CameraServer) -> None:
    with both(place, cameras):
        cameras.do("bad", "garbage", seconds=1.5)
        known = len(place.files("bad"))
        until(lambda: len(place.files("bad")) > known + 2)
    assert len(decoded(place.files("bad")[-2])) > 40, "sound again"


def test_garbage_in_the_connection_ends_or_passes(place: Station, cameras: CameraServer) -> None:
    with FaultyProxy(cameras.port) as proxy, both(place, cameras, proxy.url_of(cameras.url("bad"))):
        for _ in range(5):
            proxy.garbage(5000)
            time.sleep(0.1)
        until(lambda: is_recording(place))
        known = len(place.files("bad"))
        until(lambda: len(place.files("bad")) > known + 1)


def test_a_connection_that_stalls_and_is_cut_comes_back(place: Station, cameras: CameraServer) -> None:
    with FaultyProxy(cameras.port) as proxy, both(place, cameras, proxy.url_of(cameras.url("bad"))):
        proxy.stall()
        until(lambda: not is_recording(place))
        proxy.flow()
        until(lambda: is_recording(place))
        before = reconnects(place)
        proxy.cut()  # it may be back before the catalogue is told that it was gone
        until(lambda: reconnects(place) > before and is_recording(place))
        proxy.refuse()
        proxy.cut()
        until(lambda: place.state("bad") is StreamState.UNREACHABLE)
        proxy.flow()
        until(lambda: is_recording(place))


def test_another_resolution_begins_another_file(place: Station, cameras: CameraServer, tmp_path: Path) -> None:
    larger = make_media(tmp_path, width=640, height=360)
    with both(place, cameras):
        cameras.do("bad", "media", file=larger)
        until(lambda: sum(f.width == 640 for f in place.files("bad")) > 1)
    sizes = [(f.width, f.height) for f in place.files("bad")]
    assert set(sizes) == {(320, 180), (640, 360)}
    for file in place.files("bad"):
        assert set(decoded(file)) == {(file.width, file.height)}
    assert place.longest_hole("bad") <= JOIN_MS


def test_another_codec_is_recorded_after_a_new_connection(
    place: Station, cameras: CameraServer, tmp_path: Path
) -> None:
    other = make_media(tmp_path, width=320, height=180, codec="h265")
    with both(place, cameras):
        cameras.do("bad", "media", file=other)
        until(lambda: (h := place.health("bad")) is not None and h.codec == "hevc")
        known = len(place.files("bad"))
        until(lambda: len(place.files("bad")) > known + 1)
    assert len(decoded(place.files("bad")[-2])) > 40


@pytest.mark.parametrize("seconds", [3600, -3600, -30])
def test_a_cameras_clock_that_jumps_moves_nothing(place: Station, cameras: CameraServer, seconds: int) -> None:
    with both(place, cameras):
        cameras.do("bad", "jump", seconds=seconds)
        until(lambda: (h := place.health("bad")) is not None and h.clock_jumps > 0)
        known = len(place.files("bad"))
        until(lambda: len(place.files("bad")) > known + 1)
    assert place.longest_hole("bad") <= JOIN_MS
    times = [f.start_ms for f in place.files("bad")]
    assert times == sorted(times)
    assert times[-1] - times[0] < 60_000


def test_fifty_cameras_come_back_without_a_rush(tmp_path: Path, media: Path) -> None:
    names = [f"cam-{n}" for n in range(50)]
    with (
        station(tmp_path, segment_s=5.0, stream_timeout_s=4.0) as place,
        CameraServer({"all": media}) as cameras,
        FaultyProxy(cameras.port) as proxy,
    ):
        for name in names:
            place.add(name, proxy.url_of(cameras.url("all")))

        def running() -> int:
            return sum(h.state is StreamState.RECORDING for h in place.catalog.recordings.health())

        with place.recording():
            until(lambda: running() == 50)
            cameras.kill()
            until(lambda: running() == 0)
            cameras.restart()
            known = len(proxy.attempts)
            until(lambda: running() == 50)
        by_second = Counter(int(at) for at in proxy.attempts[known:])
        assert max(by_second.values()) <= 22, "attempts in one second"
        assert all(place.unexplained(name) == [] for name in names)


def test_a_locked_catalogue_costs_nothing(
    place: Station, cameras: CameraServer, caplog: pytest.LogCaptureFixture
) -> None:
    place.add("good", cameras.url("good"))
    with place.recording():
        until(lambda: place.files("good"))
        other = sqlite3.connect(place.settings.data_dir / "catalog.sqlite")
        other.execute("BEGIN IMMEDIATE")
        known = len(place.files("good"))
        until(lambda: "the catalogue does not answer" in caplog.text)  # SQLite itself has waited in vain
        assert len(place.files("good")) == known
        other.rollback()
        other.close()
        until(lambda: len(place.files("good")) > known + 7)
    assert place.longest_hole("good") <= 20
    assert place.unexplained("good") == []


def test_the_sub_stream_is_indexed_and_the_main_one_kept(place: Station, cameras: CameraServer) -> None:
    place.add("two", cameras.url("good"), index_url=cameras.url("bad"))
    with place.recording():
        until(lambda: len(place.files("two", StreamRole.SUB)) > 1 and len(place.files("two")) > 1)
    states = {(segment.role, state) for segment, state, _ in place.catalog.coverage.recordings(0, 10**13)}
    assert states == {(StreamRole.MAIN, SegmentState.KEPT), (StreamRole.SUB, SegmentState.PENDING)}


def test_cameras_come_and_go_while_it_runs(place: Station, cameras: CameraServer) -> None:
    with place.recording():
        place.add("good", cameras.url("good"))
        until(lambda: len(place.files("good")) > 1)
        place.catalog.streams.set("good", [])
        until(lambda: not [thread for thread in threading.enumerate() if thread.name == "record-good"])
        known = len(place.files("good"))
        place.add("good", cameras.url("good"))
        until(lambda: len(place.files("good")) > known)
    assert place.unexplained("good") == []
