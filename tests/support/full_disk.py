"""Records onto a tiny file system until it is full, frees it, and prints what happened; run inside `unshare -rm`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from search.stream_types import Reason, StreamState
from tests.support.recorder import decoded, station
from tests.support.waiting import until

MIB = 2**20


def main(folder: Path, url: str) -> None:
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)], check=True)
    told = {"reserve": filled(disk / "a", url, min_free_mib=12, leave_mib=8)}
    told["last byte"] = filled(disk / "b", url, min_free_mib=0, leave_mib=0)
    print(json.dumps(told))


def filled(folder: Path, url: str, *, min_free_mib: float, leave_mib: float) -> dict[str, Any]:
    """Record, fill the disk but for `leave_mib`, wait, free it, record on."""
    states: set[str] = set()
    with station(folder, min_free_gib=min_free_mib / 1024) as place, place.recording() as recorder:
        place.add("cam", url)
        until(lambda: len(place.files("cam")) > 1)
        before = len(place.files("cam"))
        ballast = folder / "ballast"
        fill(ballast, leave_mib)
        until(lambda: recorder.health()[0].state is StreamState.DISK_FULL)
        time.sleep(4)  # the disturbance: so long the disk is full
        told = place.state("cam")
        answers = len(place.files("cam")) >= before
        ballast.unlink()
        known = len(place.files("cam"))
        until(lambda: len(place.files("cam")) > known + 2)
        states.add(str(recorder.health()[0].state))
        gaps = [g for g in place.gaps("cam") if g.reason is Reason.DISK_FULL]
        return {
            "told": told,
            "answers": answers,
            "after": sorted(states),
            "unexplained": place.unexplained("cam"),
            "disk_full_ms": sum(g.end_ms - g.start_ms for g in gaps),
            "decodes": all(decoded(f) for f in place.files("cam")),
        }


def fill(ballast: Path, leave_mib: float) -> None:
    """Write until so much is left, or, for 0, to the last byte."""
    with ballast.open("wb", buffering=0) as f:
        try:
            while not leave_mib or shutil.disk_usage(ballast.parent).free > leave_mib * MIB:
                f.write(b"\0" * 65536)
        except OSError:
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
