"""Media on S3 as a user has them: a live camera is recorded, found, played, confirmed and handed over as evidence."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cameras import CameraServer
from search.catalog.catalog import Catalog
from search.config import Settings
from search.media.media_store import open_media
from search.types import SegmentState
from tests.conftest import ENVIRON, Command, serving, xunren_process
from tests.live.test_product import ask, gate  # noqa: F401 - a fixture
from tests.support.s3_server import S3Server
from tests.support.waiting import until

WANTED = "a man in a red coat with a black backpack"


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        return bytes(response.read())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"MEDIA_ENDPOINT": "http://minio:9000"}, "media_endpoint is of no use"),
        ({"MEDIA_URL": "http://minio:9000/city"}, "media_url names no bucket"),
        ({"EXECUTOR": "ray", "STORE_URI": "./milvus.db"}, "a Milvus Lite file belongs to one"),
    ],
)
def test_a_recorder_refuses_addresses_that_cannot_be_meant(tmp_path: Path, values: dict[str, str], words: str) -> None:
    environ = ENVIRON | {f"XUNREN_{name}": value for name, value in values.items()}
    with xunren_process("record", "--data-dir", tmp_path, environ=environ) as process:
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert words in said
    assert process.returncode not in (0, -9)


def test_a_recorder_says_that_the_storage_is_away_and_records(tmp_path: Path, s3: S3Server) -> None:
    environ = ENVIRON | s3.environ | {"XUNREN_MEDIA_ENDPOINT": "http://127.0.0.1:9"}
    with xunren_process("record", "--data-dir", tmp_path, environ=environ) as process:
        late = threading.Timer(60, process.kill)
        late.start()
        try:
            assert any("recordings wait on this disk" in line for line in process.stderr or ())
            assert process.poll() is None
        finally:
            late.cancel()
            process.terminate()
            process.communicate(timeout=60)


def test_a_live_camera_whose_media_lie_on_s3(
    tmp_path: Path,
    gate: CameraServer,  # noqa: F811
    s3: S3Server,
    xunren: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3.empty()
    data = tmp_path / "data"
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    assert xunren("camera", "add", "gate-3", "--url", gate.url("gate"), "--data-dir", data).code == 0
    with serving(data, environ=ENVIRON | s3.environ) as (url, _):

        def answer() -> Any:
            return ask(f"{url}/api/search", {"query": WANTED, "kinds": ["person"]})

        until(lambda: answer()["verdict"] == "match")
        clip = answer()["clips"][0]
        assert clip["path"].startswith(f"{s3.url}/recordings/gate-3/")
        assert fetched(url + clip["clip_url"])[4:8] == b"ftyp"
        assert fetched(url + clip["thumbnail"])[:2] == b"\xff\xd8"
        assert fetched(url + ask(f"{url}/api/live")["streams"][0]["image"])[:2] == b"\xff\xd8"
        case = json.loads(xunren("case", "new", "Li Ming", "--sentence", WANTED, "--json", "--data-dir", data).out)
        sight = xunren("case", "sight", case["id"], clip["id"], "--data-dir", data)
        assert sight.code == 0, sight.err
        evidence = xunren("evidence", "export", case["id"], "1", tmp_path / "evidence", "--data-dir", data)
        assert evidence.code == 0, evidence.err
    whole = xunren("evidence", "verify", tmp_path / "evidence", "--data-dir", data)
    assert "the evidence is whole" in whole.out
    with Catalog(f"sqlite:///{data / 'catalog.sqlite'}") as catalog:
        recorded = catalog.coverage.recordings(0, 2**62)
    assert SegmentState.UPLOADING not in {state for _, state, _ in recorded}  # all were sent at the end
    settings = Settings(data_dir=data, media_url=s3.url, media_endpoint=s3.endpoint)
    assert sorted(segment.path for segment, _, _ in recorded) == sorted(open_media(settings).recordings())
    assert [path for path in (data / "recordings").rglob("*.mp4") if path.is_file()] == []
    deep = xunren("doctor", "--deep", "--data-dir", data)
    assert deep.code == 0, deep.out + deep.err
