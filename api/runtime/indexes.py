"""The indexes that are open in this process: the active one, and during a `xunren reindex` a second one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from indexer.pipeline import OpenIndex
from search.answer import Answer
from search.catalog import Catalog, IndexInfo
from search.config import Settings
from search.engine import SearchEngine
from search.errors import Conflict, NotFound, Unavailable, XunrenError
from search.models import make_embedder
from search.vector_store import VectorStore, open_vector_store

log = logging.getLogger(__name__)

REFRESH_S = 1.0  # so often a process reads from the catalogue which indexes exist
RETRY_S = 60.0  # until one that could not be opened is tried again


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SearchableIndex(OpenIndex):
    """An open index with the engine that searches it. Everything in one search is of one index."""

    engine: SearchEngine


class Indexes(Protocol):
    """The open indexes."""

    @property
    def active(self) -> SearchableIndex:
        """Return the active index, which answers searches."""

    def written(self) -> Sequence[SearchableIndex]:
        """Return the indexes that new rows go to, at most `REFRESH_S` late."""

    def page(self, answer: str, start: int, limit: int, requester: str = "") -> Answer:
        """Return a page of an answer of any open index; see `SearchEngine.page`."""


class OneIndex:
    """A single index that never changes: for tests and benchmarks."""

    def __init__(self, active: SearchableIndex) -> None:
        self.active = active

    def written(self) -> Sequence[SearchableIndex]:
        """Return the one index."""
        return (self.active,)

    def page(self, answer: str, start: int, limit: int, requester: str = "") -> Answer:
        """Return a page of an answer; see `SearchEngine.page`."""
        return self.active.engine.page(answer, start, limit, requester)


class CatalogIndexes:
    """The indexes of the catalogue, opened as they are added. Safe for many threads.

    After a switch, a process that has not loaded the new model yet, or cannot, goes on with the index before, which
    gets all new rows until it is dropped: no search waits for a model, and none is answered by two indexes. The rows
    that it does not write to an index are filled in by other processes (`indexer.maintenance.reindex`).
    """

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._index_store = catalog.indexes
        self._stack = ExitStack()
        self._lock = threading.RLock()
        self._first_store: VectorStore | None = None
        self._open: dict[str, SearchableIndex] = {}
        self._written: tuple[SearchableIndex, ...] = ()
        self._refreshed = 0.0
        self._active: SearchableIndex | None = None
        self._failed: dict[str, tuple[float, XunrenError]] = {}  # time and reason, by collection

    def open(self) -> None:
        """Open the active index; make it where the data folder is new.

        Raises:
            Conflict: it was made with another model than the settings name.
            Unavailable: a part cannot run.
        """
        info = active_index(self._settings, self._catalog)
        self._active = self._open[info.collection] = self._opened(info)

    def close(self) -> None:
        """Close all indexes."""
        self._stack.close()

    @property
    def active(self) -> SearchableIndex:
        """Return the active index. The catalogue is queried each time, so that a switch takes effect at once."""
        if self._active is None:
            raise Unavailable("the index is not open", cure="call open() first")
        info = self._index_store.live()
        if info is not None and info.collection != self._active.info.collection:
            self._active = self._successor(info, self._active)
        return self._active

    def _successor(self, info: IndexInfo, before: SearchableIndex) -> SearchableIndex:
        if info.collection in self._open:
            return self._open[info.collection]
        if any(other.collection == before.info.collection for other in self._index_store.written()):
            return before
        return self.one(info)  # the one before is being dropped

    def written(self) -> Sequence[SearchableIndex]:
        """Return the indexes that new rows go to. May load a model.

        Raises:
            XunrenError: the reason why none of them can be opened here.
        """
        if time.monotonic() - self._refreshed > REFRESH_S:
            self.refresh()
        if not self._written:
            raise next(iter(self._failed.values()))[1]
        return self._written

    def refresh(self) -> None:
        """Open new indexes and load their models, or log why that fails here; forget those that are being dropped."""
        with self._lock:
            entries = self._index_store.written()
            for info in entries:
                if info.collection not in self._open:
                    self._try(info)
            for dropped in set(self._open) - {info.collection for info in entries}:
                del self._open[dropped]
            self._written = tuple(self._open[info.collection] for info in entries if info.collection in self._open)
            self._refreshed = time.monotonic()

    def _try(self, info: IndexInfo) -> None:
        failed = self._failed.get(info.collection)
        if failed is not None and time.monotonic() - failed[0] < RETRY_S:
            return
        try:
            self._open[info.collection] = self._opened(info, load=True)
            self._failed.pop(info.collection, None)
        except XunrenError as e:
            self._failed[info.collection] = (time.monotonic(), e)
            log.warning("the index %s is left to other processes, it cannot be opened here: %s", info.collection, e)

    def one(self, info: IndexInfo) -> SearchableIndex:
        """Return an open index.

        Raises:
            NotFound: it is gone.
            XunrenError: the reason why it cannot be opened here.
        """
        self.refresh()
        index = self._open.get(info.collection)
        if index is None and info.collection in self._failed:
            raise self._failed[info.collection][1]
        if index is None:
            raise NotFound("this index is not open", got=info.collection)
        return index

    def store(self, info: IndexInfo) -> VectorStore:
        """Open a separate store of an index, to drop its collection; the caller closes it."""
        return open_vector_store(self._settings, collection=info.collection, dim=info.dim, beside=self._first_store)

    def page(self, answer: str, start: int, limit: int, requester: str = "") -> Answer:
        """Return a page of an answer of any open index; see `SearchEngine.page`."""
        active = self.active  # once: a switch in between would leave out the index before, whose answer it may be
        others = [index for index in list(self._open.values()) if index is not active]
        for index in (active, *others):
            try:
                return index.engine.page(answer, start, limit, requester)
            except NotFound as e:
                missing = e
        raise missing

    def _opened(self, info: IndexInfo, *, load: bool = False) -> SearchableIndex:
        s = self._settings.model_copy(update={"model": info.model or self._settings.model})
        embedder = make_embedder(s)
        if embedder.label != info.label:
            raise Conflict(
                "the weights of this model have changed since the index was made",
                got=embedder.label,
                expected=info.label,
                cure="put them back, or switch to an index whose model is there (`xunren reindex`)",
            )
        if load:
            embedder.open()
        store = self.store(info)
        self._stack.callback(store.close)  # at the end: a search may still read it
        self._first_store = self._first_store or store
        return SearchableIndex(info, embedder, store, engine=SearchEngine(s, embedder, store, self._catalog))


def active_index(settings: Settings, catalog: Catalog) -> IndexInfo:
    """Return the entry of the active index. A new data folder gets one with the model of `settings`.

    The setting `model` may name any model that this data folder was ever switched to or from: the catalogue decides
    which of them is active, so that no restart undoes a switch.

    Raises:
        Conflict: the setting names a model that none of its indexes was made with.
    """
    embedder = make_embedder(settings)
    store = catalog.indexes
    live = store.live()
    known = {info.label for info in store.all()}
    if live is not None and live.model and live.label != embedder.label and embedder.label in known:
        log.warning("the index answers by the model %s, not by %s of the settings", live.model, settings.model)
        return live
    catalog.indexes.bind_model(embedder.label, lambda: embedder.dim)
    live = store.live()
    if live is None:
        raise Unavailable("the catalogue has lost its model", cure="run `xunren doctor`")
    return live
