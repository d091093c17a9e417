from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import time
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.decoding.probe import MediaInfo, probe
from indexer.importer.discovery import discover, fingerprint, start_of, time_in_name, usable_camera_id
from search.errors import BadInput, BadMedia
from search.times import iso
from search.types import StartSource, check_camera_id

SHANGHAI = ZoneInfo("Asia/Shanghai")


def tree(root: Path, *names: str) -> Path:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return root


def found(root: Path, *paths: Path, camera_id: str | None = None) -> dict[str, str]:
    recordings = discover(paths, camera_id=camera_id)
    names = {os.path.relpath(r.path, root): r.camera_id for r in recordings}
    assert len(names) == len(recordings)
    return names


def test_sub_folders_are_cameras(tmp_path: Path) -> None:
    root = tree(
        tmp_path / "site", "b/2.MP4", "b/1.mp4", "a/x.mkv", "a/deep/er/y.ts", "top.mov", "a/notes.txt", ".hidden/z.mp4",
        "a/.z.mp4", "a/2026-11-02/n.avi", "2026/11-02/g.mp4", "20261102/c/h.mp4", "a/old.wmv",
    )  # fmt: skip
    names = found(root, root)
    assert names == {
        "2026/11-02/g.mp4": "11-02",
        "20261102/c/h.mp4": "c",
        "a/2026-11-02/n.avi": "a",
        "a/deep/er/y.ts": "a",
        "a/old.wmv": "a",
        "a/x.mkv": "a",
        "b/1.mp4": "b",
        "b/2.MP4": "b",
        "top.mov": "site",
    }
    assert list(names) == sorted(names)


def test_a_camera_keeps_its_name_however_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path / "site", "gate/1.mp4", "gate/2026-11-02/2.mp4")
    want = {"gate/1.mp4": "gate", "gate/2026-11-02/2.mp4": "gate"}
    assert found(root, root) == want
    assert found(root, root / "gate") == want
    assert found(root, root / "gate/1.mp4", root / "gate/2026-11-02/2.mp4") == want
    assert found(root, root / "gate/../gate", root) == want
    monkeypatch.chdir(root / "gate")
    assert found(root, Path()) == want
    assert found(root, Path("1.mp4"), Path("2026-11-02")) == want


