"""Begins a second index and fills it from recordings until it is complete."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterable

from api.runtime import REFRESH_S, AppContext, the_indexes
from indexer.maintenance import IndexFiller
from indexer.pipeline import OpenIndex
from search.catalog import Catalog, IndexInfo, IndexState, ReindexScope
from search.models import make_embedder
from search.types import Segment

log = logging.getLogger(__name__)

IDLE_S = 1.0


def begin(context: AppContext, model: str, scope: ReindexScope) -> IndexInfo:
    """Begin a second index beside the active one; any process with an open context fills it. Called again, it goes on.

    Raises:
        Conflict: its model is that of the active index, or there is a second index of another model already.
        BadInput: an unknown model.
        NotFound: an unknown camera.
        Unavailable: the model cannot be loaded.
    """
    context.catalog.cameras.check(scope.cameras)
    s = context.settings
    embedder = make_embedder(s, model)
    embedder.open()  # nothing is begun that cannot be completed
    live_model = context.indexes.active.info.model or s.model
    new = IndexInfo("", embedder.label, embedder.dim, model, scope=scope)
    info = context.catalog.indexes.begin(new, live_model)
    the_indexes(context).refresh()
    return info


def backfill_until(context: AppContext, stop: threading.Event) -> None:
    """Fill what any index lacks, until `stop`; idle while there is only one."""
    synchronizer = IndexSynchronizer(context)
    while not stop.is_set():
        if not synchronizer.step(stop):
            stop.wait(IDLE_S)


def load_indexes_until(context: AppContext, stop: threading.Event) -> None:
    """Load the model of a second index before any search needs it, in a process that does not index; until `stop`."""
    while not stop.wait(REFRESH_S):
        context.indexes.written()


class IndexSynchronizer:
    """Fills what each open index lacks out of the other. It keeps its position, so use one for a whole run."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._fillers: dict[tuple[OpenIndex, OpenIndex], IndexFiller] = {}

    def step(self, stop: threading.Event, progress: Callable[[Segment], None] = lambda _: None) -> int:
        """Do one step for each index and return how many segments were filled. A complete index becomes ready.

        Raises:
            StoppedWork: `stop` is set; segments under way wait again.
            Unavailable: a part does not answer.
        """
        pairs = list(itertools.permutations(self._context.indexes.written(), 2))
        if not pairs:
            return 0
        catalog = self._context.catalog
        entries = {info.collection: info for info in catalog.indexes.written()}
        self._fillers = {pair: self._fillers.get(pair) or self._filler(*pair) for pair in pairs}
        count = sum(
            filler.step(stop, progress, entries[target.info.collection].scope)
            for (target, _), filler in self._fillers.items()
            if target.info.collection in entries
        )
        if not count:
            self._mark_ready(catalog, entries.values())
        return count

    def _filler(self, target: OpenIndex, source: OpenIndex) -> IndexFiller:
        c = self._context
        return IndexFiller(c.settings, c.catalog, c.media, source, target)

    def _mark_ready(self, catalog: Catalog, entries: Iterable[IndexInfo]) -> None:
        for info in entries:
            if (
                info.state is IndexState.BUILDING
                and not (work := catalog.backfill.progress(info)).missing
                and not work.failed
            ):
                the_indexes(self._context).one(info).engine.warm_up()
                catalog.indexes.ready(info.collection)
                log.info("the index %s of %s is ready", info.collection, info.label)
