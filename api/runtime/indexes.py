"""The indexes that are open in this process: the one that answers, and during a `xunren reindex` one beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from indexer.maintenance.reindex import Side
from search.answer import Answer
from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo
from search.config import Settings
from search.engine import SearchEngine
from search.errors import Conflict, NotFound, Unavailable, XunrenError
from search.models.embedder import Embedder, make_embedder
from search.vector_store.base import VectorStore
from search.vector_store.milvus import MilvusStore

log = logging.getLogger(__name__)

LOOK_S = 1.0  # so often a process looks which indexes there are
AGAIN_S = 60.0  # until one that could not be opened is tried again


@dataclass(frozen=True, slots=True, eq=False)
class OpenIndex:
    """One vector space: the model, the rows that it made, and who searches them. All of a search is of one."""

    index: IndexInfo
    embedder: Embedder
    store: VectorStore
    engine: SearchEngine

    @property
    def side(self) -> Side:
        """For `Refill`."""
        return Side(self.index, self.embedder, self.store)


class Indexes(Protocol):
    """What is open."""

    @property
    def live(self) -> OpenIndex:
        """The one that answers."""

    def written(self) -> Sequence[OpenIndex]:
        """Those that new rows go to, at most `LOOK_S` late."""

    def page(self, answer: str, start: int, limit: int, asker: str = "") -> Answer:
        """See `SearchEngine.page`; of an answer of either index."""


class OneIndex:
    """A single index that never changes: for tests and benchmarks."""

    def __init__(self, live: OpenIndex) -> None:
        self.live = live

    def written(self) -> Sequence[OpenIndex]:
        """See `Indexes.written`."""
        return (self.live,)

    def page(self, answer: str, start: int, limit: int, asker: str = "") -> Answer:
        """See `Indexes.page`."""
        return self.live.engine.page(answer, start, limit, asker)


class CatalogIndexes:
    """What the catalogue says there is, opened as it comes. Safe for many threads.

    A process that has not yet loaded the model of an index that was switched to, or cannot, goes on with the one
    before, which gets all new rows until it is dropped: no search waits for a model, and none is answered by halves of
    two. What it does not write to an index, other processes make up for (`indexer.maintenance.reindex`).
    """

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._book = catalog.indexes
        self._stack = ExitStack()
        self._lock = threading.RLock()
        self._first: MilvusStore | None = None
        self._open: dict[str, OpenIndex] = {}
        self._written: tuple[OpenIndex, ...] = ()
        self._looked = 0.0
        self._live: OpenIndex | None = None
        self._failed: dict[str, tuple[float, XunrenError]] = {}  # when, and why, by collection

    def open(self) -> None:
        """Open the index that answers, and make it where the data folder is new.

        Raises:
            Conflict: it was made with another model than the settings name.
            Unavailable: a part cannot run.
        """
        index = bound(self._settings, self._catalog)
        self._live = self._open[index.collection] = self._opened(index)

    def close(self) -> None:
        """Close all."""
        self._stack.close()

    @property
    def live(self) -> OpenIndex:
        """See `Indexes.live`. Asked of the catalogue each time: what is switched answers at once."""
        if self._live is None:
            raise Unavailable("the index is not open", cure="call open() first")
        wanted = self._book.live()
        if wanted is not None and wanted.collection != self._live.index.collection:
            self._live = self._successor(wanted, self._live)
        return self._live

    def _successor(self, wanted: IndexInfo, before: OpenIndex) -> OpenIndex:
        if wanted.collection in self._open:
            return self._open[wanted.collection]
        if any(index.collection == before.index.collection for index in self._book.written()):
            return before
        return self.one(wanted)  # the one before is being dropped

    def written(self) -> Sequence[OpenIndex]:
        """See `Indexes.written`. May load a model.

        Raises:
            XunrenError: none of them can be opened here; why.
        """
        if time.monotonic() - self._looked > LOOK_S:
            self.refresh()
        if not self._written:
            raise next(iter(self._failed.values()))[1]
        return self._written

    def refresh(self) -> None:
        """Open what is new and load its model, or say why that cannot be done here; forget what is being dropped."""
        with self._lock:
            wanted = self._book.written()
            for index in wanted:
                if index.collection not in self._open:
                    self._try(index)
            for gone in set(self._open) - {index.collection for index in wanted}:
                del self._open[gone]
            self._written = tuple(self._open[index.collection] for index in wanted if index.collection in self._open)
            self._looked = time.monotonic()

    def _try(self, index: IndexInfo) -> None:
        failed = self._failed.get(index.collection)
        if failed is not None and time.monotonic() - failed[0] < AGAIN_S:
            return
        try:
            self._open[index.collection] = self._opened(index, load=True)
            self._failed.pop(index.collection, None)
        except XunrenError as e:
            self._failed[index.collection] = (time.monotonic(), e)
            log.warning("the index %s is left to other processes, it cannot be opened here: %s", index.collection, e)

    def one(self, index: IndexInfo) -> OpenIndex:
        """One that is open now.

        Raises:
            NotFound: it is gone.
            XunrenError: it cannot be opened here; why.
        """
        self.refresh()
        there = self._open.get(index.collection)
        if there is None and index.collection in self._failed:
            raise self._failed[index.collection][1]
        if there is None:
            raise NotFound("this index is not open", got=index.collection)
        return there

    def store(self, index: IndexInfo) -> MilvusStore:
        """A store of its own, to drop the collection; the caller opens and closes it."""
        return MilvusStore(
            self._settings.store_address,
            collection=index.collection,
            dim=index.dim,
            token=self._settings.store_token,
            beside=self._first,
        )

    def page(self, answer: str, start: int, limit: int, asker: str = "") -> Answer:
        """See `Indexes.page`."""
        others = [one for one in list(self._open.values()) if one is not self.live]
        for one in (self.live, *others):
            try:
                return one.engine.page(answer, start, limit, asker)
            except NotFound as e:
                missing = e
        raise missing

    def _opened(self, index: IndexInfo, *, load: bool = False) -> OpenIndex:
        s = self._settings.model_copy(update={"model": index.model or self._settings.model})
        embedder = make_embedder(s)
        if embedder.label != index.label:
            raise Conflict(
                "the weights of this model have changed since the index was made",
                got=embedder.label,
                expected=index.label,
                cure="put them back, or switch to an index whose model is there (`xunren reindex`)",
            )
        if load:
            embedder.open()
        store = self.store(index)
        store.open()
        self._stack.callback(store.close)  # at the end: somebody may still read it
        self._first = self._first or store
        return OpenIndex(index, embedder, store, SearchEngine(s, embedder, store, self._catalog))


def bound(settings: Settings, catalog: Catalog) -> IndexInfo:
    """The index that answers, with the setting that loads its model. A new data folder gets the one of `settings`.

    The setting `model` may name any model that this data folder was ever switched to or away from: which of them
    answers is said by the catalogue, so that no restart undoes a switch.

    Raises:
        Conflict: the setting names a model that none of its indexes was made with.
    """
    embedder = make_embedder(settings)
    book = catalog.indexes
    live = book.live()
    known = {index.label for index in book.all()}
    if live is not None and live.model and live.label != embedder.label and embedder.label in known:
        log.warning("the index answers by the model %s, not by %s of the settings", live.model, settings.model)
        return live
    catalog.indexes.bind_model(embedder.label, lambda: embedder.dim)
    live = book.live()
    if live is None:
        raise Unavailable("the catalogue has lost its model", cure="run `xunren doctor`")
    return live
