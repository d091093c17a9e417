"""A new model without an outage: the command, kills at any moment, and a switch while searches and live rows go on."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from api.composition import open_context
from api.jobs.workers import open_executor
from api.reindex.backfill import IndexSynchronizer, begin
from api.reindex.switch import drop, switch
from api.reindex.verify import verify
from api.runtime.context import AppContext
from indexer.importer.registration import register
from search.catalog.index_types import IndexState, ReindexScope
from search.config import Settings
from search.errors import Conflict
from search.query import Query
from search.types import Row, Vectors
from tests.conftest import SAMPLES, Command, Demo, serving, xunren_process
from tests.live.test_kill_index import Watch, make_recordings
from tests.support.milvus_server import running_milvus
from tests.support.turned import turned_model
from tests.support.waiting import until

SENTENCE = "a man in red"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The second model."""
    return turned_model(tmp_path_factory.mktemp("models") / "turned")


@pytest.fixture
def data(demo: Demo, tmp_path: Path) -> Path:
    """A copy of the sample videos' index."""
    return Path(shutil.copytree(demo.data_dir, tmp_path / "data"))


def contents(data_dir: Path) -> dict[str, tuple[list[Row], Vectors]]:
    """Rows by id and vectors of each index that is there, by state."""
    with open_context(Settings(data_dir=data_dir)) as context:
        found = {}
        for index in context.indexes.written():
            rows, vectors = index.store.sample(100_000)
            order = sorted(range(len(rows)), key=lambda n: rows[n].id)
            assert index.store.count() == len(rows)
            found[index.info.state.value] = ([rows[n] for n in order], vectors[order])
        return found


def states(outcome: Any) -> dict[str, str]:
    return states_of(outcome.json)


def states_of(told: dict[str, Any]) -> dict[str, str]:
    return {index["collection"]: index["state"] for index in told["indexes"]}


def best(xunren: Command, data: Path) -> list[str]:
    outcome = xunren("search", SENTENCE, "--data-dir", data, "--json")
    assert outcome.code == 0, outcome.err
    return [clip["id"] for clip in outcome.json["clips"]]


def test_plan_build_switch_roll_back_and_drop(data: Path, model: str, xunren: Command) -> None:
    before = best(xunren, data)
    here = ("--data-dir", data, "--json")
    planned = xunren("reindex", "--model", model, "--plan", *here)
    assert planned.code == 0, planned.err
    rows = sum(s["rows"] for s in json.loads(xunren("index", SAMPLES, *here).out)["segments"]) or planned.json["rows"]
    assert planned.json["rows"] == rows > 50
    assert planned.json["segments"] == planned.json["segments_left"] == 4
    assert 0 < planned.json["seconds_min"] <= planned.json["seconds_max"]
    assert planned.json["bytes_new"] > rows * planned.json["dim"] * 4
    assert states(xunren("reindex", "status", *here)) == {"xunren": "live"}

    built = xunren("reindex", "--model", model, *here)
    assert built.code == 0, built.err
    assert states(built) == {"xunren": "live", "xunren_2": "ready"}
    found = contents(data)
    assert found["live"][0] == found["ready"][0]
    assert not np.allclose(found["live"][1], found["ready"][1], atol=0.1)
    assert xunren("reindex", "--model", "xunren-small", *here).code == 1  # it answers already
    assert xunren("reindex", "rollback", *here).code == 1  # the other one never answered

    for _ in range(2):  # the second time, as after a kill, there is nothing left to do
        switched = xunren("reindex", "switch", *here)
        assert states(switched) == {"xunren": "old", "xunren_2": "live"}, switched.err
    assert best(xunren, data)[:3] == before[:3]
    for _ in range(2):
        assert states(xunren("reindex", "rollback", *here)) == {"xunren": "live", "xunren_2": "old"}
    assert best(xunren, data) == before
    assert states(xunren("reindex", "switch", *here)) == {"xunren": "old", "xunren_2": "live"}
    assert states(xunren("reindex", "drop", *here)) == {"xunren_2": "live"}
    assert best(xunren, data)[:3] == before[:3]
    assert "Model" not in xunren("doctor", "--deep", "--data-dir", data).err
    again = xunren("reindex", "--model", "xunren-small", *here)
    assert states(again) == {"xunren_2": "live", "xunren_3": "ready"}, again.err


