"""The server owns the index: the other commands work through it, and without it after it died."""

from __future__ import annotations

import json
import os
from pathlib import Path

from api.runtime.client import running_server
from search.config import Settings
from tests.conftest import SAMPLES, Command, serving


def test_commands_work_through_the_server_and_without_it(tmp_path: Path, xunren: Command) -> None:
    video = SAMPLES / "gate" / "gate.mp4"
    with serving(tmp_path) as (url, process):
        indexed = xunren("index", video, "--data-dir", tmp_path, "--json")
        assert indexed.code == 0
        assert url in indexed.err
        assert [s["state"] for s in indexed.json["segments"]] == ["indexed"]
        answer = xunren("search", "a man in red", "--data-dir", tmp_path, "--json").json
        assert answer["clips"][0]["thumbnail"].startswith(url)
        assert xunren("status", "--data-dir", tmp_path, "--json").json["server"] == url
        assert f"running server at {url}" in " ".join(xunren("doctor", "--data-dir", tmp_path).out.split())
        second = xunren("serve", "--port", 0, "--data-dir", tmp_path)
        assert second.code == 1
        assert "in use by another xunren process" in second.err
        process.kill()
        process.wait(timeout=30)
    assert (tmp_path / "server.json").exists()
    alone = xunren("search", "a man in red", "--data-dir", tmp_path, "--json").json
    assert [c["time_ms"] for c in alone["clips"]] == [c["time_ms"] for c in answer["clips"]]
    assert Path(alone["clips"][0]["thumbnail"]).is_file()


def test_a_server_that_ends_takes_its_address_away(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        assert getattr(running_server(Settings(data_dir=tmp_path)), "url", None) == url
    assert not (tmp_path / "server.json").exists()


def test_an_address_that_a_crash_left_is_no_server(tmp_path: Path) -> None:
    left: list[object] = [{"url": "http://127.0.0.1:9", "pid": os.getpid()}, {"url": 7}, [], "x"]
    for written in left:
        (tmp_path / "server.json").write_text(json.dumps(written))
        assert running_server(Settings(data_dir=tmp_path)) is None
