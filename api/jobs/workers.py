"""Opens what indexes: threads of this process, or processes on Ray, as the settings say."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from api.alerts import AlertMatcher, AlertStore, SavedSearchStore, settled
from api.composition import open_context
from api.runtime import AppContext
from indexer.detection import make_detector
from indexer.pipeline import Executor, IndexWorker, OpenIndex, RayExecutor, ThreadExecutor
from search.config import Settings


@contextmanager
def open_executor(context: AppContext) -> Iterator[Executor]:
    """Open what indexes and compares new rows with the saved searches: threads here, or processes on Ray."""
    if context.settings.executor == "ray":
        yield RayExecutor(context.settings, context.catalog, open_worker)
        return
    with open_threads(context) as executor:
        yield executor


@contextmanager
def open_threads(context: AppContext, owner: str = "") -> Iterator[ThreadExecutor]:
    """Open a detector and the threads of this process that index; `owner` is the name of their leases."""
    s = context.settings
    detector = make_detector(s.detector, weights=s.detector_weights, device=s.device)
    detector.open()
    try:
        with ExitStack() as stack:
            indexes = _WatchedIndexes(context, stack)
            worker = IndexWorker(s, context.catalog, context.media, detector, indexes.current)
            yield ThreadExecutor(worker, context.catalog, lease_s=s.lease_s, max_lag_s=s.max_lag_s, owner=owner)
    finally:
        detector.close()


@contextmanager
def open_worker(settings: Settings, owner: str) -> Iterator[ThreadExecutor]:
    """Open all that a worker process needs (`indexer.pipeline.ray_executor`)."""
    with open_context(settings) as context, open_threads(context, owner) as executor:
        yield executor


class _WatchedIndexes:
    """The indexes that new rows go to. Each compares them with the saved searches that were measured by its model."""

    def __init__(self, context: AppContext, stack: ExitStack) -> None:
        self._context = context
        self._stack = stack
        self._lock = threading.Lock()
        self._watched: dict[OpenIndex, OpenIndex] = {}

    def current(self) -> Sequence[OpenIndex]:
        """Return the indexes that new rows go to now."""
        with self._lock:
            return [self._with_matcher(index) for index in self._context.indexes.written()]

    def _with_matcher(self, index: OpenIndex) -> OpenIndex:
        if index not in self._watched:
            catalog = self._context.catalog
            matcher = AlertMatcher(SavedSearchStore(catalog), AlertStore(catalog), index.embedder.label)
            self._stack.enter_context(settled(matcher))
            self._watched[index] = replace(index, on_rows=matcher.watch)
        return self._watched[index]