def test_a_part_of_the_recordings_is_not_switched_to(data: Path, model: str, xunren: Command) -> None:
    here = ("--data-dir", data, "--json")
    part = xunren("reindex", "--model", model, "--camera", "gate", *here)
    assert [i["done"] for i in part.json["indexes"] if i["state"] == "ready"] == [1]
    refused = xunren("reindex", "switch", *here)
    assert refused.code == 1
    assert "a part of the recordings" in " ".join(refused.err.split())
    assert xunren("reindex", "--model", model, *here).code == 0
    assert xunren("reindex", "switch", *here).code == 0
    assert xunren("reindex", "--model", model, "--camera", "nowhere", *here).code == 1


def test_a_running_process_hears_that_all_is_wanted_after_a_part(data: Path, model: str) -> None:
    with open_context(Settings(data_dir=data)) as context:
        refiller, never = IndexSynchronizer(context), threading.Event()
        for scope, done in ((ReindexScope(cameras=("gate",)), 1), (ReindexScope(), 4)):
            index = begin(context, model, scope)
            until(lambda: not refiller.step(never) and context.catalog.indexes.all()[1].state is IndexState.READY, 60)
            assert context.catalog.backfill.progress(context.catalog.indexes.all()[1]).done == done
        assert index.collection == "xunren_2"


def test_rows_that_the_new_index_is_not_to_have_yet_are_nothing_wrong(data: Path, model: str) -> None:
    with open_context(Settings(data_dir=data)) as context:
        begin(context, model, ReindexScope())
        while IndexSynchronizer(context).step(threading.Event()):
            pass
        live = context.indexes.active
        rows, vectors = live.store.sample(1000)
        begun = [replace(row, id=f"begun{n:02}", segment_id="begun") for n, row in enumerate(rows[:60])]
        live.store.upsert(begun, vectors[:60])
        live.store.flush()
        assert verify(context, context.catalog.indexes.all()[1]) == []
        assert states_of(switch(context)) == {"xunren": "old", "xunren_2": "live"}


def test_what_is_wrong_is_named_and_not_switched_to(data: Path, model: str, xunren: Command, tmp_path: Path) -> None:
    with open_context(Settings(data_dir=data)) as context:
        segment = next(s for s in context.catalog.segments.reports()).segment
        index = begin(context, model, ReindexScope())
        while IndexSynchronizer(context).step(threading.Event()):
            pass
        index = context.catalog.indexes.all()[1]
        assert (index.state, verify(context, index)) == (IndexState.READY, [])
        _, other = context.indexes.written()
        lost = sorted(other.store.ids(segment.id))[0]
        rows, vectors = other.store.get([lost])
        other.store.delete_segment(segment.id, keep=other.store.ids(segment.id) - {lost})
        assert [segment.id in said for said in verify(context, index)][:1] == [True]
        other.store.upsert(rows, vectors)
        assert verify(context, index) == []
        rows, vectors = other.store.sample(100_000)
        other.store.upsert(rows, np.roll(vectors, 1, axis=0))  # every row has the vector of another one
        assert ["not have the vector of their image" in said for said in verify(context, index)] == [True]
        with pytest.raises(Conflict, match="does not hold what it should"):
            switch(context)
    assert xunren("reindex", "drop", "--data-dir", data).code == 0


def test_a_recording_that_is_gone_is_named_and_may_be_put_back(
    demo: Demo, data: Path, model: str, xunren: Command, tmp_path: Path
) -> None:
    here = ("--data-dir", data, "--json")
    video = Path(shutil.copytree(SAMPLES / "gate", tmp_path / "gate")) / "gate.mp4"
    assert xunren("index", video, "--camera", "gate", *here).code == 0  # known, but it lies here now
    away = video.rename(tmp_path / "away.mp4")
    built = xunren("reindex", "--model", model, *here)
    assert (built.code, str(video) in "".join(built.err.split())) == (1, True)
    assert "could not be indexed again" in built.err
    assert xunren("reindex", "switch", *here).code == 1
    away.rename(video)
    assert xunren("reindex", "--model", model, *here).code == 0
    assert xunren("reindex", "switch", *here).code == 0


