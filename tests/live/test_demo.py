"""The main job, through the front door: the sample videos are indexed and the sentences find the right clips."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import samples
from search.types import Box
from tests.conftest import SAMPLES, Command, Demo

CLIP_KEYS = {
    "rank", "camera", "start", "end", "start_ms", "end_ms", "offset_s", "score", "verdict", "kind", "box", "time_ms",
    "path", "thumbnail", "start_source",
}  # fmt: skip


@pytest.fixture
def data_dir(demo: Demo, tmp_path: Path) -> Path:
    """A copy to write to."""
    return Path(shutil.copytree(demo.data_dir, tmp_path / "data"))


def shows(clip: dict[str, Any], person: dict[str, Any]) -> bool:
    """Whether the clip's best moment has its box on that person."""
    return samples.shows(person, clip["camera"], clip["time_ms"], Box(*clip["box"]))


def test_every_frame_is_accounted_for(demo: Demo) -> None:
    assert demo.report["files"] == 4
    for segment in demo.report["segments"]:
        assert segment["state"] == "indexed"
        assert segment["seen"] == segment["indexed"] + sum(segment["skipped"].values())
        assert segment["seen"] > 500
        assert segment["rows"] > 10
        assert segment["start_source"] == "container creation time"


@pytest.mark.parametrize("n", range(3))
def test_the_right_clip_comes_first(n: int, data_dir: Path, truth: dict[str, Any], xunren: Command) -> None:
    sentence = truth["demo"][n]
    person = next(p for p in truth["people"] if p["id"] == sentence["person"])
    answer = xunren("search", sentence["text"], "--data-dir", data_dir, "--json").json
    assert answer["query"] == sentence["text"]
    first = answer["clips"][0]
    assert first.keys() >= CLIP_KEYS
    assert shows(first, person), (sentence, first)
    assert answer["verdict"] == first["verdict"] != "nothing"
    assert Path(first["thumbnail"]).is_file()
    assert Path(first["path"]).parent.parent == SAMPLES
    assert first["start"].endswith("+08:00")
    assert first["start_ms"] <= first["time_ms"] <= first["end_ms"]


def test_the_demo_speaks_both_languages(truth: dict[str, Any]) -> None:
    assert sorted(s["lang"] for s in truth["demo"]) == ["en", "en", "zh"]


def test_filters_are_kept(data_dir: Path, truth: dict[str, Any], xunren: Command) -> None:
    sentence = truth["demo"][0]["text"]
    everywhere = xunren("search", sentence, "--data-dir", data_dir, "--json").json["clips"]
    first = everywhere[0]
    others = [c["id"] for c in truth["cameras"].values() if "id" in c] or list(truth["cameras"])
    other = next(c for c in others if c != first["camera"])
    answer = xunren("search", sentence, "--data-dir", data_dir, "--json", "--camera", other).json
    assert {c["camera"] for c in answer["clips"]} == {other}
    late = xunren("search", sentence, "--data-dir", data_dir, "--json", "--from", first["end"]).json
    assert all(c["end_ms"] > first["end_ms"] for c in late["clips"])


def test_indexing_again_adds_nothing(data_dir: Path, demo: Demo, xunren: Command) -> None:
    rows = xunren("status", "--data-dir", data_dir, "--json").json["rows"]
    again = xunren("index", SAMPLES, "--data-dir", data_dir, "--json")
    assert again.code == 0
    assert again.json["already_indexed"] == 4
    assert again.json["segments"] == []
    assert xunren("status", "--data-dir", data_dir, "--json").json["rows"] == rows


def test_a_weak_word_is_named(data_dir: Path, xunren: Command) -> None:
    asked = ("search", "戴草帽的人", "--data-dir", data_dir)
    (hint,) = xunren(*asked, "--json").json["hints"]
    assert (hint["attribute"], hint["words"]) == ("hat", ["草帽"])
    assert f"often wrong about: 草帽 ({hint['accuracy']:.0%} right)" in xunren(*asked).out


def test_another_model_is_refused(data_dir: Path, xunren: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUNREN_MODEL", "ViT-B-32")
    refused = xunren("search", "a man", "--data-dir", data_dir)
    assert refused.code == 1
    assert "another model" in refused.err
    assert "xunren-small" in refused.err


def test_search_while_the_server_runs(
    demo_server: str, served_dir: Path, truth: dict[str, Any], xunren: Command
) -> None:
    answer = xunren("search", truth["demo"][0]["text"], "--data-dir", served_dir, "--json").json
    assert answer["clips"][0]["thumbnail"].startswith(demo_server)
    refused = xunren("search", "   ", "--data-dir", served_dir)
    assert refused.code == 1
    assert "empty" in refused.err
