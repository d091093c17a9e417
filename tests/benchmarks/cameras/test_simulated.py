"""The simulated cameras do what they are told: seen with the library that the recorder reads cameras with."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from benchmarks.cameras import CameraServer, FaultyProxy, Mount, make_media
from benchmarks.cameras import server as server_module
from search.errors import BadInput, NotFound, Unavailable

USER, PASSWORD = "operator", "s:e/c@ret"
FPS, KEY_S, HZ = 25, 0.4, 90_000
WRAP_S = 2**32 / HZ  # RTP time stamps have 32 bits
OPTIONS = {"rtsp_transport": "tcp", "analyzeduration": "300000", "fpsprobesize": "2"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A packet as it came."""

    at: float  # monotonic seconds
    pts: int | None
    key: bool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cameras")


@pytest.fixture(scope="module")
def small(folder: Path) -> Path:
    return make_media(folder, width=320, height=180, fps=FPS, seconds=4, key_s=KEY_S)


@pytest.fixture(scope="module")
def wide(folder: Path) -> Path:
    return make_media(folder, width=480, height=270, fps=FPS, seconds=2, key_s=KEY_S, scene="smptebars")


@pytest.fixture(scope="module")
def h265(folder: Path) -> Path:
    return make_media(folder, width=320, height=180, fps=FPS, seconds=2, key_s=KEY_S, codec="h265")


@pytest.fixture(scope="module")
def cameras(small: Path, h265: Path) -> Iterator[CameraServer]:
    names = ("plain", "jump", "garbage", "size", "codec", "pause")
    mounts = {name: Mount(small, phase_s=0.1 * number) for number, name in enumerate(names)}
    with CameraServer({**mounts, "h265": h265}, user=USER, password=PASSWORD) as server:
        yield server


@pytest.fixture
def lone(small: Path) -> Iterator[CameraServer]:
    """One that a test may end."""
    with CameraServer({"a": small}) as server:
        yield server


@contextmanager
def watching(url: str, timeout_s: float = 4) -> Iterator[Iterator[Seen]]:
    """The packets of a camera."""
    with av.open(url, options=OPTIONS, timeout=(timeout_s, timeout_s)) as container:
        yield (Seen(time.monotonic(), p.pts, p.is_keyframe) for p in container.demux(video=0) if p.size)


def for_seconds(packets: Iterator[Seen], seconds: float) -> list[Seen]:
    """What comes in that time (at least one packet, with which the time begins)."""
    seen = [next(packets)]
    while time.monotonic() < seen[0].at + seconds and (packet := next(packets, None)):
        seen.append(packet)
    return seen


def live(packets: Iterator[Seen]) -> Seen:
    """Drop what was buffered while the stream was examined; gives the first packet that had to be waited for."""
    before = time.monotonic()
    for packet in packets:
        if packet.at - before > 0.5 / FPS:
            return packet
        before = packet.at
    pytest.fail("the stream ended")


def steps(packets: list[Seen]) -> list[float]:
    """Seconds between time stamps."""
    stamps = [p.pts for p in packets if p.pts is not None]
    return [(b - a) / HZ for a, b in pairwise(stamps)]


def longest_step(packets: list[Seen]) -> tuple[float, Seen]:
    """The longest step of time stamps, in seconds, and the packet after it."""
    stamped = [p for p in packets if p.pts is not None]
    gaps = steps(stamped)
    return max(gaps), stamped[gaps.index(max(gaps)) + 1]


def ends_within(packets: Iterator[Seen], seconds: float) -> bool:
    """Whether the stream fails or ends in that time."""
    start = time.monotonic()
    try:
        for packet in packets:
            if packet.at - start > seconds:
                return False
    except av.FFmpegError:
        pass
    return time.monotonic() - start <= seconds


@pytest.mark.parametrize(("name", "seconds"), [("plain", 3), ("h265", 2)])
def test_plays_in_real_time(cameras: CameraServer, name: str, seconds: float) -> None:
    with watching(cameras.url(name)) as packets:
        live(packets)
        seen = for_seconds(packets, seconds)
    took = seen[-1].at - seen[0].at
    assert len(seen) - 1 == pytest.approx(took * FPS, abs=3)
    assert sum(steps(seen)) == pytest.approx(took, abs=0.15)
    assert all(step == pytest.approx(1 / FPS, abs=0.001) for step in steps(seen))
    assert sum(p.key for p in seen) == pytest.approx(took / KEY_S, abs=2)