def test_no_restart_undoes_a_switch_and_a_third_model_is_refused(
    data: Path, model: str, xunren: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert xunren("reindex", "--model", model, "--data-dir", data).code == 0
    assert xunren("reindex", "switch", "--data-dir", data).code == 0
    for setting in ("xunren-small", model):
        monkeypatch.setenv("XUNREN_MODEL", setting)
        with open_context(Settings(data_dir=data, model=setting)) as context:
            assert context.embedder.label.startswith("turned@")
    third = turned_model(tmp_path / "third", seed=2)
    monkeypatch.setenv("XUNREN_MODEL", third)
    assert "made with another model" in xunren("search", SENTENCE, "--data-dir", data).err
    monkeypatch.setenv("XUNREN_MODEL", model)
    assert "a second index of another model" in xunren("reindex", "--model", third, "--data-dir", data).err


def test_on_a_server_two_processes_switch_at_once(tmp_path: Path, model: str) -> None:
    with running_milvus(tmp_path) as uri:
        settings = Settings(data_dir=tmp_path / "data", store_uri=uri, timezone="UTC")
        with open_context(settings) as context, open_context(settings) as other:
            zone, megapixels = context.zone, context.settings.max_megapixels
            paths = [SAMPLES / "gate"]
            register(context.catalog, paths, camera_id=None, start_ms=None, zone=zone, max_megapixels=megapixels)
            with open_executor(context) as executor:
                assert [report.state for report in executor.run()] == ["indexed"]
            before = other.engine.search(Query(SENTENCE))
            begin(context, model, ReindexScope())
            while IndexSynchronizer(other).step(threading.Event()):  # the other one does the work
                pass
            switch(context)
            assert other.engine.search(Query(SENTENCE)).clips
            assert other.embedder.label == context.embedder.label != context.settings.model
            assert other.indexes.page(before.id, 0, 1).clips == before.clips[:1]  # of before the switch
            old, live = other.indexes.written()
            assert old.store.ids() == live.store.ids()
            drop(context)
            assert other.engine.search(Query(SENTENCE)).clips
            until(lambda: len(other.indexes.written()) == 1)


def test_a_process_that_cannot_load_the_new_model_goes_on_with_the_old_one(tmp_path: Path, model: str) -> None:
    weights = Path(shutil.copytree(model.removeprefix("local-dir:"), tmp_path / "model"))
    with running_milvus(tmp_path) as uri:
        settings = Settings(data_dir=tmp_path / "data", store_uri=uri, timezone="UTC")
        with open_context(settings) as context, open_context(settings) as other:
            zone, largest = context.zone, context.settings.max_megapixels

            def index(where: AppContext, camera: str) -> None:
                film = [SAMPLES / camera]
                register(where.catalog, film, camera_id=None, start_ms=None, zone=zone, max_megapixels=largest)
                with open_executor(where) as executor:
                    assert [report.state for report in executor.run()] == ["indexed"]

            index(context, "gate")
            old = context.embedder.label
            begin(context, f"local-dir:{weights}", ReindexScope())
            weights.rename(tmp_path / "elsewhere")  # from here on no other process finds it
            index(other, "street")
            assert len(other.indexes.written()) == 1
            while IndexSynchronizer(context).step(threading.Event()):
                pass
            switch(context)
            assert context.embedder.label != other.embedder.label == old
            assert {clip.camera_id for clip in other.engine.search(Query(SENTENCE, limit=20)).clips} == {
                "gate",
                "street",
            }
            assert {row.camera_id for row in context.store.sample(1000)[0]} == {"gate", "street"}


KILLS = 12


def _killed(data: Path, moment: int, seconds: float, *words: object) -> bool:
    """Run a command and kill it after so many changes of files, or seconds. Returns whether it was still running."""
    watch, began = Watch(data), time.monotonic()
    with xunren_process("reindex", *words, "--data-dir", data) as process:
        while process.poll() is None:
            watch.look()
            if watch.changes >= moment or time.monotonic() - began > seconds:
                process.kill()
                return True
            time.sleep(0.003)
    return False


def test_killed_at_any_moment_it_ends_with_every_row_once(tmp_path: Path, model: str, xunren: Command) -> None:
    recordings, data = make_recordings(tmp_path / "videos"), tmp_path / "data"
    here = ("--data-dir", data, "--json")
    assert xunren("index", recordings, *here).code == 0
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    steps: list[tuple[object, ...]] = [("--model", model), ("switch",), ("drop",)]
    for step in steps:
        left = KILLS if step[0] == "--model" else KILLS // 4
        while left and _killed(data, moments.randint(2, 40), moments.uniform(1, 12), *step):
            left -= 1
        shown = states(xunren("reindex", "status", *here))
        if step[0] == "--model":
            assert xunren("reindex", *step, *here).code == 0
            found = contents(data)
            assert found["live"][0] == found["ready"][0]
            built = found["ready"]
        elif (step[0] == "switch" and shown["xunren_2"] != "live") or (step[0] == "drop" and "xunren" in shown):
            assert xunren("reindex", *step, *here).code == 0
    assert states(xunren("reindex", "status", *here)) == {"xunren_2": "live"}
    rows, vectors = contents(data)["live"]
    assert (rows, len(rows) > 30) == (built[0], True)
    np.testing.assert_allclose(vectors, built[1], atol=1e-4)
    assert not (data / "vectors.db" / "collections" / "xunren").exists()


@dataclass
class Load:
    """Searches about ten a second, from four threads, until stopped."""

    url: str
    stop: threading.Event = field(default_factory=threading.Event)
    answered: int = 0
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def has(self, answered: int) -> bool:
        """Whether so many were answered by now."""
        return self.answered >= answered

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=120) as client:
            while not self.stop.wait(0.4):
                try:
                    answer = client.post("/api/search", json={"query": SENTENCE, "limit": 2})
                    page = client.get(f"/api/search/{answer.json().get('id')}", params={"offset": 2, "limit": 2})
                except httpx.HTTPError as e:
                    with self.lock:
                        self.faults.append(repr(e))
                    continue
                with self.lock:
                    self.answered += 1
                    for one in (answer, page):
                        if one.status_code != 200 or not one.json()["clips"]:
                            self.faults.append(one.text)


