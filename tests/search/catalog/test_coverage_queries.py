from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from search.catalog.catalog import Catalog
from search.catalog.coverage_queries import Backlog
from search.types import Camera, SegmentReport, SegmentState, StreamRole
from tests.support.catalog import T, segment, stored


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        for camera in ("gate", "hall"):
            opened.cameras.add(Camera(camera))
        yield opened


def test_recordings_by_range_camera_state_and_role(catalog: Catalog) -> None:
    stored(catalog, segment(2), segment(0), segment(1, role=StreamRole.SUB))
    stored(catalog, segment(1, "hall"), state=SegmentState.KEPT)
    catalog.segments.add(file := replace(segment(0), id="f" * 24, role=StreamRole.FILE, duration_ms=10**8))

    def starts(*arguments: int, **options: object) -> list[tuple[str, int]]:
        found = catalog.coverage.recordings(*arguments, **options)  # type: ignore[arg-type]
        return [(one.camera_id, (one.start_ms - T) // 10_000) for one, _, _ in found]

    assert starts(0, 2**62, roles=[StreamRole.MAIN]) == [("gate", 0), ("gate", 2), ("hall", 1)]
    assert starts(T + 9_999, T + 20_000, roles=[StreamRole.MAIN, StreamRole.SUB]) == [
        ("gate", 0),
        ("gate", 1),
        ("hall", 1),
    ]
    assert starts(T + 10_000, T + 10_001, roles=[StreamRole.MAIN, StreamRole.SUB]) == [("gate", 1), ("hall", 1)]
    assert starts(0, 2**62, cameras=["hall"]) == [("hall", 1)]
    assert starts(0, 2**62, states=[SegmentState.KEPT]) == [("hall", 1)]
    late = catalog.coverage.recordings(T + 10**7, T + 10**7 + 1)
    assert [one.id for one, _, _ in late] == [file.id], "a long import is found by any of its parts"


def test_the_newest_that_is_indexed(catalog: Catalog) -> None:
    stored(catalog, segment(0), segment(1), segment(2), segment(1, "hall"))
    assert catalog.coverage.newest_indexed() == {}
    for n in (0, 1):
        catalog.segments.finish(SegmentReport(segment(n), SegmentState.INDEXED))
    assert catalog.coverage.newest_indexed() == {"gate": T + 20_000}


def test_what_waits(catalog: Catalog) -> None:
    assert catalog.coverage.backlog(0) == Backlog(0, 0.0, None, None)
    stored(catalog, *(segment(n) for n in range(4)), segment(9, "hall"))
    stored(catalog, segment(0, role=StreamRole.SUB), state=SegmentState.KEPT)
    catalog.segments.add(replace(segment(0), id="f" * 24, role=StreamRole.FILE))
    assert catalog.segments.lease("me", 60_000) is not None
    assert catalog.coverage.backlog(T + 20_000) == Backlog(5, 50.0, T, T + 30_000)
    assert catalog.coverage.backlog(T + 10**9) == Backlog(5, 50.0, T, None)
