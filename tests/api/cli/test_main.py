"""Bad input at the front door: a clear error, never a trace, never a wrong answer."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import api.cli
from api.cli import main
from api.cli.main import hoist_globals
from api.commands.audit_trail import UNRECORDED
from tests.conftest import Command


@pytest.fixture
def some_index(tmp_path: Path, xunren: Command) -> Path:
    """An index with a camera and no rows."""
    assert xunren("camera", "add", "gate", "--data-dir", tmp_path).code == 0
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((" ",), ("empty", "cure")),
        (("?!",), ("empty",)),
        (("x" * 10_000,), ("too long", "10000", "500")),
        (("a man", "--from", "2026-11-02T09:00", "--to", "2026-11-02T08:00"), ("ends before it starts",)),
        (("a man", "--from", "yesterday"), ("yesterday",)),
        (("a man", "--camera", "gaet"), ("unknown camera", "gate")),
        (("a man", "--camera", 'x"] or 1==1 or ["'), ("camera id",)),
        (("a man", "--camera", "a\\"), ("camera id",)),
        (("a man", "--limit", "0"), ("limit",)),
        (("a man", "--limit", "100000"), ("limit",)),
    ],
)
def test_a_search_that_cannot_be_answered(
    arguments: tuple[str, ...], words: tuple[str, ...], some_index: Path, xunren: Command
) -> None:
    refused = xunren("search", *arguments, "--data-dir", some_index)
    assert refused.code == 1
    assert refused.out == ""
    assert "Traceback" not in refused.err
    assert all(word in refused.err for word in words), refused.err


def test_a_search_without_an_index_makes_none(tmp_path: Path, xunren: Command) -> None:
    refused = xunren("search", "a man", "--data-dir", tmp_path / "none")
    assert refused.code == 1
    assert "no index" in refused.err
    assert "xunren index" in refused.err
    assert not (tmp_path / "none").exists()


def test_a_search_in_an_empty_index_says_so(some_index: Path, xunren: Command) -> None:
    answer = xunren("search", "a man", "--data-dir", some_index)
    assert answer.code == 0
    assert "index is empty" in answer.out


def test_indexing_what_is_not_there(tmp_path: Path, xunren: Command) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no film")
    outcome = xunren("index", tmp_path / "missing.mp4", tmp_path / "empty.mp4", tmp_path / "text.mp4",
                     "--data-dir", tmp_path / "d", "--json")  # fmt: skip
    assert outcome.code == 1
    assert [Path(r["path"]).name for r in outcome.json["refused"]] == ["missing.mp4", "empty.mp4", "text.mp4"]
    assert all(r["reason"] and r["message"] and r["cure"] for r in outcome.json["refused"])
    skipped = xunren("status", "--data-dir", tmp_path / "d", "--json").json["skipped"]
    assert len(skipped) == 3


@pytest.mark.parametrize("camera", ['a"b', "a\\b", "../x"])
def test_a_camera_that_cannot_be(camera: str, tmp_path: Path, xunren: Command) -> None:
    for command in (("camera", "add", camera), ("index", tmp_path, "--camera", camera)):
        refused = xunren(*command, "--data-dir", tmp_path / "d")
        assert refused.code == 1
        assert "camera id" in refused.err


def test_cameras_come_from_a_file_all_or_none(tmp_path: Path, xunren: Command) -> None:
    file = tmp_path / "cameras.csv"
    file.write_text("id,name,lat,lon\ngate,北门,22.72,114.25\nsquare,,,\n", "utf-8")
    assert "2 cameras added" in xunren("camera", "import", file, "--data-dir", tmp_path).out
    file.write_text("id,lat,lon\nhall,1,2\nroof,95,2\n")
    refused = xunren("camera", "import", file, "--data-dir", tmp_path)
    assert refused.code == 1
    assert "line 3" in refused.err
    listed = xunren("camera", "list", "--data-dir", tmp_path, "--json").json["cameras"]
    assert [(c["id"], c["name"], c["lat"]) for c in listed] == [("gate", "北门", 22.72), ("square", "", None)]


def test_a_public_address_needs_a_word(tmp_path: Path, xunren: Command) -> None:
    refused = xunren("serve", "--host", "0.0.0.0", "--data-dir", tmp_path)
    assert refused.code == 1
    assert "--insecure" in refused.err


def test_unknown_settings_are_refused(tmp_path: Path, xunren: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUNREN_WORKER", "3")
    refused = xunren("status", "--data-dir", tmp_path)
    assert refused.code == 1
    assert "workers" in refused.err


def test_doctor_finds_all_well(tmp_path: Path, xunren: Command) -> None:
    checked = xunren("doctor", "--data-dir", tmp_path)
    assert checked.code == 0, checked.out
    for part in ("Python", "model runtime", "ffmpeg", "model", "vector store", "catalogue", "disk"):
        assert part in checked.out


def test_doctor_names_the_cure(tmp_path: Path, xunren: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUNREN_MODEL", "local-dir:" + str(tmp_path / "nowhere"))
    monkeypatch.setenv("XUNREN_DEVICE", "cuda:99")
    (tmp_path / "catalog.sqlite").write_bytes(b"garbage" * 999)
    checked = xunren("doctor", "--data-dir", tmp_path)
    assert checked.code == 1
    assert checked.out.count("wrong") >= 3
    assert "Traceback" not in checked.out + checked.err


def test_help_and_the_library_load_no_torch() -> None:
    code = (
        "import sys\n"
        "import search, indexer, api.cli.main, search.engine, indexer.pipeline.worker\n"
        "sys.argv = ['xunren', '--help']\n"
        "try: api.cli.main.main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'open_clip', 'pymilvus'} & set(sys.modules), 'heavy'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_global_options_may_stand_anywhere() -> None:
    assert hoist_globals(["search", "x", "--data-dir", "d", "--config=c"]) == [
        "--data-dir",
        "d",
        "--config=c",
        "search",
        "x",
    ]
    assert hoist_globals(["search", "--", "--data-dir"]) == ["search", "--", "--data-dir"]


def top_words() -> set[str]:
    """The first words of all commands."""
    command: Any = typer.main.get_command(main.app)
    return set(command.commands)


def test_every_file_with_commands_is_on_the_command_line() -> None:
    files = {module.name for module in pkgutil.iter_modules(api.cli.__path__)} - {"main", "context", "options"}
    assert {module.__name__.rpartition(".")[2] for module in main.MODULES} == files


def test_a_command_is_recorded_unless_it_is_named() -> None:
    """A word that is no command (any more) would hide a new command of that name from the audit log."""
    assert top_words() >= UNRECORDED
    assert {"search", "case", "alert", "saved-search", "evidence"} <= top_words() - UNRECORDED


@pytest.mark.parametrize("word", sorted(top_words()))
def test_every_command_has_help(word: str, xunren: Command) -> None:
    outcome = xunren(word, "--help")
    assert outcome.code == 0
    assert "Usage" in outcome.out
