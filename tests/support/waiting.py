"""Waits for facts: a test never sleeps for a fixed time where it can see that something has happened."""

from __future__ import annotations

import time
from collections.abc import Callable

BETWEEN_S = 0.05


def until(fact: Callable[[], object], seconds: float = 240.0) -> None:
    """Wait until `fact()` is true, and fail after `seconds`.

    The limit is generous on purpose: it only ends a test that would hang, so that a busy machine fails no test.
    """
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, f"not within {seconds:g} s: {fact}"
        time.sleep(BETWEEN_S)


def quickest(act: Callable[[], object], tries: int = 5) -> float:
    """Return the seconds of the quickest of some tries, to be compared with another one's of the same run only."""
    return min(_seconds(act) for _ in range(tries))


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
