"""Live cameras as a user has them: `camera add`, `serve`, a sentence, a clip; and HTTP-FLV, as platforms hand out."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import pytest

from benchmarks.cameras import CameraServer, Mount, make_media
from search.media.clip_cutter import ffmpeg_path
from search.stream_types import StreamState
from tests.conftest import SAMPLES, Command, serving
from tests.support.recorder import Station, decoded
from tests.support.waiting import until

USER, PASSWORD = "cam-user-7", "pa:ss/w@rd"


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[CameraServer]:
    """The sample gate as a live camera with a password."""
    film = make_media(
        tmp_path,
        width=1280,
        height=720,
        fps=12,
        seconds=60,
        key_s=1,
        bitrate_kbit=1500,
        scene=SAMPLES / "gate/gate.mp4",
    )

    with CameraServer({"gate": Mount(film, fps=12)}, user=USER, password=PASSWORD) as server:
        yield server


def test_who_walks_past_a_live_camera_is_found_and_played(
    tmp_path: Path, gate: CameraServer, xunren: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    added = xunren("camera", "add", "gate-3", "--url", gate.url("gate"), "--data-dir", data)
    assert added.code == 0, added.err
    told = [added.out, added.err]
    with serving(data) as (url, process):

        def answer() -> Any:
            return ask(f"{url}/api/search", {"query": "a man in a red coat with a black backpack", "kinds": ["person"]})

        until(lambda: answer()["verdict"] == "match")
        found = answer()
        clip = found["clips"][0]
        assert clip["camera"] == "gate-3"
        assert clip["start_source"] == "recorder's clock"
        assert abs(datetime.fromisoformat(clip["time"]).timestamp() - time.time()) < 90
        assert found["coverage"]["camera_count"] == 1
        assert "not recorded yet" not in [gap["reason"] for gap in found["coverage"]["gaps"]]
        earlier = ask(f"{url}/api/search", {"query": "a man in a red coat", "start": clip["start_ms"] - 3_600_000})
        assert [gap["reason"] for gap in earlier["coverage"]["gaps"]][:1] == ["not recorded yet"]
        with urllib.request.urlopen(url + clip["clip_url"], timeout=60) as response:
            (tmp_path / "clip.mp4").write_bytes(response.read())
        with av.open(str(tmp_path / "clip.mp4")) as container:
            seconds = sum(1 for _ in container.decode(video=0)) / 12
        assert seconds == pytest.approx((clip["end_ms"] - clip["start_ms"]) / 1000, abs=0.6)
        live = ask(f"{url}/api/live")
        assert live["streams"][0]["state"] == "recording"
        with urllib.request.urlopen(url + live["streams"][0]["image"], timeout=20) as response:
            assert response.read(2) == b"\xff\xd8"
        accounts = ask(f"{url}/api/coverage")["coverage_hours"]
        assert sum(a["expected_s"] for a in accounts) == pytest.approx(
            sum(a["recorded_s"] + sum(a["missing_s"].values()) for a in accounts)
        )
        with urllib.request.urlopen(f"{url}/metrics", timeout=20) as response:
            metrics = response.read().decode()
        assert 'camera="gate-3"' in metrics
        for command in (("camera", "list", "--json"), ("camera", "list"), ("status",), ("doctor", "--deep")):
            done = xunren(*command, "--data-dir", data)
            told += [done.out, done.err]
            assert done.code == 0, (command, done.out, done.err)
        told += [json.dumps(live), json.dumps(found), metrics, json.dumps(accounts)]
        process.terminate()
        told += process.communicate(timeout=60)
    for secret in (PASSWORD, USER, "pa%3Ass"):
        assert not any(secret in text for text in told), secret
        for file in data.rglob("catalog.sqlite*"):
            assert secret.encode() not in file.read_bytes()


@contextmanager
def flv(film: Path) -> Iterator[str]:
    """A platform that hands `film` out as endless HTTP-FLV, in real time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "sign=right" not in self.path:
                self.send_error(403)
                return
            self.send_response(200)
            self.send_header("Content-Type", "video/x-flv")
            self.end_headers()
            command = [ffmpeg_path(), "-v", "quiet", "-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy"]
            with subprocess.Popen([*command, "-f", "flv", "-"], stdout=subprocess.PIPE) as process:
                try:
                    assert process.stdout is not None
                    shutil.copyfileobj(process.stdout, self.wfile, 4096)
                except OSError:
                    pass
                finally:
                    process.kill()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/live/34020000001320000001.flv?sign=right&secret=hush"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_http_flv_is_recorded_like_rtsp(place: Station, media: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"  # sent from MP4: ffmpeg's reader of bare H.264 cuts some pictures wrongly
    copy = ["-v", "error", "-r", "25", "-i", str(media), "-c", "copy", str(film)]
    subprocess.run([ffmpeg_path(), *copy], check=True)
    with flv(film) as url:
        place.add("platform", url)
        place.add("forged", url.replace("right", "wrong"))
        with place.recording():
            until(lambda: len(place.files("platform")) > 3)
            until(lambda: place.state("forged") is StreamState.REFUSED)
    assert place.unexplained("platform") == []
    assert place.longest_hole("platform") <= 20
    assert all(len(decoded(file)) > 40 for file in place.files("platform")[:-1])
    assert "hush" not in repr(place.catalog.streams.all()) + repr(place.catalog.recordings.health()) + repr(
        place.gaps("forged")
    )
