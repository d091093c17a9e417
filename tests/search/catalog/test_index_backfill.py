from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from search.catalog.catalog import Catalog
from search.types import Camera
from tests.support.indexes import NEW, add, fill


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as catalog:
        catalog.indexes.bind_model("old@1", lambda: 5)
        for camera in ("gate", "hall"):
            catalog.cameras.add(Camera(camera))
        for n in range(6):
            add(catalog, n)
        yield catalog


def test_from_the_newest_on_only_what_is_older_is_looked_through(catalog: Catalog) -> None:
    index, live = catalog.indexes.begin(NEW, "old"), catalog.indexes.live()
    assert live is not None
    first = catalog.backfill.take(index, live, "job", 2, 60_000)
    assert [s.id for s in first] == ["s4", "s5"]
    catalog.backfill.release("job")
    second = catalog.backfill.take(index, live, "job", 9, 60_000, until_ms=first[0].start_ms)
    assert [s.id for s in second] == ["s0", "s1", "s2", "s3", "s4"]


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
