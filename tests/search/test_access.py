"""What somebody may see becomes part of the filter, and an empty one never means all."""

from __future__ import annotations

import pytest

from search.access import SEES_ALL, Visibility
from search.errors import Denied
from search.types import Filter

TWO = Visibility(frozenset({"a", "b"}), 1000)


@pytest.mark.parametrize(
    ("asked", "narrowed"),
    [
        (Filter(), Filter(cameras=("a", "b"), from_ms=1000)),
        (Filter(cameras=("b", "c")), Filter(cameras=("b",), from_ms=1000)),
        (Filter(from_ms=500, to_ms=2000), Filter(cameras=("a", "b"), from_ms=1000, to_ms=2000)),
        (Filter(from_ms=1500), Filter(cameras=("a", "b"), from_ms=1500)),
    ],
)
def test_a_filter_is_narrowed(asked: Filter, narrowed: Filter) -> None:
    assert TWO.narrow(asked) == narrowed
    assert SEES_ALL.narrow(asked) == asked


@pytest.mark.parametrize(
    ("sight", "asked"),
    [
        (Visibility(frozenset()), Filter()),
        (TWO, Filter(cameras=("c",))),
        (TWO, Filter(to_ms=1000)),
        (TWO, Filter(from_ms=1, to_ms=900)),
    ],
)
def test_nothing_in_sight_is_refused(sight: Visibility, asked: Filter) -> None:
    with pytest.raises(Denied):
        sight.narrow(asked)


def test_moments() -> None:
    assert [TWO.moment("a", 1000), TWO.moment("a", 999), TWO.moment("c", 2000)] == [True, False, False]
    assert SEES_ALL.moment("c", 0)