@contextmanager
def loaded(data: Path) -> Iterator[Load]:
    """A server over an index, under load."""
    with serving(data) as (url, _):
        load = Load(url)
        threads = [threading.Thread(target=load.run, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        yield load
        load.stop.set()
        for thread in threads:
            thread.join(timeout=120)


def arrive(data: Path, pieces: list[Path]) -> list[int]:
    """New recordings come one after another; how `xunren index` ended for each."""
    codes = []
    for piece in pieces:
        words = ("index", piece, "--camera", f"new-{piece.parent.name}", "--data-dir", data)
        with xunren_process(*words) as process:
            process.communicate(timeout=300)
            codes.append(process.returncode)
    return codes


def test_under_load_no_search_fails_and_no_row_is_missing(
    data: Path, model: str, tmp_path: Path, xunren: Command
) -> None:
    here = ("--data-dir", data, "--json")
    pieces = sorted(make_recordings(tmp_path / "videos").rglob("*.mp4"))
    with loaded(data) as load, ThreadPoolExecutor(1) as pool:
        arriving = pool.submit(arrive, data, pieces)
        with xunren_process("reindex", "--model", model, *here) as process:
            _, err = process.communicate(timeout=400)
        assert process.returncode == 0, err
        for step, live in (("switch", "xunren_2"), ("rollback", "xunren"), ("switch", "xunren_2")):
            enough = load.answered + 10
            outcome = xunren("reindex", step, *here)
            assert states(outcome).get(live) == "live", outcome.err
            until(partial(load.has, enough), 120)
        assert arriving.result(timeout=400) == [0] * len(pieces)
        until(lambda: not any(i["missing"] for i in xunren("reindex", "status", *here).json["indexes"]), 60)
    assert load.faults == []
    assert load.answered > 30
    found = contents(data)
    assert found["old"][0] == found["live"][0]
    assert len(found["live"][0]) == xunren("status", *here).json["rows"]
    assert {row.camera_id for row in found["live"][0]} > {"new-gate", "new-street"}
    with serving(data) as (url, _):
        dropped = httpx.post(f"{url}/api/reindex/drop", json={}, timeout=60)
        assert [index["state"] for index in dropped.json()["indexes"]] == ["live"]
        assert httpx.post(f"{url}/api/search", json={"query": SENTENCE}, timeout=60).json()["clips"]
