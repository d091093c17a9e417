"""What somebody may see becomes part of the filter, and an empty one never means all."""

from __future__ import annotations

import pytest

from search.access import SEES_ALL, Visibility
from search.errors import Denied
from search.types import Filter

TWO = Visibility(frozenset({"a", "b"}), 1000)


@pytest.mark.parametrize(
    ("where", "narrowed"),
    [
        (Filter(), Filter(cameras=("a", "b"), start_ms=1000)),
        (Filter(cameras=("b", "c")), Filter(cameras=("b",), start_ms=1000)),
        (Filter(start_ms=500, end_ms=2000), Filter(cameras=("a", "b"), start_ms=1000, end_ms=2000)),
        (Filter(start_ms=1500), Filter(cameras=("a", "b"), start_ms=1500)),
    ],
)
def test_a_filter_is_narrowed(where: Filter, narrowed: Filter) -> None:
    assert TWO.narrow(where) == narrowed
    assert SEES_ALL.narrow(where) == where


@pytest.mark.parametrize(
    ("visibility", "where"),
    [
        (Visibility(frozenset()), Filter()),
        (TWO, Filter(cameras=("c",))),
        (TWO, Filter(end_ms=1000)),
        (TWO, Filter(start_ms=1, end_ms=900)),
    ],
)
def test_nothing_in_sight_is_refused(visibility: Visibility, where: Filter) -> None:
    with pytest.raises(Denied):
        visibility.narrow(where)


def test_moments() -> None:
    assert [TWO.moment("a", 1000), TWO.moment("a", 999), TWO.moment("c", 2000)] == [True, False, False]
    assert SEES_ALL.moment("c", 0)
