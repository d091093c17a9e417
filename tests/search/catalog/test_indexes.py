"""Which index answers, and what each of them has: on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo, IndexState, ReindexScope
from search.catalog.indexes import IndexStore
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


def fill(book: IndexStore, index: IndexInfo) -> None:
    live = book.live()
    assert live is not None
    while taken := book.backfill.take(index, live, "job", 4, 60_000):
        assert all(book.backfill.done(index, "job", segment) for segment in taken)


def built(book: IndexStore) -> IndexInfo:
    """A second index that has everything."""
    index = book.begin(NEW, "old")
    fill(book, index)
    book.ready(index.collection)
    return index


def test_one_index_needs_no_table(catalog: Catalog) -> None:
    book = catalog.indexes
    assert [(i.collection, i.label, i.state) for i in book.all()] == [("xunren", "old@1", IndexState.LIVE)]
    assert (
        book.other(),
        book.backfill.cost(ReindexScope()).rows,
        book.backfill.cost(ReindexScope(cameras=("gate",))).segments,
    ) == (
        None,
        24,
        3,
    )
    assert book.backfill.cost(ReindexScope(from_ms=1500, to_ms=3000)).segments == 2


def test_built_switched_to_rolled_back_from_and_dropped(catalog: Catalog) -> None:
    book = catalog.indexes
    index = book.begin(NEW, "old")
    assert book.begin(NEW, "old") == index
    with pytest.raises(Conflict, match="cannot answer yet"):
        book.switch(index.collection)
    fill(book, index)
    assert book.backfill.work(index).missing == 0
    book.ready(index.collection)
    late = add(catalog, 6, ("xunren",))  # by a worker that knew of one index
    with pytest.raises(Conflict, match="lacks"):
        book.switch(index.collection)
    assert (catalog.indexes.model(), book.backfill.work(index).missing) == (("old@1", 5), 1)
    fill(book, index)
    book.switch(index.collection)
    assert catalog.indexes.model() == ("new@1", 7)
    live = book.live()
    assert live is not None
    assert (live.collection, live.model) == (index.collection, "new")
    with pytest.raises(Conflict, match="answers"):
        book.drop_begins(index.collection)
    add(catalog, 7)  # to both
    book.switch("xunren")
    assert catalog.indexes.model() == ("old@1", 5)
    book.switch(index.collection)
    book.drop_begins("xunren")
    book.drop_ends("xunren")
    assert [i.label for i in book.written()] == ["new@1"]
    again = book.begin(replace(NEW, label="third@1"), "new")
    assert again.collection not in ("xunren", index.collection)
    assert book.backfill.work(live).done == 8
    assert late.id in {segment.id for segment in book.backfill.take(again, live, "job", 10, 60_000)}


def test_what_only_a_dropped_index_got_waits_again(catalog: Catalog) -> None:
    book = catalog.indexes
    index = built(book)
    catalog.segments.add(segment(6))
    slow = catalog.segments.lease(
        "slow", 60_000
    )  # by a worker that knows of one index, until both are there and one is gone
    assert slow is not None
    book.switch(index.collection)
    book.drop_begins("xunren")
    assert not catalog.segments.finish(SegmentReport(slow, SegmentState.INDEXED, seen=2, indexed=2, rows=4), {"xunren"})
    assert catalog.segments.states() == {"indexed": 6, "pending": 1}
    book.drop_ends("xunren")
    again = catalog.segments.lease("slow", 60_000)
    assert again is not None
    assert catalog.segments.finish(
        SegmentReport(again, SegmentState.INDEXED, seen=2, indexed=2, rows=4), {index.collection}
    )


def test_nothing_is_dropped_that_only_it_has(catalog: Catalog) -> None:
    book = catalog.indexes
    index = built(book)
    book.switch(index.collection)
    add(catalog, 6, ("xunren",))  # by a worker that knew of one index
    with pytest.raises(Conflict, match="lacks"):
        book.drop_begins("xunren")
    assert [i.state for i in book.all()] == [IndexState.OLD, IndexState.LIVE]
    (old, live) = book.all()
    (late,) = book.backfill.take(live, old, "job", 4, 60_000)
    assert book.backfill.done(live, "job", late)
    book.drop_begins("xunren")


def test_what_is_finished_while_a_job_begins_belongs_to_an_index(catalog: Catalog) -> None:
    book, others, stop = catalog.indexes, 10_000, threading.Event()
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
    index = book.begin(NEW, "old")
    stop.set()
    for thread in threads:
        thread.join()
    live = book.live()
    assert live is not None
    assert book.backfill.work(live).missing == 0
    assert book.backfill.work(index).missing == book.backfill.work(live).done == sum(catalog.segments.states().values())


def test_from_the_newest_on_only_what_is_older_is_looked_through(catalog: Catalog) -> None:
    book = catalog.indexes
    index, live = book.begin(NEW, "old"), book.live()
    assert live is not None
    first = book.backfill.take(index, live, "job", 2, 60_000)
    assert [s.id for s in first] == ["s4", "s5"]
    book.backfill.release("job")
    second = book.backfill.take(index, live, "job", 9, 60_000, until_ms=first[0].start_ms)
    assert [s.id for s in second] == ["s0", "s1", "s2", "s3", "s4"]


def test_an_index_that_answered_keeps_its_scope(catalog: Catalog) -> None:
    book = catalog.indexes
    book.switch(built(book).collection)
    again = book.begin(IndexInfo("", "old@1", 5, "old", scope=ReindexScope(cameras=("gate",))), "new")
    assert (again.state, again.scope) == (IndexState.OLD, ReindexScope())


def test_what_is_changed_meanwhile_is_missing_again(catalog: Catalog) -> None:
    book = catalog.indexes
    index = book.begin(NEW, "old")
    live = book.live()
    assert live is not None
    first, *others = book.backfill.take(index, live, "job", 3, 60_000)
    assert book.backfill.take(index, live, "other", 9, 60_000) != []
    assert book.backfill.take(index, live, "third", 9, 60_000) == []  # all are taken
    catalog.segments.index_again([first.id])
    assert not book.backfill.done(index, "job", first)
    assert not book.backfill.done(index, "other", others[0])  # not its own, and stays whose it is
    assert book.backfill.done(index, "job", others[0])
    assert book.backfill.done(index, "job", others[1], "no such file")
    book.backfill.release()
    assert (book.backfill.work(index).done, [f[2] for f in book.backfill.work(index).failed]) == (1, ["no such file"])
    book.begin(NEW, "old")  # asked for again: what failed is tried again
    assert book.backfill.work(index).failed == []


def test_two_that_take_at_once_share_the_work(catalog: Catalog) -> None:
    book = catalog.indexes
    index = book.begin(NEW, "old")
    live = book.live()
    assert live is not None
    taken: list[str] = []

    def work(owner: str) -> None:
        while mine := book.backfill.take(index, live, owner, 1, 60_000):
            taken.extend(segment.id for segment in mine)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(set(taken)) == sorted(taken)
    book.backfill.release()
    fill(book, index)
    assert book.backfill.work(index).missing == 0
