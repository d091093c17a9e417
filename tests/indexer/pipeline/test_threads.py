from __future__ import annotations

import threading

import pytest

from indexer.pipeline.threads import BoundedQueue, StoppedWork, Stopwatch, ThreadGroup


def test_the_first_failure_stops_all_and_is_raised_again() -> None:
    group = ThreadGroup()
    items: BoundedQueue[int] = BoundedQueue(group, 1)

    def endless() -> None:
        while True:
            items.put(1)  # nobody takes it out

    def fails() -> None:
        raise KeyError("the reason")

    group.start("endless", endless)
    group.start("fails", fails)
    with pytest.raises(KeyError, match="the reason"):
        group.join()
    with pytest.raises(StoppedWork):
        items.put(2)
    with pytest.raises(StoppedWork):
        items.get()


def test_a_thread_that_was_stopped_stops_the_others() -> None:
    group = ThreadGroup()
    items: BoundedQueue[int] = BoundedQueue(group, 1)

    def stopped() -> None:
        raise StoppedWork

    group.start("waits", lambda: print(items.get()))
    group.start("stopped", stopped)
    group.join()
    assert group.stop.is_set()


def test_items_arrive_in_order_and_waiting_ends_in_time() -> None:
    group = ThreadGroup()
    items: BoundedQueue[int] = BoundedQueue(group, 2)

    def puts() -> None:
        for n in range(100):
            items.put(n)

    group.start("puts", puts)
    assert [items.get() for _ in range(100)] == list(range(100))
    assert items.get(timeout_s=0.01) is None
    group.join()


def test_seconds_add_up_over_threads() -> None:
    stopwatch = Stopwatch()

    def work() -> None:
        for _ in range(1000):
            stopwatch.add("decode", 0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stopwatch.seconds() == {"decode": pytest.approx(4.0)}
    stopwatch.add("embed", 12.0)
    assert stopwatch.shares() == {"embed": pytest.approx(75.0), "decode": pytest.approx(25.0)}
    assert Stopwatch().shares() == {}
