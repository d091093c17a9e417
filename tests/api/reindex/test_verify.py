"""A second index is compared with the active one: what differs is named, what is only under way is not a fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from api.reindex import switch
from api.reindex.verify import verify
from api.runtime.context import AppContext
from search.catalog import IndexState
from search.errors import Conflict
from tests.support.reindex import second, states


def test_rows_that_the_new_index_is_not_to_have_yet_are_nothing_wrong(built_context: AppContext) -> None:
    context, index = built_context, second(built_context)
    active = context.indexes.active
    rows, vectors = active.store.sample(1000)
    begun = [replace(row, id=f"begun{n:02}", segment_id="begun") for n, row in enumerate(rows[:60])]
    active.store.upsert(begun, vectors[:60])
    active.store.flush()
    assert verify(context, index) == []
    assert states(switch(context)) == {"xunren": "old", "xunren_2": "live"}


def test_what_is_wrong_is_named_and_not_switched_to(built_context: AppContext) -> None:
    context, index = built_context, second(built_context)
    segment = next(s for s in context.catalog.segments.reports()).segment
    assert (index.state, verify(context, index)) == (IndexState.READY, [])
    _, other = context.indexes.written()
    lost = sorted(other.store.ids(segment.id))[0]
    rows, vectors = other.store.get([lost])
    other.store.delete_segment(segment.id, keep=other.store.ids(segment.id) - {lost})
    assert [segment.id in fault for fault in verify(context, index)][:1] == [True]
    other.store.upsert(rows, vectors)
    assert verify(context, index) == []
    rows, vectors = other.store.sample(100_000)
    other.store.upsert(rows, np.roll(vectors, 1, axis=0))  # every row has the vector of another one
    assert ["not have the vector of their image" in fault for fault in verify(context, index)] == [True]
    with pytest.raises(Conflict, match="does not hold what it should"):
        switch(context)
