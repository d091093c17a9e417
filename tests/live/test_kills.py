"""Killed with -9 in the middle of the work, as processes of their own: nothing is lost, and what is behind is said."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.cameras import CameraServer
from search.stream_types import Reason, StreamState
from search.times import now_ms
from search.types import SegmentState
from tests.conftest import ENVIRON, ROOT, xunren_process
from tests.support.recorder import QUICK, Station, decoded
from tests.support.waiting import until

QUICK_ENVIRON = {f"XUNREN_{name.upper()}": str(value) for name, value in QUICK.items()}


@contextmanager
def running(place: Station, *command: object) -> Iterator[subprocess.Popen[str]]:
    """`xunren COMMAND` over the station's folder; ended by SIGTERM if it still runs (some shells ignore Ctrl-C's)."""
    os.environ.update(QUICK_ENVIRON)
    ENVIRON.update(QUICK_ENVIRON)
    process = xunren_process("--data-dir", place.settings.data_dir, *command)
    try:
        yield process
    finally:
        for name in QUICK_ENVIRON:
            os.environ.pop(name)
            ENVIRON.pop(name)
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=40)
        finally:
            process.kill()


def has_files(place: Station, count: int) -> bool:
    return len(place.files("good")) >= count


def has_open_file(place: Station, written_ms: int) -> bool:
    """Return whether the file that is being written is so long by now."""
    health = place.health("good")
    return health is not None and 0 < health.open_since_ms < now_ms() - written_ms


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def test_a_recorder_that_is_killed_loses_at_most_a_second(place: Station, cameras: CameraServer) -> None:
    place.add("good", cameras.url("good"))
    for n in range(3):
        with running(place, "record") as process:
            until(partial(has_files, place, 4 * n + 2))
            until(lambda: has_open_file(place, 1300))
            newest = place.health("good")
            killed(process)
            dead = now_ms()
        time.sleep(1)  # the disturbance: so long nobody records
    with running(place, "record"):
        until(lambda: place.files("good")[-1].start_ms > dead)
    assert newest is not None
    assert place.unexplained("good") == []
    saved = max(f.end_ms for f in place.files("good") if f.start_ms < dead)
    assert dead - saved < 2500, "what was written before the kill is there, up to the last second"
    assert all(decoded(file) for file in place.files("good"))
    gaps = [g for g in place.gaps("good") if g.start_ms > place.files("good")[0].start_ms]
    assert {g.reason for g in gaps} <= {Reason.NOT_RUNNING, Reason.NOT_CONNECTED}
    assert not list(place.settings.recordings_dir.rglob("*.part"))


def test_files_that_the_catalogue_was_not_told_of_are_taken_up(place: Station, cameras: CameraServer) -> None:
    place.add("good", cameras.url("good"))
    with place.recording():
        until(lambda: len(place.files("good")) > 2)
    before = place.files("good")
    with closing(sqlite3.connect(place.settings.data_dir / "catalog.sqlite")) as db, db:
        db.execute("DELETE FROM segments WHERE id = ?", [before[-1].id])
    assert before[-1].id not in place.catalog.segments.by_id([before[-1].id])
    with place.recording():
        until(lambda: len(place.files("good")) > len(before))
    again = {f.id: f for f in place.files("good")}[before[-1].id]
    assert (again.path, again.start_ms) == (before[-1].path, before[-1].start_ms)
    assert again.duration_ms == before[-1].duration_ms or abs(again.duration_ms - before[-1].duration_ms) <= 40


def test_an_indexer_that_is_killed_catches_up_newest_first(place: Station, cameras: CameraServer) -> None:
    place.add("good", cameras.url("good"))
    with place.recording():
        with running(place, "index", "--follow") as indexer:
            until(lambda: place.catalog.segments.states().get(SegmentState.INDEXED, 0) > 2)
            killed(indexer)
        until(lambda: place.catalog.segments.states().get(SegmentState.PENDING, 0) > 15)
        backlog = place.catalog.coverage.backlog(now_ms())
        assert backlog.seconds > 25, "it says how far behind it is"
        with running(place, "index", "--follow"):
            until(lambda: place.catalog.segments.states().get(SegmentState.PENDING, 0) < 3)
    with running(place, "index", "--follow"):
        until(lambda: set(place.catalog.segments.states()) == {SegmentState.INDEXED})
    rows = place.catalog.coverage.recordings(0, 10**13, ["good"])
    assert {state for _, state, _ in rows} == {SegmentState.INDEXED}
    assert place.unexplained("good") == []
    assert all(report["seen"] == report["indexed"] + sum(report["skipped"].values()) for _, _, report in rows)


def test_a_full_disk_stops_recording_cleanly_and_it_recovers(tmp_path: Path, cameras: CameraServer) -> None:
    """On a small file system of its own, which only root of a user namespace can mount."""
    command = ["unshare", "-rm", sys.executable, "-m", "tests.support.full_disk", str(tmp_path), cameras.url("good")]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRON, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["reserve"]["told"] == StreamState.DISK_FULL, "the alarm, while there is room for the catalogue"
    for case in told.values():
        assert case["answers"] is True
        assert case["unexplained"] == []
        assert case["disk_full_ms"] > 2000
        assert case["after"] == [StreamState.RECORDING]
        assert case["decodes"] is True
