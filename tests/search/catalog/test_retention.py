from __future__ import annotations

import pytest

from search.catalog.catalog import Catalog
from search.errors import BadInput, NotFound
from search.types import SegmentState
from tests.support.catalog import T, segment, stored


def test_holds_come_and_go(catalog: Catalog) -> None:
    first = catalog.retention.add_hold("gate", T, T + 1, "case 17")
    second = catalog.retention.add_hold("", T, T + 1, "case 18")
    assert catalog.retention.holds() == [first, second]
    catalog.retention.remove_hold(first.id)
    assert catalog.retention.holds() == [second]
    with pytest.raises(NotFound, match="no such hold"):
        catalog.retention.remove_hold(first.id)


def test_a_hold_that_makes_no_sense(catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="gate"):
        catalog.retention.add_hold("gaet", T, T + 1, "case 17")
    for camera, start, end, why in (("gate", T, T, "x"), ("gate", T, T + 1, " "), ("gate", -1, 5, "x")):
        with pytest.raises(BadInput):
            catalog.retention.add_hold(camera, start, end, why)
    assert catalog.retention.holds() == []


def test_marking_leaves_leased_and_held_ones_and_can_be_taken_back(catalog: Catalog) -> None:
    free, kept, leased, held = (segment(n) for n in range(4))
    stored(catalog, leased)
    assert catalog.segments.lease("me", 60_000) is not None
    stored(catalog, free, held)
    stored(catalog, kept, state=SegmentState.KEPT)
    hold = catalog.retention.add_hold("gate", held.start_ms + 9_999, held.end_ms, "case 17")
    ids = [one.id for one in (free, kept, leased, held)]
    catalog.retention.mark_deleting(ids)
    catalog.retention.mark_deleting(ids)
    assert [one.id for one in catalog.retention.deleting(9)] == [free.id, kept.id]
    assert [one.id for one in catalog.retention.deleting(1)] == [free.id]
    assert catalog.retention.unmark(ids, only_held=True) == 0
    catalog.retention.add_hold("", kept.start_ms, kept.start_ms + 1, "case 18")
    assert catalog.retention.unmark(ids, only_held=True) == 1
    assert catalog.retention.unmark(ids) == 1
    assert catalog.segments.states() == {"pending": 2, "kept": 1, "leased": 1}
    catalog.retention.remove_hold(hold.id)
    catalog.retention.mark_deleting([held.id])
    assert catalog.retention.deleting(9) == [held]


def test_what_is_marked_is_out_of_the_indexers_reach(catalog: Catalog) -> None:
    stored(catalog, segment(0))
    catalog.retention.mark_deleting([segment(0).id])
    assert catalog.segments.lease("me", 60_000) is None
