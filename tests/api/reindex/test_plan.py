"""What a re-index would cost: counted in the catalogue, measured on a few segments."""

from __future__ import annotations

import pytest

from api.reindex import plan
from api.runtime.context import AppContext
from search.catalog import ReindexScope
from search.errors import BadInput, Conflict, NotFound

ALL = ReindexScope()


def test_all_recordings_are_counted_and_some_measured(context: AppContext, second_model: str) -> None:
    cost = plan(context, second_model, ALL).as_dict()
    assert cost["rows"] == context.store.count() > 50
    assert cost["segments"] == cost["segments_left"] == 4
    assert 0 < cost["seconds_min"] <= cost["seconds_max"]
    assert cost["bytes_new"] > cost["rows"] * cost["dim"] * 4
    assert len(context.catalog.indexes.all()) == 1, "nothing is begun"


def test_a_part_costs_less_and_what_is_built_costs_nothing(built_context: AppContext, second_model: str) -> None:
    part = plan(built_context, second_model, ReindexScope(cameras=("gate",)))
    assert (part.cost.segments, part.left) == (1, 0)
    whole = plan(built_context, second_model, ALL)
    assert (whole.cost.segments, whole.left) == (4, 0)
    assert whole.seconds == (0, 0)


def test_what_cannot_be_planned_is_refused(context: AppContext, second_model: str) -> None:
    with pytest.raises(Conflict, match="answers by this model already"):
        plan(context, "xunren-small", ALL)
    with pytest.raises(NotFound, match="unknown camera"):
        plan(context, second_model, ReindexScope(cameras=("nowhere",)))
    with pytest.raises(BadInput):
        plan(context, "no-such-model", ALL)
