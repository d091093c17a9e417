from __future__ import annotations

from dataclasses import replace

import pytest

from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.errors import Unavailable
from search.types import SegmentReport, SegmentState, StreamRole
from tests.support.catalog import T, gap, segment, stored, stream


def test_a_known_segment_stays_as_it_is(catalog: Catalog) -> None:
    stored(catalog, segment(0), segment(0), segment(1))
    catalog.segments.finish(SegmentReport(segment(0), SegmentState.INDEXED, rows=3))
    stored(catalog, replace(segment(0), path="/elsewhere"), state=SegmentState.KEPT)
    found = catalog.coverage.recordings(0, 2**62)
    assert [(one.path, state) for one, state, _ in found] == [
        (segment(0).path, SegmentState.INDEXED),
        (segment(1).path, SegmentState.PENDING),
    ]
    assert found[0][2]["rows"] == 3
    assert found[1][2] == {}


def test_gaps_grow_and_go(catalog: Catalog) -> None:
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 10), gap(50, 60)]))
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 20), gap(0, 30)], no_gaps=[gap(50, 70)]))
    assert catalog.recordings.gaps(0, 2**62) == [gap(0, 30)]
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 30, camera="hall")]))
    assert catalog.recordings.gaps(T + 29, T + 30, ["hall"]) == [gap(0, 30, camera="hall")]
    assert catalog.recordings.gaps(T + 30, T + 99) == [], "the end is exclusive"
    assert catalog.recordings.gaps(0, T) == []


def test_nothing_of_a_write_is_there_if_a_part_fails(catalog: Catalog) -> None:
    with pytest.raises(Unavailable):
        catalog.recordings.write(
            RecorderUpdate(segments=[(segment(0), SegmentState.PENDING)], gaps=[gap(0, 1, camera="nobody")])
        )
    assert catalog.coverage.recordings(0, 2**62) == []
    assert not RecorderUpdate()
    assert RecorderUpdate(gaps=[gap(0, 1)])


def test_until_when_time_is_accounted_for(catalog: Catalog) -> None:
    assert catalog.recordings.covered_until(stream()) == T
    stored(catalog, segment(0, role=StreamRole.SUB), segment(5, "hall"))
    assert catalog.recordings.covered_until(stream()) == T
    stored(catalog, segment(0), segment(2, duration=90_000), segment(3))
    assert catalog.recordings.covered_until(stream()) == T + 110_000, "a longer file may have begun before the newest"
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 120_000), gap(5, 6)]))
    assert catalog.recordings.covered_until(stream()) == T + 120_000
    assert catalog.recordings.covered_until(stream(since=T + 200_000)) == T + 200_000


def test_paths_of_a_stream(catalog: Catalog) -> None:
    stored(catalog, segment(0), segment(1), segment(2), segment(2, role=StreamRole.SUB), segment(2, "hall"))
    assert catalog.recordings.paths("gate", StreamRole.MAIN, T + 10_000) == {segment(1).path, segment(2).path}
