"""Several recorders as processes share cameras and take over from the dead; every second is accounted for."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.cameras import CameraServer
from search.catalog.camera_leases import CameraLeases
from search.coverage.accounting import account
from search.stream_types import Reason
from search.times import now_ms
from tests.conftest import ENVIRON, xunren_process
from tests.support.postgres_server import Postgres, running_postgres
from tests.support.recorder import QUICK, Station, decoded, station
from tests.support.waiting import until

QUICK_ENVIRON = ENVIRON | {f"XUNREN_{name.upper()}": str(value) for name, value in QUICK.items()}
CAMERAS = ("bad", "good")


@contextmanager
def recorder(place: Station, data_dir: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """`xunren record` over the station's catalogue, into its folder or another one."""
    environ = QUICK_ENVIRON | {"XUNREN_CATALOG_URL": place.settings.catalog_url}
    environ |= {"XUNREN_SECRET_KEY": place.settings.secret_key}
    with ExitStack() as stack:
        process = xunren_process("record", "--data-dir", data_dir or place.settings.data_dir, environ=environ)
        stack.callback(process.communicate)
        stack.callback(process.kill)
        stack.callback(process.wait, 40)
        stack.callback(process.terminate)
        stack.callback(process.send_signal, signal.SIGCONT)
        yield process


def holders(place: Station) -> dict[str, int]:
    """Camera -> process id of its live holder."""
    found = CameraLeases(place.catalog.database, "test", "", "", 1).holders()
    return {one.camera_id: int(one.shown.rsplit(":", 1)[1]) for one in found if one.alive}


def shared_by(place: Station, *processes: subprocess.Popen[str]) -> bool:
    """Whether each of the two cameras is recorded, by as many of the processes."""
    return set(holders(place).values()) == {one.pid for one in processes} and len(holders(place)) == 2


def grown(place: Station, before: dict[str, int], files: int) -> bool:
    return all(len(place.files(camera)) >= before[camera] + files for camera in CAMERAS)


def counted(place: Station) -> dict[str, int]:
    return {camera: len(place.files(camera)) for camera in CAMERAS}


def check_whole(place: Station) -> None:
    """Every second is recorded or missing for a reason, none is both, and all files play."""
    for camera in CAMERAS:
        assert place.unexplained(camera) == []
        assert all(decoded(file) for file in place.files(camera))
    for line in account(place.catalog, 0, now_ms(), now_ms()):
        told = line.as_dict()
        explained = told["recorded_s"] + sum(told["missing_s"].values())
        assert explained == pytest.approx(told["expected_s"], abs=0.01)


@pytest.fixture
def shared(place: Station, cameras: CameraServer) -> Station:
    for camera in CAMERAS:
        place.add(camera, cameras.url(camera))
    return place


def test_two_recorders_share_and_the_one_left_takes_over(shared: Station) -> None:
    with recorder(shared) as first, recorder(shared) as second:
        until(lambda: shared_by(shared, first, second))
        until(lambda: grown(shared, dict.fromkeys(CAMERAS, 0), 2))
        first.kill()
        first.wait()
        before = counted(shared)
        until(lambda: shared_by(shared, second))
        until(lambda: grown(shared, before, 2))
    check_whole(shared)
    gaps = {gap.reason for camera in CAMERAS for gap in shared.gaps(camera)}
    assert gaps <= {Reason.NOT_RUNNING, Reason.NOT_CONNECTED, Reason.NOT_YET}
    assert list(shared.settings.recordings_dir.rglob(".*.part")) == []


def test_one_that_was_frozen_gives_way(shared: Station) -> None:
    with recorder(shared) as first, recorder(shared) as second:
        until(lambda: shared_by(shared, first, second))
        until(lambda: grown(shared, dict.fromkeys(CAMERAS, 0), 1))
        os.kill(first.pid, signal.SIGSTOP)
        until(lambda: shared_by(shared, second))
        before = counted(shared)
        until(lambda: grown(shared, before, 1))
        os.kill(first.pid, signal.SIGCONT)
        until(lambda: shared_by(shared, first, second))  # it is asked back in
        before = counted(shared)
        until(lambda: grown(shared, before, 2))
    check_whole(shared)


def test_what_a_dead_machine_left_is_saved_when_it_is_back(
    tmp_path: Path, cameras: CameraServer, postgres: Postgres
) -> None:
    url = postgres.new()
    with station(tmp_path, catalog_url=url, secret_key="Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE=") as place:
        for camera in CAMERAS:
            place.add(camera, cameras.url(camera))
        other = tmp_path / "other"
        with recorder(place, other) as first:
            until(lambda: grown(place, dict.fromkeys(CAMERAS, 0), 1))
            first.kill()
            first.wait()
        left = list(other.rglob(".*.part"))
        assert left
        with recorder(place) as second:
            until(lambda: shared_by(place, second))
            with recorder(place, other):
                until(lambda: not any(part.exists() for part in left))
        check_whole(place)
    postgres.drop(url)


def test_while_the_database_is_away_recording_goes_on(tmp_path: Path, cameras: CameraServer) -> None:
    with running_postgres() as server, station(tmp_path, catalog_url=server.new()) as place:
        for camera in CAMERAS:
            place.add(camera, cameras.url(camera))
        folder = place.settings.recordings_dir
        with recorder(place) as one:
            until(lambda: grown(place, dict.fromkeys(CAMERAS, 0), 1))
            server.stop()
            there = len(list(folder.rglob("*.mp4")))
            until(lambda: len(list(folder.rglob("*.mp4"))) >= there + 6)  # longer than a lease
            assert one.poll() is None
            server.start()
            until(lambda: sum(counted(place).values()) >= there + 6)
            until(lambda: shared_by(place, one))  # its leases ran out meanwhile; they are renewed after the files
        check_whole(place)
