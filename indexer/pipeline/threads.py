"""Tools of the worker's threads: bounded queues that stop together, and a stopwatch of their work."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL_S = 0.1


class StoppedWork(Exception):
    """The run was stopped, by its user or by a failure in another thread."""


class ThreadGroup:
    """Threads that stop together: the first failure stops all and is raised again by `join()`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None

    def start(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Run `work` in a thread of its own."""

        def guarded() -> None:
            try:
                work()
            except StoppedWork:
                self.stop.set()
            except BaseException as e:
                self._failure = self._failure or e
                self.stop.set()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def join(self) -> None:
        """Wait for all threads, then raise the first failure."""
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure


class BoundedQueue(Generic[T]):
    """A bounded queue of a thread group. Both ends raise `StoppedWork` once the group is stopped."""

    def __init__(self, group: ThreadGroup, size: int) -> None:
        self._group = group
        self._queue: queue.Queue[T] = queue.Queue(size)

    def put(self, item: T) -> None:
        """Add an item; wait for room."""
        while True:
            if self._group.stop.is_set():
                raise StoppedWork
            try:
                return self._queue.put(item, timeout=_POLL_S)
            except queue.Full:
                continue

    def get(self, timeout_s: float | None = None) -> T | None:
        """Remove and return an item; None when `timeout_s` passes without one."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._group.stop.is_set():
                raise StoppedWork
            left = _POLL_S if until is None else min(_POLL_S, until - time.monotonic())
            try:
                return self._queue.get(timeout=max(left, 0.001))
            except queue.Empty:
                if until is not None and time.monotonic() >= until:
                    return None


class Stopwatch:
    """Seconds spent on each named part of the work; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, part: str, seconds: float) -> None:
        """Add `seconds` to `part`."""
        with self._lock:
            self._seconds[part] += seconds

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        """Add the time that the block takes to `part`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(part, time.perf_counter() - began)

    def seconds(self) -> dict[str, float]:
        """Return the seconds so far, by part."""
        with self._lock:
            return dict(self._seconds)

    def shares(self) -> dict[str, float]:
        """Return the percentage of each part in all that was counted, the largest first."""
        seconds = self.seconds()
        whole = sum(seconds.values()) or 1.0
        return {part: 100 * of / whole for part, of in sorted(seconds.items(), key=lambda item: -item[1])}
