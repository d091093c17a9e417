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
from search.types import Camera, Segment, SegmentReport, SegmentState, StartSource

NEW = IndexInfo("", "new@1", 7, "new")


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as catalog:
        catalog.indexes.bind_model("old@1", lambda: 5)
        for camera in ("gate", "hall"):
            catalog.cameras.add(Camera(camera))
        for n in range(6):
            add(catalog, n)
        yield catalog


def segment(n: int) -> Segment:
    camera = "hall" if n % 2 else "gate"
    return Segment(f"s{n}", camera, f"/{n}.mp4", "0" * 64, 10, 1000 * n, StartSource.GIVEN, duration_ms=1000)


def add(catalog: Catalog, n: int, collections: tuple[str, ...] | None = None, owner: str = "worker") -> Segment:
    """One that is indexed, into these collections."""
    catalog.segments.add(segment(n))
    leased = catalog.segments.lease(owner, 60_000)
    assert leased is not None
    catalog.segments.finish(
        SegmentReport(leased, SegmentState.INDEXED, seen=2, indexed=2, skipped={}, rows=4), collections
    )
    return leased


def fill(catalog: Catalog, index: IndexInfo) -> None:
    live = catalog.indexes.live()
    assert live is not None
    while taken := catalog.backfill.take(index, live, "job", 4, 60_000):
        assert all(catalog.backfill.done(index, "job", segment) for segment in taken)


def built(catalog: Catalog) -> IndexInfo:
    """A second index that has everything."""
    index = catalog.indexes.begin(NEW, "old")
    fill(catalog, index)
    catalog.indexes.ready(index.collection)
    return index


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


def test_from_the_newest_on_only_what_is_older_is_looked_through(catalog: Catalog) -> None:
    index, live = catalog.indexes.begin(NEW, "old"), catalog.indexes.live()
    assert live is not None
    first = catalog.backfill.take(index, live, "job", 2, 60_000)
    assert [s.id for s in first] == ["s4", "s5"]
    catalog.backfill.release("job")
    second = catalog.backfill.take(index, live, "job", 9, 60_000, until_ms=first[0].start_ms)
    assert [s.id for s in second] == ["s0", "s1", "s2", "s3", "s4"]


def test_an_index_that_answered_keeps_its_scope(catalog: Catalog) -> None:
    catalog.indexes.switch(built(catalog).collection)
    again = catalog.indexes.begin(IndexInfo("", "old@1", 5, "old", scope=ReindexScope(cameras=("gate",))), "new")
    assert (again.state, again.scope) == (IndexState.OLD, ReindexScope())


def test_what_is_changed_meanwhile_is_missing_again(catalog: Catalog) -> None:
    index = catalog.indexes.begin(NEW, "old")
    live = catalog.indexes.live()
    assert live is not None
    first, *others = catalog.backfill.take(index, live, "job", 3, 60_000)
    assert catalog.backfill.take(index, live, "other", 9, 60_000) != []
    assert catalog.backfill.take(index, live, "third", 9, 60_000) == []  # all are taken
    catalog.segments.index_again([first.id])
    assert not catalog.backfill.done(index, "job", first)
    assert not catalog.backfill.done(index, "other", others[0])  # not its own, and stays whose it is
    assert catalog.backfill.done(index, "job", others[0])
    assert catalog.backfill.done(index, "job", others[1], "no such file")
    catalog.backfill.release()
    assert (catalog.backfill.progress(index).done, [f[2] for f in catalog.backfill.progress(index).failed]) == (
        1,
        ["no such file"],
    )
    catalog.indexes.begin(NEW, "old")  # asked for again: what failed is tried again
    assert catalog.backfill.progress(index).failed == []


def test_two_that_take_at_once_share_the_work(catalog: Catalog) -> None:
    index = catalog.indexes.begin(NEW, "old")
    live = catalog.indexes.live()
    assert live is not None
    taken: list[str] = []

    def work(owner: str) -> None:
        while mine := catalog.backfill.take(index, live, owner, 1, 60_000):
            taken.extend(segment.id for segment in mine)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(set(taken)) == sorted(taken)
    catalog.backfill.release()
    fill(catalog, index)
    assert catalog.backfill.progress(index).missing == 0
