"""Files of recordings."""

from __future__ import annotations

import threading
from pathlib import Path

from indexer.recording import PART, files_below


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
            assert files_below(tmp_path, f"*/*/*/.*{PART}") == [kept]
    finally:
        stop.set()
        thread.join()
