from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from search.catalog.catalog import Catalog
from search.catalog.segment_queue import segment_id
from search.errors import BadInput
from search.types import Camera, Segment, SegmentReport, SegmentState, StartSource
from tests.support.catalog import segment as live_segment
from tests.support.catalog import stored


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        opened.cameras.add(Camera("gate"))
        yield opened


def segment(n: int = 1, **changes: object) -> Segment:
    sha256 = f"{n:064x}"
    made = Segment(segment_id("gate", sha256), "gate", f"/v/{n}.mp4", sha256, 10, 1_000 * n, StartSource.MTIME, 500)
    return replace(made, **changes)  # type: ignore[arg-type]


def report(done: Segment, state: SegmentState = SegmentState.INDEXED) -> SegmentReport:
    return SegmentReport(done, state, seen=10, indexed=4, skipped={"not due": 6}, rows=7, reason="r")


def test_a_segment_is_leased_once_oldest_first(catalog: Catalog) -> None:
    assert catalog.segments.add(segment(2))
    assert catalog.segments.add(segment(1))
    first, second = catalog.segments.lease("me", 60_000), catalog.segments.lease("you", 60_000)
    assert first is not None
    assert second is not None
    assert (first.path, second.path, first.attempt) == ("/v/1.mp4", "/v/2.mp4", 1)
    assert catalog.segments.lease("me", 60_000) is None


def test_many_threads_never_get_the_same_segment(catalog: Catalog) -> None:
    for n in range(40):
        catalog.segments.add(segment(n))
    got: list[str] = []

    def work(name: str) -> None:
        while (leased := catalog.segments.lease(name, 60_000)) is not None:
            got.append(leased.id)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 40


def test_a_dead_owner_loses_its_lease_and_a_living_one_does_not(catalog: Catalog) -> None:
    catalog.segments.add(segment())
    assert catalog.segments.lease("dead", -1) is not None
    again = catalog.segments.lease("me", 60_000)
    assert again is not None
    assert again.attempt == 2
    catalog.segments.renew("me", 60_000)
    assert catalog.segments.lease("you", 60_000) is None
    assert catalog.segments.release("you") == 0
    assert catalog.segments.release("me") == 1
    assert catalog.segments.lease("you", 60_000) is not None


def test_who_has_lost_a_lease_decides_nothing(catalog: Catalog) -> None:
    catalog.segments.add(segment())
    lost = catalog.segments.lease("slow", -1)
    mine = catalog.segments.lease("me", 60_000)
    assert lost is not None
    assert mine is not None
    assert (catalog.segments.held([lost]), catalog.segments.held([mine])) == (set(), {mine.id})
    assert not catalog.segments.finish(report(lost, SegmentState.SKIPPED))
    assert catalog.segments.states() == {"leased": 1}
    assert catalog.segments.finish(report(mine))
    assert not catalog.segments.finish(report(lost, SegmentState.SKIPPED))
    assert catalog.segments.states() == {"indexed": 1}


def test_a_lease_that_ran_out_and_nobody_took_may_be_finished_but_not_what_was_deleted_or_moved(
    catalog: Catalog,
) -> None:
    for n in range(3):
        catalog.segments.add(segment(n))
    late = [catalog.segments.lease("me", 60_000) for _ in range(3)]
    catalog.segments.release("me")
    catalog.retention.mark_deleting([segment(1).id])
    catalog.segments.add(segment(2, start_ms=99_000, start_source=StartSource.GIVEN))
    assert [catalog.segments.finish(report(one)) for one in late if one is not None] == [True, False, False]
    assert catalog.segments.states() == {"indexed": 1, "deleting": 1, "pending": 1}


def test_indexing_again_is_no_work_but_a_skipped_file_is_tried_again(catalog: Catalog) -> None:
    catalog.segments.add(segment())
    leased = catalog.segments.lease("me", 60_000)
    assert leased is not None
    catalog.segments.finish(report(leased))
    assert not catalog.segments.add(segment())
    catalog.segments.index_again([leased.id])
    leased = catalog.segments.lease("me", 60_000)
    assert leased is not None
    catalog.segments.finish(report(leased, SegmentState.SKIPPED))
    assert catalog.segments.add(segment())
    assert catalog.segments.states() == {"pending": 1}


def test_a_given_start_moves_an_indexed_recording(catalog: Catalog) -> None:
    catalog.segments.add(segment())
    leased = catalog.segments.lease("me", 60_000)
    assert leased is not None
    catalog.segments.finish(report(leased))
    assert not catalog.segments.add(segment(start_ms=77_000)), "a guessed start must not move it"
    assert catalog.segments.add(segment(start_ms=77_000, start_source=StartSource.GIVEN))
    moved = catalog.segments.lease("me", 60_000)
    assert moved is not None
    assert (moved.start_ms, moved.start_source, moved.attempt) == (77_000, StartSource.GIVEN, 2)


def test_reports_come_back_as_they_were_written(catalog: Catalog) -> None:
    catalog.segments.add(segment())
    leased = catalog.segments.lease("me", 60_000)
    assert leased is not None
    catalog.segments.finish(report(replace(leased, width=640, height=360)))
    (read,) = catalog.segments.reports()
    assert (read.seen, read.indexed, dict(read.skipped), read.rows) == (10, 4, {"not due": 6}, 7)
    assert (read.segment.width, read.segment.height) == (640, 360)
    assert catalog.segments.totals_by_camera() == [
        {"id": "gate", "segments": 1, "indexed": 1, "first_ms": 1000, "last_ms": 1500}
    ]


def test_frames_must_be_accounted_for() -> None:
    with pytest.raises(BadInput, match="unaccounted"):
        SegmentReport(segment(), SegmentState.INDEXED, seen=10, indexed=4, skipped={"not due": 5})


def test_indexing_again(catalog: Catalog) -> None:
    catalog.cameras.add(Camera("hall"))
    stored(catalog, *(live_segment(n) for n in range(3)), live_segment(0, "hall"))
    for _ in range(3):
        leased = catalog.segments.lease("me", 60_000)
        assert leased is not None
        catalog.segments.finish(SegmentReport(leased, SegmentState.INDEXED, rows=2))
    of_gate = catalog.segments.indexed_of("gate", "", 9)
    assert of_gate == sorted(of_gate)
    assert catalog.segments.indexed_of("gate", of_gate[0], 9) == of_gate[1:]
    assert catalog.segments.indexed_of("gate", "", 1) == of_gate[:1]
    assert catalog.segments.index_again([*of_gate, "nobody"]) == len(of_gate)
    assert catalog.segments.index_again(of_gate) == 0
    again = catalog.segments.lease("me", 60_000)
    assert again is not None
    while again.id not in of_gate:
        again = catalog.segments.lease("me", 60_000)
        assert again is not None
    assert again.attempt == 2, "rows of the attempt before must go"


def test_entries_come_in_portions(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.catalog.segment_queue._PAGE", 3)
    stored(catalog, *(live_segment(n) for n in range(7)))
    catalog.segments.finish(SegmentReport(live_segment(0), SegmentState.INDEXED, rows=5))
    entries = list(catalog.segments.summaries())
    assert [entry.id for entry in entries] == sorted(live_segment(n).id for n in range(7))
    assert {entry.path: entry.rows for entry in entries} == {live_segment(n).path: 0 if n else 5 for n in range(7)}
