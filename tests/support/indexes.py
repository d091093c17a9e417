"""A second index beside the live one, for tests of the catalogue."""

from __future__ import annotations

from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo
from search.types import Segment, SegmentReport, SegmentState, StartSource

NEW = IndexInfo("", "new@1", 7, "new")


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
