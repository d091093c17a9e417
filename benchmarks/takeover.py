"""How soon a dead recorder's cameras are recorded by another one: two recorders, one killed with -9 again and again.

Simulated cameras over RTSP, a SQLite catalogue, default settings. Measured of each camera of the killed recorder:
seconds from the kill to the first frame that another recorder stored, as the catalogue's files tell it. A killed
recorder is started again, and the next round begins when both hold cameras again.

    python -m benchmarks.takeover [--cameras 6] [--kills 5]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cameras import CameraServer, make_media
from benchmarks.run import Metric, publish
from search.catalog.camera_leases import CameraLeases
from search.config import Settings
from search.times import now_ms
from tests.conftest import xunren_process
from tests.support.recorder import Station, station, until


def _holders(place: Station) -> dict[str, int]:
    found = CameraLeases(place.catalog.database, "benchmark", "", "", 1).holders()
    return {one.camera_id: int(one.shown.rsplit(":", 1)[1]) for one in found if one.alive}


def _first_after(place: Station, camera: str, moment: int) -> int | None:
    """Start (Unix ms) of the camera's first file that was begun after a moment, with a second for clocks."""
    starts = [file.start_ms for file in place.files(camera) if file.start_ms > moment]
    return min(starts, default=None)


def measured(place: Station, kills: int) -> list[float]:
    """Seconds of each camera and kill."""

    def start() -> subprocess.Popen[str]:
        return xunren_process("record", "--data-dir", place.settings.data_dir)

    running = [start(), start()]
    found: list[float] = []
    try:
        for n in range(kills):
            until(lambda: set(_holders(place).values()) == {one.pid for one in running}, 120)
            time.sleep(25)  # both have closed files of all their cameras
            victim = running.pop(n % 2)
            theirs = [camera for camera, pid in _holders(place).items() if pid == victim.pid]
            killed = now_ms()
            victim.kill()
            victim.communicate()
            until(lambda cs=theirs, at=killed: all(_first_after(place, c, at) for c in cs), 120)  # type: ignore[misc]
            found += [((_first_after(place, camera, killed) or 0) - killed) / 1000 for camera in theirs]
            print(n, sorted(round(one, 1) for one in found), flush=True)
            running.insert(n % 2, start())
    finally:
        for one in running:
            one.terminate()
            one.communicate()
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cameras", type=int, default=6)
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args(arguments)
    names = [f"cam-{n}" for n in range(given.cameras)]
    with tempfile.TemporaryDirectory() as folder:
        media = make_media(Path(folder), width=320, height=180)
        s = Settings()
        usual = {name: getattr(s, name) for name in ("segment_s", "stream_timeout_s", "retry_s", "camera_lease_s")}
        with CameraServer(dict.fromkeys(names, media)) as server, station(Path(folder), **usual) as place:
            for name in names:
                place.add(name, server.url(name))
            seconds = measured(place, given.kills)
            unexplained = sum(len(place.unexplained(name)) for name in names)
    metrics = [
        Metric("takeovers", len(seconds), ""),
        Metric("median", statistics.median(seconds), "s"),
        Metric("longest", max(seconds), "s"),
        Metric("stretches that are neither recorded nor a gap with a reason", unexplained, ""),
    ]
    parameters = {"cameras": given.cameras, "kills": given.kills, "lease_s": s.camera_lease_s}
    publish("takeover", parameters, metrics)


if __name__ == "__main__":
    main()
