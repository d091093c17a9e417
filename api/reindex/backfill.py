"""Fills a second index from recordings until it is complete."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterable

from api.composition import AppContext
from api.runtime.context import the_indexes
from api.runtime.indexes import LOOK_S, OpenIndex
from indexer.maintenance.reindex import Backfill
from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo, IndexState
from search.types import Segment

log = logging.getLogger(__name__)

IDLE_S = 1.0


def refill_until(parts: AppContext, stop: threading.Event) -> None:
    """Make up what any index lacks, until `stop`; quiet while there is only one."""
    refiller = Backfiller(parts)
    while not stop.is_set():
        if not refiller.step(stop):
            stop.wait(IDLE_S)


def look_until(parts: AppContext, stop: threading.Event) -> None:
    """Load the model of a second index, where nothing else here does, before any search needs it; until `stop`."""
    while not stop.wait(LOOK_S):
        parts.indexes.written()


class Backfiller:
    """Makes up what the indexes lack, each out of the other. Remembers how far it has looked, so keep it."""

    def __init__(self, parts: AppContext) -> None:
        self._parts = parts
        self._pairs: dict[tuple[OpenIndex, OpenIndex], Backfill] = {}

    def step(self, stop: threading.Event, progress: Callable[[Segment], None] = lambda _: None) -> int:
        """One step for each index; how many segments were filled. An index that has everything becomes ready.

        Raises:
            Stopped: `stop` is set; what is under way waits again.
            Unavailable: a part does not answer.
        """
        there = self._parts.indexes.written()
        pairs = list(itertools.permutations(there, 2))
        if not pairs:
            return 0
        catalog = self._parts.catalog
        now = {index.collection: index for index in catalog.indexes.written()}
        self._pairs = {pair: self._pairs.get(pair) or self._refill(*pair) for pair in pairs}
        done = sum(
            refill.step(stop, progress, now[target.index.collection].scope)
            for (target, _), refill in self._pairs.items()
            if target.index.collection in now
        )
        if not done:
            self._say_ready(catalog, now.values())
        return done

    def _refill(self, target: OpenIndex, source: OpenIndex) -> Backfill:
        p = self._parts
        return Backfill(p.settings, p.catalog, p.media, source.side, target.side)

    def _say_ready(self, catalog: Catalog, there: Iterable[IndexInfo]) -> None:
        for index in there:
            if (
                index.state is IndexState.BUILDING
                and not (work := catalog.backfill.progress(index)).missing
                and not work.failed
            ):
                the_indexes(self._parts).one(index).engine.warm_up()
                catalog.indexes.ready(index.collection)
                log.info("the index %s of %s is ready", index.collection, index.label)
