"""Evidence at the front door: exported with a running server and without, verified where there is nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ENVIRON, ROOT, Command, Demo, Outcome, serving

SENTENCE = "a man in a red coat with a black backpack"


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

    def entries(self, action: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self("audit", "list", "--action", action, "--json").json["entries"]
        return found


@pytest.fixture
def line(demo: Demo, tmp_path: Path, xunren: Command) -> Line:
    """Over a copy of the demo's index."""
    return Line(Path(shutil.copytree(demo.data_dir, tmp_path / "data")), xunren)


@pytest.fixture
def case(line: Line) -> str:
    """With one sighting."""
    id_: str = line("case", "new", "Man", "--sentence", SENTENCE, "--json").json["id"]
    clip = line("case", "search", id_, "--json").json["clips"][0]["id"]
    line("case", "sight", id_, clip)
    return id_


@pytest.fixture
def key(line: Line, tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(line("evidence", "key").out)
    return path


def test_a_sighting_is_exported_and_verified(line: Line, case: str, key: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    said = line("evidence", "export", case, 1, folder, "--blur")
    assert "evidence of sighting 1" in said.out
    assert (folder / "blurred.mp4").stat().st_size > 10_000
    fingerprint = line("evidence", "key", "--json").json["fingerprint"]
    assert fingerprint in said.out

    good = line("evidence", "verify", folder, "--key", key)
    assert "the evidence is whole" in good.out
    assert case in good.out
    assert good.err.strip() == ""
    alone = line("evidence", "verify", folder)
    assert "not who signed it" in alone.err
    assert fingerprint in alone.out
    assert line("evidence", "verify", folder, "--key", key, "--json").json == {
        "whole": True, "faults": [], "fingerprint": fingerprint, "proven": True, "warning": None,
    }  # fmt: skip
    assert "is there already" in line("evidence", "export", case, 1, folder, code=1).err

    clip = folder / "clip.mp4"
    data = bytearray(clip.read_bytes())
    data[1000] ^= 1
    clip.write_bytes(data)
    bad = line("evidence", "verify", folder, "--key", key, code=1)
    assert "the evidence is broken" in bad.out
    assert f"clip.mp4: changed between byte 0 and byte {min(len(data), 1 << 20) - 1}" in bad.out
    assert line("evidence", "verify", folder, "--json", code=1).json["faults"][0]["file"] == "clip.mp4"

    (folder / "a\x1b[2Jb").write_bytes(b"")  # a name that would clear the screen
    tricked = line("evidence", "verify", folder, code=1)
    assert "a?[2Jb: it is not in the manifest" in tricked.out
    assert "\x1b" not in tricked.out

    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    (signed,) = line.entries("evidence.sign")
    assert (signed["number"], signed["hash"]) == (told["audit"]["number"], told["audit"]["hash"])
    assert signed["account"] == told["operator"]
    assert str(told["operator"]).startswith("os:")
    assert {entry["case"] for entry in line.entries("evidence.export")} == {case}
    line("audit", "verify")


def test_through_a_running_server(line: Line, case: str, key: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    with serving(line.data_dir) as (url, _):
        line("evidence", "export", case, 1, folder)
        assert "no such sighting" in line("evidence", "export", case, 9, tmp_path / "none", code=1).err
        wrong = httpx.post(f"{url}/api/cases/{case}/sightings/1/evidence", json={"blurr": True})
        assert wrong.status_code == 400
    assert "the evidence is whole" in line("evidence", "verify", folder, "--key", key).out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "evidence", "key.pem"]
    assert list((line.data_dir / "outgoing").iterdir()) == []
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    (signed,) = line.entries("evidence.sign")
    assert (signed["number"], signed["account"]) == (told["audit"]["number"], "local")
    answered = next(entry for entry in line.entries("evidence.export") if entry["status"] == 200)
    assert answered["number"] > signed["number"]
    assert answered["details"]["shown"]["signed"] == told["audit"]


def test_verifying_needs_no_index_and_loads_no_model(line: Line, case: str, key: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    line("evidence", "export", case, 1, folder)
    script = (
        "import sys\n"
        "from api.cli.main import main\n"
        "sys.argv = ['xunren', 'evidence', 'verify', *sys.argv[1:]]\n"
        "try:\n    main()\n"
        "finally:\n"
        "    print([n for n in ('torch', 'open_clip', 'pymilvus', 'av', 'cv2', 'sqlalchemy') if n in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(folder), "--key", str(key)]
    environ = ENVIRON | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environ, check=False)
    assert done.returncode == 0, done.stderr
    assert "the evidence is whole" in done.stdout
    assert done.stdout.endswith("[]\n")
    assert not (tmp_path / "xunren-data").exists()


def test_what_cannot_be_verified_is_said(line: Line, key: Path, tmp_path: Path) -> None:
    assert "there is no such folder" in line("evidence", "verify", tmp_path / "none", code=1).err
    assert "cannot be read" in line("evidence", "verify", tmp_path, "--key", tmp_path / "none", code=1).err
    assert "manifest.json: it is missing" in line("evidence", "verify", tmp_path, "--key", key, code=1).out
    assert "there is no such case" in line("evidence", "export", "2026-9999", 1, tmp_path / "x", code=1).err
    assert not (tmp_path / "x").exists()
