"""What `benchmarks.capacity` counts of one small run, against other runs that it did not see."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from benchmarks.capacity import (
    PRICES,
    Load,
    amended,
    breaking,
    counted,
    cpu_h,
    expected,
    first_to_break,
    from_results,
    plan,
)
from benchmarks.run import RESULTS
from search.errors import BadInput
from search.times import now_ms
from search.types import Camera, Image
from tests.indexer.pipeline.test_live_worker import FILE_MS, record, shot, walk
from tests.indexer.pipeline.test_worker import House

HOUR_MS = 3_600_000


def street(passers_by: int, quiet: int) -> list[list[Image]]:
    """Files of ten seconds: an empty street on which now and then somebody walks past."""
    return [file for n in range(passers_by) for file in [[shot()] * 5] * quiet + [walk(0, n % 4)]]


def run(folder: Path, cameras: int, files: list[list[Image]]) -> tuple[Load, float]:
    """What so many cameras wrote in the run, and its hours of each."""
    start = now_ms() - HOUR_MS
    with closing(House(folder)) as house:
        for camera in range(cameras):
            house.catalog.cameras.add(Camera(f"c{camera}"))
            for n, pictures in enumerate(files):
                record(house, pictures, start + n * FILE_MS, f"c{camera}")
        assert all(report.rows >= 0 for report in house.executor.run())
        load = counted(house.store, house.settings.media_dir / "thumbnails")
        assert load.rows > 0
        return load, len(files) * FILE_MS / HOUR_MS


def test_more_cameras_and_hours_are_foretold_within_a_quarter(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "large").mkdir()
    small, hours = run(tmp_path / "small", 1, street(3, 3))
    m = replace(
        from_results(),
        rows_h=small.rows / hours,
        thumbnails_h=small.thumbnails / hours,
        thumbnail_bytes=small.thumbnail_bytes / small.thumbnails,
    )
    large, longer = run(tmp_path / "large", 3, street(5, 3))
    foretold = expected(m, cameras=3, hours=longer, dim=7)
    assert astuple(foretold) == pytest.approx(astuple(large), rel=0.25)


def test_a_live_run_of_another_size_is_foretold_within_a_quarter() -> None:
    """Planned of `live.json`; measured by another run: `python -m benchmarks.live --name live-small`."""
    data = json.loads((RESULTS / "live-small.json").read_text("utf-8"))
    of, given = {m["name"]: m["value"] for m in data["metrics"]}, data["parameters"]
    m, hours = from_results(), of["expected"] / of["cameras"] / 3600
    assert (given["cameras"], given["interval_s"]) != (50, m.interval_s), "the same run foretells nothing"

    def planned(cameras: int) -> dict[str, float]:
        prices = json.loads(PRICES.read_text("utf-8"))
        lines = plan(m, prices, cameras=cameras, interval_s=given["interval_s"], days=hours / 24, model="xunren-small")
        return {line.name: line.value for line in lines}

    small = planned(given["cameras"])
    assert small["RAM without Milvus"] == pytest.approx(of["memory, last"] / 1024, rel=0.25)
    assert small["rows kept"] == pytest.approx(of["rows in the measured time"], rel=0.25)
    assert small["disk, recordings"] * 1e6 == pytest.approx(of["recorded, size"], rel=0.25)


def test_looks_closer_than_key_frames_cost_every_picture() -> None:
    m = from_results()
    five, two, one = (cpu_h(m, interval, embeds=False) for interval in (5, 2, 1))
    assert two - five < 60
    assert one - two > 100
    assert cpu_h(replace(m, key_interval_s=1), 1, embeds=False) < one - 100


def test_what_does_not_break_is_not_said_to() -> None:
    loads = breaking(from_results(), cameras=1, days=1, interval_s=5)
    assert first_to_break(loads).startswith("nothing up to here breaks; nearest is")


@pytest.mark.parametrize(("cameras", "first"), [(100, "Milvus Lite"), (10_000, "PostgreSQL"), (230_000, "PostgreSQL")])
def test_what_breaks_first_is_named(cameras: int, first: str) -> None:
    worst = breaking(from_results(), cameras=cameras, days=30, interval_s=5)[0]
    assert first in worst[0]
    assert worst[1] >= 1


def test_twice_the_days_are_twice_the_disk_and_the_same_cores() -> None:
    prices = json.loads(PRICES.read_text())
    month, two = (
        {
            line.name: line.value
            for line in plan(from_results(), prices, cameras=10_000, interval_s=5, days=d, model="ViT-B-32")
        }
        for d in (30, 60)
    )
    assert two["disk, all"] == pytest.approx(2 * month["disk, all"])
    assert two["cores"] == month["cores"]
    assert two["GPUs"] == month["GPUs"]


def test_an_unknown_figure_or_model_is_refused() -> None:
    with pytest.raises(BadInput, match="rows_per_hour"):
        amended(from_results(), {"rows_per_hour": 5})
    with pytest.raises(BadInput, match="unknown model"):
        plan(from_results(), json.loads(PRICES.read_text()), cameras=1, interval_s=5, days=1, model="nothing")