def test_two_watch_one_camera(cameras: CameraServer) -> None:
    with watching(cameras.url("plain")) as first, watching(cameras.url("plain")) as second:
        assert len(for_seconds(second, 1)) >= FPS - 3
        assert len(for_seconds(first, 1)) >= FPS - 3


def test_login_and_path(cameras: CameraServer) -> None:
    with pytest.raises(av.HTTPUnauthorizedError), watching(cameras.url("plain", password="wrong")):
        pass
    with pytest.raises(av.HTTPUnauthorizedError), watching(cameras.url("plain", user="")):
        pass
    with pytest.raises(av.HTTPNotFoundError), watching(cameras.url("nowhere")):
        pass


def test_time_stamps_jump(cameras: CameraServer) -> None:
    with watching(cameras.url("jump")) as packets:
        seen = [live(packets)]
        for seconds in (3600, -1800):
            cameras.do("jump", "jump", seconds=seconds)
            seen += for_seconds(packets, 0.8)
    assert len(seen) == pytest.approx(2 * 0.8 * FPS, abs=8)  # the pace is as before
    jumps = [step for step in steps(seen) if abs(step - 1 / FPS) > 0.001]
    assert jumps == [pytest.approx(s + 1 / FPS, abs=0.001) for s in (3600, -1800)]


def test_time_stamps_jump_to_before_the_session(cameras: CameraServer) -> None:
    with watching(cameras.url("jump")) as packets:
        seen = [live(packets)]
        cameras.do("jump", "jump", seconds=-1800)
        seen += for_seconds(packets, 0.5)
    jumps = [step for step in steps(seen) if abs(step - 1 / FPS) > 0.001]
    assert jumps == [pytest.approx(WRAP_S - 1800 + 1 / FPS, abs=0.001)]  # FFmpeg takes them for wrapped ones


def test_garbage_ends(cameras: CameraServer) -> None:
    url = cameras.url("garbage")
    with av.open(url, options=OPTIONS, timeout=(4, 4)) as container:
        whole, at, start = 0, -1.0, time.monotonic()
        for packet in container.demux(video=0):
            now = time.monotonic() - start
            if at < 0 and now > 0.5:
                cameras.do("garbage", "garbage", seconds=1.0)
                at = now
            try:
                pictures = len(packet.decode())
            except av.FFmpegError:
                pictures = 0
            whole += pictures if 0 < at < now - 0.2 and now < at + 0.9 else 0
            if now > at + 1 + 2 * KEY_S and pictures and packet.is_keyframe and at > 0:
                break
    assert whole <= 3  # of about 18 in the middle of it; chance makes some look whole


def test_another_size_in_mid_stream(cameras: CameraServer, wide: Path) -> None:
    with av.open(cameras.url("size"), options=OPTIONS, timeout=(4, 4)) as container:
        frames = (f for f in container.decode(video=0) if isinstance(f, VideoFrame))
        first = next(frames)
        assert (first.width, first.height) == (320, 180)
        cameras.do("size", "media", file=wide)
        assert any((f.width, f.height) == (480, 270) for f, _ in zip(frames, range(100), strict=False))


def test_another_codec_ends_the_session(cameras: CameraServer, h265: Path) -> None:
    with watching(cameras.url("codec")) as packets:
        next(packets)
        cameras.do("codec", "media", file=h265)
        assert ends_within(packets, 3)
    with av.open(cameras.url("codec"), options=OPTIONS, timeout=(4, 4)) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
        assert next(container.decode(video=0)).width == 320


def test_pause_and_resume(cameras: CameraServer) -> None:
    with watching(cameras.url("pause")) as packets:
        seen = [live(packets)]
        cameras.do("pause", "pause")
        time.sleep(1.2)  # the disturbance: so long the camera pauses
        resumed = time.monotonic()
        cameras.do("pause", "resume")
        seen += for_seconds(packets, 1)
    gap, after = longest_step(seen)
    assert gap == pytest.approx(1.2, abs=0.25)  # time stamps know of it
    assert after.key
    assert sum(p.at > resumed + 0.1 for p in seen) > 15
    assert sum(p.at <= resumed for p in seen) == 1


def test_commands_that_cannot_be_done(cameras: CameraServer, folder: Path) -> None:
    with pytest.raises(NotFound):
        cameras.do("nowhere", "pause")
    with pytest.raises(BadInput, match="unknown command"):
        cameras.do("plain", "dance")
    with pytest.raises(BadInput, match="FileNotFoundError"):
        cameras.do("plain", "media", file=folder / "missing.h264")


