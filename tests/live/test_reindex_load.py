"""A new model without an outage: built, switched, rolled back and dropped while searches and new recordings go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.conftest import Command, serving, xunren_process
from tests.support.kills import make_recordings
from tests.support.reindex import SENTENCE, contents, states
from tests.support.waiting import until


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


@pytest.mark.timeout(1800)  # on a busy machine
def test_under_load_no_search_fails_and_no_row_is_missing(
    demo_copy: Path, second_model: str, tmp_path: Path, xunren: Command
) -> None:
    data = demo_copy
    here = ("--data-dir", data, "--json")
    pieces = sorted(make_recordings(tmp_path / "videos").rglob("*.mp4"))
    with loaded(data) as load, ThreadPoolExecutor(1) as pool:
        arriving = pool.submit(arrive, data, pieces)
        with xunren_process("reindex", "--model", second_model, *here) as process:
            _, err = process.communicate(timeout=400)
        assert process.returncode == 0, err
        for step, live in (("switch", "xunren_2"), ("rollback", "xunren"), ("switch", "xunren_2")):
            enough = load.answered + 10
            outcome = xunren("reindex", step, *here)
            assert states(outcome.json).get(live) == "live", outcome.err
            until(partial(load.has, enough))
        assert arriving.result(timeout=400) == [0] * len(pieces)
        until(lambda: not any(i["missing"] for i in xunren("reindex", "status", *here).json["indexes"]))
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
