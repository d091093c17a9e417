"""The sampling interval grows with the backlog of live files, and shrinks again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexer.pipeline.load_control import CALM_S, CHECK_S, MAX_LEVEL, LoadController
from search.times import now_ms
from search.types import Camera
from tests.support.pipeline import Pipeline, record, shot


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with closing(Pipeline(tmp_path)) as opened:
        opened.catalog.cameras.add(Camera("gate"))
        yield opened


class Clock:
    """Monotonic time that tests set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 1000.0
        monkeypatch.setattr("indexer.pipeline.load_control.time.monotonic", lambda: self.at)

    def interval(self, load: LoadController, seconds: float = CHECK_S) -> float:
        self.at += seconds
        return load.interval_s(2.0)


def test_fewer_frames_are_sampled_before_it_is_too_far_behind(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    catalog = pipeline.catalog
    load = LoadController(catalog, 30.0)
    assert clock.interval(load) == 2.0
    late = record(pipeline, [shot()] * 2, now_ms() - 24_000)
    assert (now_ms() - late.end_ms) / 1000 > 15
    intervals = [clock.interval(load) for _ in range(MAX_LEVEL + 2)]
    assert intervals == [4.0, 8.0, 16.0, 32.0, 64.0, 64.0, 64.0]
    list(pipeline.executor.run())
    assert clock.interval(load) == 64.0, "not at once"
    assert clock.interval(load, CALM_S) == 32.0
    assert [clock.interval(load, CALM_S + 1) for _ in range(5)] == [16.0, 8.0, 4.0, 2.0, 2.0]


def test_files_that_are_too_old_do_not_count(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    record(pipeline, [shot()] * 5, now_ms() - 3_600_000)
    assert clock.interval(LoadController(pipeline.catalog, 30.0)) == 2.0
