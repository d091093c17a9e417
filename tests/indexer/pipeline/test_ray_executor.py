"""Workers on a real Ray, with a real Milvus server: the same rows as threads make, whoever is killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray

from api.composition import open_context
from api.jobs.workers import open_executor, open_worker
from api.runtime.context import AppContext
from indexer.importer.registration import register
from indexer.pipeline.ray_executor import RayExecutor
from search.config import Settings, check_addresses
from search.errors import BadInput, Unavailable
from search.times import zone_of
from search.types import Segment, SegmentReport
from tests.conftest import SAMPLES, Demo
from tests.support.postgres_server import Postgres
from tests.support.waiting import until


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    """One start for all tests; on a busy machine it takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HUB_OFFLINE", "RAY_gcs_server_port_wait_time_s"):
            patch.setenv(name, "180" if name.startswith("RAY") else "1")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture
def many(milvus: str, postgres: Postgres, tmp_path: Path) -> Iterator[AppContext]:
    """The parts of a place with workers on Ray; its collection is its own."""
    catalog_url = postgres.new()
    settings = Settings(
        data_dir=tmp_path, store_uri=milvus, catalog_url=catalog_url, executor="ray", ray_workers=2, timezone="UTC"
    )
    with open_context(settings) as context:
        yield context
    postgres.drop(catalog_url)


def enter(context: AppContext, *paths: Path) -> None:
    register(context.catalog, paths, camera_id=None, start_ms=None, zone=zone_of("UTC"), max_megapixels=17)


def undisturbed(demo: Demo) -> set[str]:
    """The rows that threads make of the sample videos."""
    with open_context(Settings(data_dir=demo.data_dir)) as context:
        return context.store.ids()


def work(context: AppContext, seen: list[Segment] | None = None) -> list[SegmentReport]:
    def progress(segment: Segment, _: int) -> None:
        if seen is not None:
            seen.append(segment)

    with open_executor(context) as executor:
        assert isinstance(executor, RayExecutor)
        return list(executor.run(progress))


def actors() -> list[psutil.Process]:
    """Ray's processes of ours that do something."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one, too
            if "ray::_Actor" in " ".join(one.cmdline()):
                found.append(one)
    return found


def test_the_same_rows_as_threads_make(many: AppContext, demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> None:
    enter(many, SAMPLES)
    seen: list[Segment] = []
    reports = work(many, seen)
    assert sorted(report.state for report in reports) == ["indexed"] * 4
    assert {segment.id for segment in seen} == {report.segment.id for report in reports}
    ids = many.store.ids()
    assert ids == undisturbed(demo)
    assert many.store.count() == len(ids) == sum(report.rows for report in reports)
    until(lambda: actors() == [])  # Ray kills them a moment later
    assert work(many) == [], "nothing is left"


def test_a_worker_that_is_killed_loses_nothing(many: AppContext, demo: Demo) -> None:
    enter(many, SAMPLES)
    killed: list[int] = []

    def kill(_segment: Segment, _offset_ms: int) -> None:  # the first word of a segment comes on any machine
        if len(killed) < 2:
            victim = actors()[0].pid
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    with open_executor(many) as executor:
        reports = list(executor.run(kill))
    assert len(set(killed)) == 2
    assert sorted(report.segment.camera_id for report in reports) == ["gate", "hall", "square", "street"]
    assert many.store.ids() == undisturbed(demo)
    assert many.store.count() == len(many.store.ids())
    assert {report.state for report in many.catalog.segments.reports()} == {"indexed"}


def test_they_go_on_with_what_comes_until_they_are_told(many: AppContext) -> None:
    until = threading.Event()
    found: list[SegmentReport] = []
    with open_executor(many) as executor:
        for report in _both(executor.run(until=until), many):
            found.append(report)
            if len(found) == 2:
                until.set()
    assert [report.segment.camera_id for report in found] == ["gate", "hall"]


def _both(reports: Iterator[SegmentReport], context: AppContext) -> Iterator[SegmentReport]:
    enter(context, SAMPLES / "gate")
    for number, report in enumerate(reports):
        if number == 0:
            enter(context, SAMPLES / "hall")
        yield report


def test_who_stops_in_the_middle_gives_the_leases_back(many: AppContext, tmp_path: Path) -> None:
    for n in range(6):  # more than are done by the first report, on any machine
        shutil.copytree(SAMPLES / "gate", tmp_path / "films" / f"gate-{n}")
        shutil.copytree(SAMPLES / "street", tmp_path / "films" / f"street-{n}")
    enter(many, tmp_path / "films")
    with open_executor(many) as executor:
        reports = executor.run()
        next(reports)
        reports.close()
    states = many.catalog.segments.states()
    assert states.get("leased", 0) == 0
    assert states["pending"] + states["indexed"] == 12
    until(lambda: actors() == [])  # Ray kills them a moment later


@ray.remote(num_cpus=3)
class Busy:
    def is_there(self) -> bool:
        return True


def test_a_worker_that_finds_no_core_gets_that_of_one_that_has_ended(many: AppContext) -> None:
    busy = Busy.remote()  # type: ignore[attr-defined]
    assert ray.get(busy.is_there.remote())
    enter(many, SAMPLES / "gate")
    ended: list[SegmentReport] = []
    thread = threading.Thread(target=lambda: ended.extend(work(many)), daemon=True)
    thread.start()
    try:
        until(lambda: not thread.is_alive())
    finally:
        ray.kill(busy)
    assert [report.state for report in ended] == ["indexed"]


def test_more_workers_than_the_cluster_can_ever_hold_are_refused(many: AppContext) -> None:
    for changes, words in (({"ray_workers": 9}, "fewer CPUs than workers; got: 4"), ({"device": "cuda"}, "fewer GPUs")):
        with pytest.raises(Unavailable, match=words):
            list(RayExecutor(many.settings.model_copy(update=changes), many.catalog, open_worker).run())


def test_an_actors_own_error_is_told_as_it_is(many: AppContext) -> None:
    enter(many, SAMPLES / "gate")
    broken = many.settings.model_copy(update={"store_uri": "http://127.0.0.1:1"})
    with pytest.raises(Unavailable, match="vector store cannot be opened"):
        list(RayExecutor(broken, many.catalog, open_worker).run())


LITE = Settings(executor="ray")
SERVER = Settings(executor="ray", store_uri="http://host:19530")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (LITE, "Milvus Lite file belongs to one"),
        (LITE.model_copy(update={"store_uri": "./milvus.db"}), "Milvus Lite file belongs to one"),
        (SERVER.model_copy(update={"ray_address": "head:6379"}), "cannot share a SQLite file"),
        (Settings(ray_address="head:6379"), "of no use to threads"),
        (Settings(ray_workers=3), "of no use to threads"),
    ],
)
def test_addresses_that_contradict_each_other_are_refused(settings: Settings, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        check_addresses(settings)
    assert refused.value.cure
    with pytest.raises(BadInput, match=words), open_context(settings.model_copy(update={"data_dir": tmp_path / "x"})):
        pytest.fail("it opened")
    assert not (tmp_path / "x").exists()


def test_a_cluster_that_is_not_there_is_named(many: AppContext) -> None:
    ray.shutdown()
    lost = many.settings.model_copy(update={"ray_address": "127.0.0.1:1"})
    with pytest.raises(Unavailable, match="cluster does not answer"):
        list(RayExecutor(lost, many.catalog, open_worker).run())