def test_a_given_camera_overrides_folders_and_must_be_one(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.mp4", "b/2.mp4")
    assert set(found(root, root, camera_id="门口 1").values()) == {"门口 1"}
    with pytest.raises(BadInput):
        discover([root], camera_id="it's \\")


def test_missing_paths_and_empty_folders_are_reported_not_fatal(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.mp4", "b/readme.txt")
    recordings = discover([root / "gone.mp4", root / "b", root / "a", root / "b/readme.txt"])
    assert [r.path.name for r in recordings] == ["gone.mp4", "b", "1.mp4", "readme.txt"]
    reasons = []
    for recording in recordings:
        with pytest.raises(BadMedia) as caught:
            probe(recording.path, max_megapixels=17)
        reasons.append(caught.value.reason)
    assert reasons == ["missing", "not-a-video", "not-a-video", "not-a-video"]


def test_link_loops_end_and_each_file_comes_once(tmp_path: Path) -> None:
    root = tree(tmp_path / "r", "a/1.mp4")
    (root / "a/loop").symlink_to(root, target_is_directory=True)
    (root / "b").symlink_to("b")
    (root / "gone.mp4").symlink_to("nowhere")
    assert "a/1.mp4" in found(root, root, root / "a")
    assert len(found(root, root)) < 10


def test_an_unreadable_folder_is_reported(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/1.mp4", "b/2.mp4")
    plain = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []  # root reads all else
    look = "import sys, pathlib, tests.indexer.importer.test_discovery as t; "
    look += "p = pathlib.Path(sys.argv[1]); print(t.found(p, p))"
    (root / "a").chmod(0)
    try:
        command = [*plain, sys.executable, "-c", look, str(root)]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        (root / "a").chmod(0o755)
    assert ast.literal_eval(shown) == {"a": tmp_path.name, "b/2.mp4": "b"}


@given(st.text(min_size=1, max_size=80))
def test_every_folder_name_gives_a_usable_camera(name: str) -> None:
    usable = usable_camera_id(name)
    assert check_camera_id(usable) == usable
    assert usable == name or "#" in usable


def test_unusable_names_stay_apart(tmp_path: Path) -> None:
    assert usable_camera_id("Tor 'A'") != usable_camera_id('Tor "A"')
    assert usable_camera_id("Tor 'A'").startswith("Tor _A_#")


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("20261102_080000", "2026-11-02T08:00:00"),
        ("20261102080000", "2026-11-02T08:00:00"),
        ("20261102T080000", "2026-11-02T08:00:00"),
        ("20261102-080000", "2026-11-02T08:00:00"),
        ("2026-11-02T08-00-00", "2026-11-02T08:00:00"),
        ("2026-11-02 08.00.00", "2026-11-02T08:00:00"),
        ("2026-11-02_08-00-00", "2026-11-02T08:00:00"),
        ("2026_11_02_08_00_00", "2026-11-02T08:00:00"),
        ("2026-11-02T08:00:00", "2026-11-02T08:00:00"),
        ("20261102_080000Z", "2026-11-02T16:00:00"),
        ("20261102_080000+0900", "2026-11-02T07:00:00"),
        ("2026-11-02T08-00-00+08:00", "2026-11-02T08:00:00"),
        ("ch01_20261102080000", "2026-11-02T08:00:00"),
        ("192.168.1.64_01_20261102080000123", "2026-11-02T08:00:00.123"),
        ("20261102080000_20261102081000", "2026-11-02T08:00:00"),
        ("D01_20261102080000_20261102081000", "2026-11-02T08:00:00"),
        ("VID_20261102_080000", "2026-11-02T08:00:00"),
        ("VID_20261102_080000123", "2026-11-02T08:00:00.123"),
        ("PXL_20261102_080000.250", "2026-11-02T08:00:00.250"),
        ("cam1 2026-11-02 08.00.00 front", "2026-11-02T08:00:00"),
        ("front-door-2026-11-02-080000", "2026-11-02T08:00:00"),
        ("20261302_080000 20261102_090000", "2026-11-02T09:00:00"),
        ("20261102_250000", None),
        ("20260230_080000", None),
        ("19700101_000000", None),
        ("19800101_000000", None),
        ("99991102_080000", None),
        ("120261102080000", None),
        ("20261102", None),
        ("holiday", None),
        ("", None),
    ],
)
def test_times_in_names(name: str, want: str | None) -> None:
    got = time_in_name(name, SHANGHAI)
    assert (None if got is None else iso(got, SHANGHAI)) == (None if want is None else want + "+08:00")


@given(st.text(max_size=60), st.text("0123456789-_ .TZ+", max_size=60))
def test_any_name_gives_a_time_or_none(anything: str, digits: str) -> None:
    for name in (anything, digits):
        ms = time_in_name(name, UTC)
        assert ms is None or 631_152_000_000 <= ms <= 4_102_444_800_000


def info(created_ms: int | None) -> MediaInfo:
    return MediaInfo(320, 240, 0, 1000, "h264", created_ms, 25.0, None)


def test_start_is_given_or_in_the_container_or_in_the_name_or_the_file_s_age(tmp_path: Path) -> None:
    path = tmp_path / "20261102_080000.mp4"
    path.write_bytes(b"x")
    named = 1_793_577_600_000
    assert start_of(path, info(named + 5), given_ms=7, zone=SHANGHAI) == (7, StartSource.GIVEN)
    made = 1_700_000_000_000
    assert start_of(path, info(made), given_ms=None, zone=SHANGHAI) == (made, StartSource.CONTAINER)
    future = time.time_ns() // 1_000_000 + 3_600_000
    for nonsense in (None, 0, -2_082_844_800_000, 315_532_800_000, future):
        assert start_of(path, info(nonsense), given_ms=None, zone=SHANGHAI) == (named, StartSource.FILENAME)
    plain = path.rename(tmp_path / "clip.mp4")
    os.utime(plain, (1_000_000_000.25, 1_000_000_000.25))
    assert start_of(plain, info(0), given_ms=None, zone=SHANGHAI) == (1_000_000_000_250, StartSource.MTIME)
    with pytest.raises(BadMedia) as caught:
        start_of(tmp_path / "gone.mp4", info(None), given_ms=None, zone=UTC)
    assert caught.value.reason == "missing"


def test_fingerprint_is_of_the_whole_content(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    path = tmp_path / "a"
    path.write_bytes(data)
    assert fingerprint(path) == hashlib.sha256(data).hexdigest()
    for gone in (tmp_path / "gone", tmp_path):
        with pytest.raises(BadMedia):
            fingerprint(gone)
