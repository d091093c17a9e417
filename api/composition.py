"""Composes the floors: opens catalogue, store, model and media as the settings say, in one place for all doors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import tzinfo

from api.accounts import tables  # noqa: F401 - made with the catalogue's
from api.alerts import tables as standing_tables  # noqa: F401 - made with the catalogue's
from api.alerts.alert_store import AlertStore
from api.alerts.matcher import AlertMatcher, settled
from api.alerts.saved_search_store import SavedSearchStore
from api.audit import tables as audit_tables  # noqa: F401 - made with the catalogue's
from api.cases import tables as casework_tables  # noqa: F401 - made with the catalogue's
from api.runtime.indexes import CatalogIndexes, Indexes, OpenIndex
from indexer.detection.detector import make_detector
from indexer.pipeline.analyzer import Target
from indexer.pipeline.executors import Executor, ThreadExecutor
from indexer.pipeline.ray_executor import RayExecutor
from indexer.pipeline.worker import IndexWorker
from search.catalog.catalog import Catalog
from search.config import Settings, check_addresses
from search.engine import SearchEngine
from search.errors import NotFound, Unavailable
from search.media.media_store import MediaStore, open_media
from search.models.embedder import Embedder
from search.times import zone_of
from search.vector_store.base import VectorStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AppContext:
    """Everything that answers and indexes, open. Made by `open_context`, which also closes it."""

    settings: Settings
    zone: tzinfo
    catalog: Catalog
    media: MediaStore
    indexes: Indexes

    @property
    def store(self) -> VectorStore:
        """Rows of the index that answers now."""
        return self.indexes.live.store

    @property
    def embedder(self) -> Embedder:
        """Its model."""
        return self.indexes.live.embedder

    @property
    def engine(self) -> SearchEngine:
        """Who searches it."""
        return self.indexes.live.engine

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """What indexes and compares new rows with the standing searches: threads here, or processes on Ray."""
        if self.settings.executor == "ray":
            yield RayExecutor(self.settings, self.catalog, open_executor)
            return
        with self.threads() as executor:
            yield executor

    @contextmanager
    def threads(self, owner: str = "") -> Iterator[ThreadExecutor]:
        """Threads of this process that index, with their detector open; `owner`: of their leases."""
        s = self.settings
        detector = make_detector(s.detector, weights=s.detector_weights, device=s.device)
        detector.open()
        try:
            with ExitStack() as stack:
                targets = _Targets(self, stack)
                first = targets.now()[0]
                worker = IndexWorker(
                    s, first.embedder, first.store, self.catalog, self.media, detector, targets=targets.now
                )
                yield ThreadExecutor(worker, self.catalog, lease_s=s.lease_s, max_lag_s=s.max_lag_s, owner=owner)
        finally:
            detector.close()


class _Targets:
    """Where new rows go, and who compares them with the standing searches that were measured by their model."""

    def __init__(self, parts: AppContext, stack: ExitStack) -> None:
        self._parts = parts
        self._stack = stack
        self._lock = threading.Lock()
        self._known: dict[OpenIndex, Target] = {}

    def now(self) -> Sequence[Target]:
        """At this moment."""
        with self._lock:
            return [self._target(one) for one in self._parts.indexes.written()]

    def _target(self, one: OpenIndex) -> Target:
        if one not in self._known:
            catalog = self._parts.catalog
            watcher = AlertMatcher(SavedSearchStore(catalog), AlertStore(catalog), one.embedder.label)
            self._stack.enter_context(settled(watcher))
            self._known[one] = Target(one.index.collection, one.embedder, one.store, watcher.watch)
        return self._known[one]


@contextmanager
def open_catalog(settings: Settings) -> Iterator[Catalog]:
    """The catalogue alone; makes the data folder.

    Raises:
        Unavailable: the folder or the database cannot be made or opened.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise Unavailable(
            "the data folder cannot be made", got=settings.data_dir, cure=f"{e.strerror}; choose another --data-dir"
        ) from None
    with Catalog(settings.catalog_address) as catalog:
        yield catalog


@contextmanager
def open_context(settings: Settings) -> Iterator[AppContext]:
    """Open all parts. The model's weights are loaded only when first needed, unless the index is new.

    Raises:
        BadInput: the settings' addresses contradict each other.
        Conflict: the index was made with another model.
        Unavailable: a part cannot run; with Milvus Lite also when another process has the index open.
    """
    check_addresses(settings)
    with ExitStack() as stack:
        catalog = stack.enter_context(open_catalog(settings))
        media = open_media(settings)
        media.check()
        indexes = CatalogIndexes(settings, catalog)
        stack.callback(indexes.close)
        indexes.open()
        if settings.is_lite:
            catalog.segments.release()  # the file is ours alone, so whoever held leases before is dead
            catalog.backfill.release()
        yield AppContext(settings, zone_of(settings.timezone), catalog, media, indexes)


@contextmanager
def open_executor(settings: Settings, owner: str) -> Iterator[ThreadExecutor]:
    """All that a worker process needs, open (`indexer.pipeline.ray_executor`)."""
    with open_context(settings) as parts, parts.threads(owner) as executor:
        yield executor


def check_index_exists(settings: Settings) -> None:
    """Raise `NotFound` where nothing was ever indexed, before a search makes an empty index there."""
    if settings.is_lite and not settings.catalog_url and not (settings.data_dir / "catalog.sqlite").exists():
        raise NotFound(
            "there is no index here",
            got=settings.data_dir.absolute(),
            cure="run `xunren index PATH...` first, or give the right --data-dir",
        )
