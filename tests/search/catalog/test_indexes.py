"""Which index answers, and what each of them has: on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo, IndexState, ReindexScope
from search.catalog.tables import segment_values, segments
from search.errors import Conflict
from search.types import Camera, SegmentReport, SegmentState
from tests.support.indexes import NEW, add, built, fill, segment


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as catalog:
        catalog.indexes.bind_model("old@1", lambda: 5)
        for camera in ("gate", "hall"):
            catalog.cameras.add(Camera(camera))
        for n in range(6):
            add(catalog, n)
        yield catalog


def test_one_index_needs_no_table(catalog: Catalog) -> None:
    assert [(i.collection, i.label, i.state) for i in catalog.indexes.all()] == [("xunren", "old@1", IndexState.LIVE)]
    assert (
        catalog.indexes.other(),
        catalog.backfill.cost(ReindexScope()).rows,
        catalog.backfill.cost(ReindexScope(cameras=("gate",))).segments,
    ) == (
        None,
        24,
        3,
    )
    assert catalog.backfill.cost(ReindexScope(from_ms=1500, to_ms=3000)).segments == 2


def test_built_switched_to_rolled_back_from_and_dropped(catalog: Catalog) -> None:
    index = catalog.indexes.begin(NEW, "old")
    assert catalog.indexes.begin(NEW, "old") == index
    with pytest.raises(Conflict, match="cannot answer yet"):
        catalog.indexes.switch(index.collection)
    fill(catalog, index)
    assert catalog.backfill.progress(index).missing == 0
    catalog.indexes.ready(index.collection)
    late = add(catalog, 6, ("xunren",))  # by a worker that knew of one index
    with pytest.raises(Conflict, match="lacks"):
        catalog.indexes.switch(index.collection)
    assert (catalog.indexes.model(), catalog.backfill.progress(index).missing) == (("old@1", 5), 1)
    fill(catalog, index)
    catalog.indexes.switch(index.collection)
    assert catalog.indexes.model() == ("new@1", 7)
    live = catalog.indexes.live()
    assert live is not None
    assert (live.collection, live.model) == (index.collection, "new")
    with pytest.raises(Conflict, match="answers"):
        catalog.indexes.drop_begins(index.collection)
    add(catalog, 7)  # to both
    catalog.indexes.switch("xunren")
    assert catalog.indexes.model() == ("old@1", 5)
    catalog.indexes.switch(index.collection)
    catalog.indexes.drop_begins("xunren")
    catalog.indexes.drop_ends("xunren")
    assert [i.label for i in catalog.indexes.written()] == ["new@1"]
    again = catalog.indexes.begin(replace(NEW, label="third@1"), "new")
    assert again.collection not in ("xunren", index.collection)
    assert catalog.backfill.progress(live).done == 8
    assert late.id in {segment.id for segment in catalog.backfill.take(again, live, "job", 10, 60_000)}


def test_what_only_a_dropped_index_got_waits_again(catalog: Catalog) -> None:
    index = built(catalog)
    catalog.segments.add(segment(6))
    slow = catalog.segments.lease(
        "slow", 60_000
    )  # by a worker that knows of one index, until both are there and one is gone
    assert slow is not None
    catalog.indexes.switch(index.collection)
    catalog.indexes.drop_begins("xunren")
    assert not catalog.segments.finish(SegmentReport(slow, SegmentState.INDEXED, seen=2, indexed=2, rows=4), {"xunren"})
    assert catalog.segments.states() == {"indexed": 6, "pending": 1}
    catalog.indexes.drop_ends("xunren")
    again = catalog.segments.lease("slow", 60_000)
    assert again is not None
    assert catalog.segments.finish(
        SegmentReport(again, SegmentState.INDEXED, seen=2, indexed=2, rows=4), {index.collection}
    )


def test_nothing_is_dropped_that_only_it_has(catalog: Catalog) -> None:
    index = built(catalog)
    catalog.indexes.switch(index.collection)
    add(catalog, 6, ("xunren",))  # by a worker that knew of one index
    with pytest.raises(Conflict, match="lacks"):
        catalog.indexes.drop_begins("xunren")
    assert [i.state for i in catalog.indexes.all()] == [IndexState.OLD, IndexState.LIVE]
    (old, live) = catalog.indexes.all()
    (late,) = catalog.backfill.take(live, old, "job", 4, 60_000)
    assert catalog.backfill.done(live, "job", late)
    catalog.indexes.drop_begins("xunren")


def test_what_is_finished_while_a_job_begins_belongs_to_an_index(catalog: Catalog) -> None:
    catalog, others, stop = catalog, 10_000, threading.Event()
    with catalog.begin() as db:  # so many that beginning takes a while
        done = {"state": "indexed", "attempts": 1, "report": "{}"}
        rows = [segment_values(segment(n)) | done for n in range(1000, 1000 + others)]
        db.execute(segments.insert(), rows)
    known = ("xunren",)

    def work(first: int) -> None:
        for n in range(first, 900, 3):
            if stop.is_set():
                return
            add(catalog, n, known, f"w{first}")

    threads = [threading.Thread(target=work, args=(first,)) for first in (6, 7, 8)]
    for thread in threads:
        thread.start()
    while sum(catalog.segments.states().values()) < others + 10:
        stop.wait(0.01)
    index = catalog.indexes.begin(NEW, "old")
    stop.set()
    for thread in threads:
        thread.join()
    live = catalog.indexes.live()
    assert live is not None
    assert catalog.backfill.progress(live).missing == 0
    assert (
        catalog.backfill.progress(index).missing
        == catalog.backfill.progress(live).done
        == sum(catalog.segments.states().values())
    )


def test_an_index_that_answered_keeps_its_scope(catalog: Catalog) -> None:
    catalog.indexes.switch(built(catalog).collection)
    again = catalog.indexes.begin(IndexInfo("", "old@1", 5, "old", scope=ReindexScope(cameras=("gate",))), "new")
    assert (again.state, again.scope) == (IndexState.OLD, ReindexScope())


@pytest.fixture
def empty(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        yield opened


def test_another_model_is_refused_with_the_cure(empty: Catalog) -> None:
    assert empty.indexes.model() is None
    assert empty.indexes.bind_model("one@1", lambda: 256) == 256
    assert empty.indexes.bind_model("one@1", lambda: pytest.fail("known already")) == 256
    with pytest.raises(Conflict) as e:
        empty.indexes.bind_model("two", lambda: 512)
    assert (e.value.got, e.value.expected) == ("two", "one@1")
    assert "data-dir" in e.value.cure


def test_of_two_processes_that_begin_an_index_one_names_the_model(catalog_url: str) -> None:
    with Catalog(catalog_url) as first, Catalog(catalog_url) as second:
        assert first.indexes.bind_model("one@1", lambda: second.indexes.bind_model("one@1", lambda: 256)) == 256
        assert first.indexes.model() == second.indexes.model() == ("one@1", 256)


def test_of_two_models_that_begin_an_index_the_later_is_refused(catalog_url: str) -> None:
    with Catalog(catalog_url) as first, Catalog(catalog_url) as second, pytest.raises(Conflict):
        first.indexes.bind_model("two", lambda: second.indexes.bind_model("one@1", lambda: 256))