def test_kill_and_restart(lone: CameraServer) -> None:
    url = lone.url("a")
    with watching(url) as packets:
        next(packets)
        lone.kill()
        assert ends_within(packets, 3)
    with pytest.raises(av.FFmpegError), watching(url):
        pass
    with pytest.raises(Unavailable, match="restart"):
        lone.do("a", "pause")
    lone.restart()
    assert lone.url("a") == url
    with watching(url) as packets:
        assert len(for_seconds(packets, 0.5)) > 5
    assert 0 < lone.cpu_s() < 5


def test_freeze_and_thaw(lone: CameraServer) -> None:
    with watching(lone.url("a")) as packets:
        seen = [live(packets)]
        lone.freeze()
        time.sleep(1.5)  # the disturbance: so long the server is frozen
        lone.thaw()
        seen += for_seconds(packets, 1.2)
    gap, after = longest_step(seen)
    assert 1.3 < gap < 1.5 + KEY_S + 0.5  # what was due meanwhile is not sent later
    assert after.key
    assert len(seen) > 10
    lone.freeze()
    with pytest.raises(av.FFmpegError), watching(lone.url("a"), timeout_s=1):
        pass


def test_proxy_stalls_and_flows(lone: CameraServer) -> None:
    with FaultyProxy(lone.port) as proxy, watching(proxy.url_of(lone.url("a"))) as packets:
        live(packets)
        proxy.stall()
        stalled = time.monotonic()
        time.sleep(1)  # the disturbance: so long nothing is passed on
        proxy.flow()
        seen = for_seconds(packets, 1)
        assert sum(stalled + 0.9 < p.at < stalled + 1.2 for p in seen) >= FPS * 0.8  # held back, not lost
        assert all(step == pytest.approx(1 / FPS, abs=0.001) for step in steps(seen))
        assert len(proxy.attempts) == 1


def test_proxy_stall_is_a_timeout(lone: CameraServer) -> None:
    with FaultyProxy(lone.port) as proxy, watching(proxy.url_of(lone.url("a")), timeout_s=1) as packets:
        live(packets)
        proxy.stall()
        assert ends_within(packets, 3)


def test_proxy_garbage() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        FaultyProxy(server.getsockname()[1]) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client,
        server.accept()[0] as behind,
    ):
        behind.sendall(b"first")
        assert client.recv(100) == b"first"
        proxy.garbage(50)
        assert len(client.recv(100)) == 50
        behind.sendall(b"last")
        assert client.recv(100) == b"last"
        client.sendall(b"back")
        assert behind.recv(100) == b"back"  # nothing was injected in this direction


def test_proxy_garbage_in_a_stream(lone: CameraServer) -> None:
    with FaultyProxy(lone.port) as proxy, watching(proxy.url_of(lone.url("a")), timeout_s=1) as packets:
        live(packets)
        proxy.garbage(5_000)
        with suppress(av.FFmpegError, StopIteration):  # FFmpeg looks for the next packet; finding one is chance
            assert for_seconds(packets, 0.5)


def test_proxy_cuts_and_refuses(lone: CameraServer) -> None:
    before = time.monotonic()
    with FaultyProxy(lone.port) as proxy:
        url = proxy.url_of(lone.url("a"))
        with watching(url) as packets:
            next(packets)
            proxy.refuse()
            proxy.cut()
            assert ends_within(packets, 2)
        with pytest.raises(av.FFmpegError), watching(url):
            pass
        proxy.flow()
        with watching(url) as packets:
            next(packets)
        assert len(proxy.attempts) == 3
        assert sorted(proxy.attempts) == proxy.attempts
        assert proxy.attempts[0] > before
    with pytest.raises(av.FFmpegError), watching(url):
        pass


def test_proxy_keeps_the_login() -> None:
    with FaultyProxy(1) as proxy:
        assert proxy.url_of("rtsp://u:p%40@host:554/a/b?c=d") == f"rtsp://u:p%40@127.0.0.1:{proxy.port}/a/b?c=d"


def test_says_what_is_missing(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(server_module, "SYSTEM_PYTHON", tmp_path / "python3")
    with pytest.raises(Unavailable, match=r"gir1\.2-gst-rtsp-server-1\.0 python3-gi"):
        CameraServer({"a": small})


def test_media_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="ffmpeg"):
        make_media(tmp_path, width=320, height=180, scene="no-such-source")
    with pytest.raises(BadInput, match="NAME"):
        CameraServer({"a": tmp_path / "a.mp4"})
