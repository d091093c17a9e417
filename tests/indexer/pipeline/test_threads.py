from __future__ import annotations

import threading

import pytest

from indexer.pipeline.threads import BoundedQueue, StoppedWork, Stopwatch, ThreadGroup


def test_the_first_failure_stops_all_and_is_raised_again() -> None:
    crew = ThreadGroup()
    pipe: BoundedQueue[int] = BoundedQueue(crew, 1)

    def endless() -> None:
        while True:
            pipe.put(1)  # nobody takes it out

    def fails() -> None:
        raise KeyError("the reason")

    crew.start("endless", endless)
    crew.start("fails", fails)
    with pytest.raises(KeyError, match="the reason"):
        crew.join()
    with pytest.raises(StoppedWork):
        pipe.put(2)
    with pytest.raises(StoppedWork):
        pipe.get()


def test_a_thread_that_was_stopped_stops_the_others() -> None:
    crew = ThreadGroup()
    pipe: BoundedQueue[int] = BoundedQueue(crew, 1)

    def stopped() -> None:
        raise StoppedWork

    crew.start("waits", lambda: print(pipe.get()))
    crew.start("stopped", stopped)
    crew.join()
    assert crew.stop.is_set()


def test_items_arrive_in_order_and_waiting_ends_in_time() -> None:
    crew = ThreadGroup()
    pipe: BoundedQueue[int] = BoundedQueue(crew, 2)

    def puts() -> None:
        for n in range(100):
            pipe.put(n)

    crew.start("puts", puts)
    assert [pipe.get() for _ in range(100)] == list(range(100))
    assert pipe.get(timeout_s=0.01) is None
    crew.join()


def test_clocks_add_up_over_threads() -> None:
    clocks = Stopwatch()

    def work() -> None:
        for _ in range(1000):
            clocks.add("decode", 0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clocks.seconds() == {"decode": pytest.approx(4.0)}
    clocks.add("embed", 12.0)
    assert clocks.shares() == {"embed": pytest.approx(75.0), "decode": pytest.approx(25.0)}
    assert Stopwatch().shares() == {}
