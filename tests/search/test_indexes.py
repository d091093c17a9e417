"""Which index answers, and what each of them has: on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from search.catalog import Catalog
from search.errors import Conflict
from search.indexes import Index, IndexBook, IndexState, Scope
from search.types import Camera, Segment, SegmentReport, SegmentState, StartSource

NEW = Index("", "new@1", 7, "new")


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as catalog:
        catalog.bind_model("old@1", lambda: 5)
        for camera in ("gate", "hall"):
            catalog.add_camera(Camera(camera))
        for n in range(6):
            add(catalog, n)
        yield catalog


def add(catalog: Catalog, n: int, collections: tuple[str, ...] | None = None) -> Segment:
    """One that is indexed, into these collections."""
    camera = "hall" if n % 2 else "gate"
    segment = Segment(f"s{n}", camera, f"/{n}.mp4", "0" * 64, 10, 1000 * n, StartSource.GIVEN, duration_ms=1000)
    catalog.add_segment(segment)
    leased = catalog.lease("worker", 60_000)
    assert leased is not None
    catalog.finish(SegmentReport(leased, SegmentState.INDEXED, seen=2, indexed=2, skipped={}, rows=4), collections)
    return leased


def fill(book: IndexBook, index: Index) -> None:
    live = book.live()
    assert live is not None
    while taken := book.take(index, live, "job", 4, 60_000):
        assert all(book.done(index, "job", segment) for segment in taken)


def test_one_index_needs_no_table(catalog: Catalog) -> None:
    book = IndexBook(catalog)
    assert [(i.collection, i.label, i.state) for i in book.all()] == [("xunren", "old@1", IndexState.LIVE)]
    assert (book.other(), book.cost(Scope()).rows, book.cost(Scope(cameras=("gate",))).segments) == (None, 24, 3)
    assert book.cost(Scope(from_ms=1500, to_ms=3000)).segments == 2


def test_built_switched_to_rolled_back_from_and_dropped(catalog: Catalog) -> None:
    book = IndexBook(catalog)
    index = book.begin(NEW, "old")
    assert book.begin(NEW, "old") == index
    with pytest.raises(Conflict, match="cannot answer yet"):
        book.switch(index.collection)
    fill(book, index)
    assert book.work(index).missing == 0
    book.ready(index.collection)
    late = add(catalog, 6, ("xunren",))  # by a worker that knew of one index
    with pytest.raises(Conflict, match="lacks"):
        book.switch(index.collection)
    assert (catalog.model(), book.work(index).missing) == (("old@1", 5), 1)
    fill(book, index)
    book.switch(index.collection)
    assert catalog.model() == ("new@1", 7)
    live = book.live()
    assert live is not None
    assert (live.collection, live.model) == (index.collection, "new")
    with pytest.raises(Conflict, match="answers"):
        book.drop_begins(index.collection)
    add(catalog, 7)  # to both
    book.switch("xunren")
    assert catalog.model() == ("old@1", 5)
    book.switch(index.collection)
    book.drop_begins("xunren")
    book.drop_ends("xunren")
    assert [i.label for i in book.written()] == ["new@1"]
    again = book.begin(replace(NEW, label="third@1"), "new")
    assert again.collection not in ("xunren", index.collection)
    assert book.work(live).done == 8
    assert late.id in {segment.id for segment in book.take(again, live, "job", 10, 60_000)}


def test_what_is_changed_meanwhile_is_missing_again(catalog: Catalog) -> None:
    book = IndexBook(catalog)
    index = book.begin(NEW, "old")
    live = book.live()
    assert live is not None
    first, *others = book.take(index, live, "job", 3, 60_000)
    assert book.take(index, live, "other", 9, 60_000) != []
    assert book.take(index, live, "third", 9, 60_000) == []  # all are taken
    catalog.index_again([first.id])
    assert not book.done(index, "job", first)
    assert not book.done(index, "other", others[0])  # not its own
    assert book.done(index, "job", others[1], "no such file")
    book.release()
    assert (book.work(index).done, [f[2] for f in book.work(index).failed]) == (0, ["no such file"])
    book.begin(NEW, "old")  # asked for again: what failed is tried again
    assert book.work(index).failed == []


def test_two_that_take_at_once_share_the_work(catalog: Catalog) -> None:
    book = IndexBook(catalog)
    index = book.begin(NEW, "old")
    live = book.live()
    assert live is not None
    taken: list[str] = []

    def work(owner: str) -> None:
        while mine := book.take(index, live, owner, 1, 60_000):
            taken.extend(segment.id for segment in mine)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(set(taken)) == sorted(taken)
    book.release()
    fill(book, index)
    assert book.work(index).missing == 0
