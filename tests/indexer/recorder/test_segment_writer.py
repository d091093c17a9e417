"""Files of recordings."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from pathlib import Path

from indexer.recorder.segment_writer import PART, files_below
from tests.conftest import ROOT

WITHOUT_DESCRIPTORS = """
import resource, sys
from pathlib import Path
from indexer.recorder.segment_writer import files_below
kept = []
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
try:
    while True:
        kept.append(open("/dev/null"))
except OSError:
    pass
try:
    print(files_below(Path(sys.argv[1]), 1))
except OSError as e:
    print(type(e).__name__, e.errno)
"""


def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / f".a{PART}").touch()
    (tmp_path / ".folder").touch()
    assert files_below(tmp_path, 1) == [tmp_path / "gate" / f".a{PART}"]
    assert files_below(tmp_path / "none", 1) == []
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_DESCRIPTORS, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert ran.stdout.split() == ["OSError", str(errno.EMFILE)]


def test_folders_may_go_while_they_are_looked_into(tmp_path: Path) -> None:
    kept = tmp_path / "gate" / "2026-01-01" / "00" / f".a{PART}"
    kept.parent.mkdir(parents=True)
    kept.touch()
    stop = threading.Event()

    def come_and_go() -> None:
        day = tmp_path / "gate" / "2026-01-02"
        while not stop.is_set():
            (day / "01").mkdir(parents=True)
            (day / "01").rmdir()
            day.rmdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(2000):
            assert files_below(tmp_path, 3) == [kept]
    finally:
        stop.set()
        thread.join()
