"""The record at the front door: what the command line does is written down, and a changed entry is named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import cast

import pytest

from tests.conftest import Command, Demo, Outcome, serving

SENTENCE = "a man in a red coat"
REFUSED = "戴头巾的穆斯林妇女"


class Line:
    """The command line over one data folder."""

    def __init__(self, data_dir: Path, command: Command) -> None:
        self.data_dir = data_dir
        self._command = command

    def __call__(self, *arguments: object, code: int = 0) -> Outcome:
        outcome = self._command(*arguments, "--data-dir", self.data_dir)
        assert outcome.code == code, outcome.out + outcome.err
        assert "Traceback" not in outcome.err
        return outcome

    def entries(self, *arguments: object) -> list[dict[str, object]]:
        """`xunren audit list --json`, without its own entry."""
        found: list[dict[str, object]] = self("audit", "list", "--json", *arguments).json["entries"]
        return [entry for entry in found if entry["action"] != "audit.list"]


@pytest.fixture
def line(demo: Demo, tmp_path: Path, xunren: Command) -> Line:
    """Over a copy of the demo's index."""
    return Line(Path(shutil.copytree(demo.data_dir, tmp_path / "data")), xunren)


def test_a_search_and_what_it_showed_are_recorded(line: Line) -> None:
    answer = line("search", SENTENCE, "--camera", "gate", "--json").json
    shown, asked = line.entries("--limit", 3)
    assert asked["action"] == "search"
    assert str(asked["account"]).startswith("os:")
    options = cast(dict[str, dict[str, object]], asked["details"])["options"]
    assert options.items() >= {"sentence": SENTENCE, "camera": ["gate"], "limit": 12}.items()
    assert shown["action"] == "shown"
    assert shown["details"] == {"answer": answer["id"], "clips": [clip["id"] for clip in answer["clips"]]}


def test_who_looked_at_a_case(line: Line) -> None:
    case = line("case", "new", "Li Ming", "--sentence", SENTENCE, "--json").json["id"]
    line("case", "show", case)
    line("case", "show", "2026-9999", code=1)
    assert [entry["action"] for entry in line.entries("--case", case)] == ["case.show"]
    assert SENTENCE in line("audit", "list").out


def refused(line: Line, *arguments: object) -> None:
    """The command says which rule refuses it; the command and the refusal are the last things in the record."""
    outcome = line(*arguments, code=1)
    assert "refused by the rule on religion" in outcome.err
    assert "穆斯林" in outcome.err
    assert outcome.out == ""
    refusal, asked = line.entries("--limit", 3)[:2]
    words = ".".join(str(word) for word in arguments[: 1 if arguments[0] == "search" else 2])
    assert (asked["action"], refusal["action"]) == (words, "refused")
    assert REFUSED in str(asked["details"])
    assert refusal["details"] == {"command": words, "rule": "religion", "got": "穆斯林"}


def test_a_refused_sentence_is_recorded_with_its_rule_and_nothing_is_saved(line: Line) -> None:
    case = line("case", "new", "Li Ming", "--sentence", SENTENCE, "--json").json["id"]
    before = line("case", "show", case).out
    refused(line, "search", REFUSED)
    refused(line, "case", "search", case, REFUSED)
    refused(line, "case", "change", case, "--sentence", REFUSED)
    refused(line, "case", "new", "Li Hua", "--sentence", REFUSED)
    refused(line, "saved-search", "add", REFUSED)
    assert line("case", "show", case).out == before
    assert "Li Hua" not in line("case", "list").out
    assert REFUSED not in line("saved-search", "list").out
    assert [entry["case"] for entry in line.entries("--action", "refused")] == ["", "", case, case, ""]
    assert "the audit log is whole" in line("audit", "verify").out


def test_a_refusal_of_the_running_server_is_recorded_by_both(line: Line) -> None:
    with serving(line.data_dir):
        assert "refused by the rule on religion" in line("search", REFUSED, code=1).err
    refusal, answered, asked = line.entries("--limit", 4)[:3]
    assert [entry["action"] for entry in (asked, answered, refusal)] == ["search", "search", "refused"]
    assert (answered["account"], answered["status"]) == ("local", 403)
    assert cast(dict[str, object], answered["details"])["rule"] == "religion"


def test_an_address_with_a_password_is_recorded_without_it(line: Line) -> None:
    line("camera", "add", "door", "--url", "rtsp://me:secret@127.0.0.1/door")
    assert line.entries("--action", "camera.add")
    assert "secret" not in line("audit", "list", "--json").out


def test_a_changed_entry_is_named(line: Line) -> None:
    line("case", "list")
    line("case", "list")
    assert "the audit log is whole" in line("audit", "verify").out
    with sqlite3.connect(line.data_dir / "catalog.sqlite") as db:
        db.execute("UPDATE audit_entries SET account = 'nobody' WHERE number = 2")
    assert "broken at entry 2: it was changed" in line("audit", "verify", code=1).err


def test_a_kept_head_shows_an_end_that_was_cut_off(line: Line, tmp_path: Path) -> None:
    line("case", "list")
    line("case", "list")
    head = tmp_path / "head.json"
    line("audit", "head", "--to", head)
    assert "is in it" in line("audit", "verify", "--head", head).out
    assert "is there already" in line("audit", "head", "--to", head, code=1).err
    number = json.loads(head.read_text())["number"]
    with sqlite3.connect(line.data_dir / "catalog.sqlite") as db:
        db.execute("DELETE FROM audit_entries WHERE number > 1")
    assert number == 3
    assert "broken at entry 3" in line("audit", "verify", "--head", head, code=1).err  # its own entry is number 2


@pytest.mark.parametrize("text", ["", "[]", '{"number": "1", "hash": "x"}', '{"hash": "x"}', "\xff"])
def test_what_is_no_head_is_refused(line: Line, tmp_path: Path, text: str) -> None:
    head = tmp_path / "head.json"
    head.write_bytes(text.encode("latin-1"))
    assert "this is not a head of the audit log" in line("audit", "verify", "--head", head, code=1).err


def test_what_cannot_be_recorded_is_not_carried_out(line: Line) -> None:
    line("case", "list")
    with sqlite3.connect(line.data_dir / "catalog.sqlite") as db:
        db.execute("ALTER TABLE audit_entries RENAME TO away")
    outcome = line("search", SENTENCE, code=1)
    assert "tables of the catalogue are gone" in outcome.err
    assert "audit_entries" in outcome.err
    assert "gate" not in outcome.out


def test_without_an_index_nothing_is_made(tmp_path: Path, xunren: Command) -> None:
    line = Line(tmp_path / "none", xunren)
    assert "there is no index here" in line("audit", "verify", code=1).err
    assert not line.data_dir.exists()
