"""The index opened in this process, for as long as one call takes. See `protocol` for what each method answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cases import cases_of
from api.commands import audit_trail
from api.commands.backend.data import report_data
from api.commands.backend.protocol import Data, OnSegment
from api.commands.backend.requests import PhotoFile, ReindexRequest, SavedSearchRequest, SearchRequest
from api.commands.purpose import check_purpose
from api.composition import open_catalog, open_context
from api.runtime import AppContext
from search.catalog import Catalog, ReindexScope
from search.config import Settings
from search.media import photo_file
from search.query import Query
from search.times import now_ms
from search.types import Clip, Filter

if TYPE_CHECKING:
    from api.alerts import SavedSearchService
    from api.cases import Case, CaseFindings, CaseSearchOptions, CaseService, CaseView, Sign
    from indexer.maintenance import ConsistencyChecker
    from search.answer import Answer
    from search.types import Image, Segment
    from search.vector_store import VectorStore

log = logging.getLogger(__name__)

POLL_S = 0.5
Opener = Callable[[Settings], AbstractContextManager[AppContext]]
CheckerOpener = Callable[[Settings], "AbstractContextManager[ConsistencyChecker]"]


@contextmanager
def open_checker(settings: Settings) -> Iterator[ConsistencyChecker]:
    """Open what a comparison needs: catalogue, media and vector store, but no model, which may be gone."""
    from indexer.maintenance import ConsistencyChecker
    from search.media import open_media

    with open_catalog(settings) as catalog, _open_store(settings, catalog) as store:
        yield ConsistencyChecker(settings, catalog, store, open_media(settings))


@contextmanager
def _open_store(settings: Settings, catalog: Catalog) -> Iterator[VectorStore | None]:
    """Open the vector store; None while the index is new."""
    from search.vector_store import open_vector_store

    live = catalog.indexes.live()
    if live is None:
        yield None
        return
    with open_vector_store(settings, collection=live.collection, dim=live.dim) as store:
        yield store


class LocalBackend:
    """The index in this process. Cheap to make: each call opens what it needs and closes it.

    Args:
        settings: settings of the index; `case` and `reason` say what a search is for.
        opened: opens the index.
        checker_opened: opens what a comparison needs.
    """

    def __init__(
        self, settings: Settings, opened: Opener = open_context, checker_opened: CheckerOpener = open_checker
    ) -> None:
        self.address = None
        self.searches = LocalSearch(settings, opened)
        self.cases = LocalCases(settings, opened)
        self.saved_searches = LocalSavedSearches(settings, opened)
        self.indexing = LocalIndexing(settings, opened)
        self.reindex = LocalReindex(settings, opened)
        self.consistency = LocalConsistency(settings, checker_opened)
        self.evidence = LocalEvidence(settings, opened)

    def health(self) -> Data:
        """Return that all is well: whatever opens the index here says itself what is wrong."""
        return {"status": "ok", "checks": {"store": "ok", "catalog": "ok"}}


class LocalSearch:
    """See `SearchBackend`."""

    def __init__(self, settings: Settings, opened: Opener) -> None:
        self._settings = settings
        self._open = opened

    def search(self, request: SearchRequest) -> Data:
        """See `SearchBackend.search`."""
        query = _query(request)
        with self._open(self._settings) as context:
            check_purpose(self._settings, context.catalog, self._settings.case)
            answer = context.engine.search(query)
            if request.offset:
                answer = context.indexes.page(answer.id, request.offset, query.limit)
            return _answer_data(context, answer)


class LocalCases:
    """See `CaseBackend`."""

    def __init__(self, settings: Settings, opened: Opener) -> None:
        self._settings = settings
        self._open = opened

    def search(self, case_id: str, options: CaseSearchOptions) -> Data:
        """See `CaseBackend.search`."""
        with self._open_service() as (context, service, _):
            check_purpose(self._settings, context.catalog, case_id)
            return _findings_data(context, service.search(case_id, options))

    def follow(self, case_id: str, number: int | None, hours: float, options: CaseSearchOptions) -> Data:
        """See `CaseBackend.follow`."""
        with self._open_service() as (context, service, _):
            check_purpose(self._settings, context.catalog, case_id)
            return _findings_data(context, service.follow(case_id, number, hours, options))

    def mark(self, case_id: str, clip_id: str, sign: Sign) -> Data:
        """See `CaseBackend.mark`."""
        with self._open_service() as (_, service, view):
            case: Case = service.mark(case_id, clip_id, sign)
            return view.full(case)

    def confirm(self, case_id: str, clip_id: str, note: str) -> Data:
        """See `CaseBackend.confirm`."""
        with self._open_service() as (_, service, view):
            return view.sighting(case_id, service.confirm(case_id, clip_id, note))

    @contextmanager
    def _open_service(self) -> Iterator[tuple[AppContext, CaseService, CaseView]]:
        from api.cases import CaseService, CaseView, FileLinks

        with self._open(self._settings) as context:
            cases = cases_of(self._settings, context.catalog)
            yield (
                context,
                CaseService(context, cases),
                CaseView(context.catalog, context.zone, FileLinks(cases.pictures)),
            )


class LocalSavedSearches:
    """See `SavedSearchBackend`."""

    def __init__(self, settings: Settings, opened: Opener) -> None:
        self._settings = settings
        self._open = opened

    def preview(self, request: SavedSearchRequest) -> Data:
        """See `SavedSearchBackend.preview`."""
        from api.alerts import measured_dict

        with self._open_service(request) as (_, service):
            draft, aim = service.preview(request.draft(now_ms()))
            return {"cameras": list(draft.cameras), "measured": measured_dict(aim.measured)}

    def add(self, request: SavedSearchRequest) -> Data:
        """See `SavedSearchBackend.add`."""
        from api.alerts import SavedSearchView

        with self._open_service(request) as (context, service):
            saved = service.add(request.draft(now_ms()), request.webhook_url)
            view = SavedSearchView(self._settings, context.catalog)
            return view.one(saved.search) | {"webhook_secret": saved.secret or None}

    @contextmanager
    def _open_service(self, request: SavedSearchRequest) -> Iterator[tuple[AppContext, SavedSearchService]]:
        from api.alerts import EngineIndex, SavedSearchService
        from search.vault import Vault

        with self._open(self._settings) as context:
            check_purpose(self._settings, context.catalog, request.case)
            vault = Vault(self._settings.data_dir, self._settings.secret_key)
            yield context, SavedSearchService(context.catalog, vault, EngineIndex(context))


class LocalIndexing:
    """See `IndexingBackend`."""

    def __init__(self, settings: Settings, opened: Opener) -> None:
        self._settings = settings
        self._open = opened

    def run(self, segments: Sequence[Segment], on_segment: OnSegment) -> Iterator[Data]:
        """See `IndexingBackend.run`. Indexes whatever waits, `segments` among it."""
        from api.jobs import deliver_alerts_until, in_background, open_executor

        with (
            self._open(self._settings) as context,
            in_background("alerts", lambda stop: deliver_alerts_until(context, stop)),
            open_executor(context) as executor,
        ):
            for report in executor.run(on_segment):
                on_segment(report.segment, report.segment.duration_ms)
                log.info("%s: %s, %d rows", report.segment.path, report.state, report.rows)
                yield report_data(report)


class LocalReindex:
    """See `ReindexBackend`."""

    def __init__(self, settings: Settings, opened: Opener) -> None:
        self._settings = settings
        self._open = opened

    def plan(self, request: ReindexRequest) -> Data:
        """See `ReindexBackend.plan`."""
        from api.reindex import plan

        with self._open(self._settings) as context:
            return plan(context, request.model, _scope(request)).as_dict()

    def build(self, request: ReindexRequest, on_segment: OnSegment) -> Data:
        """See `ReindexBackend.build`."""
        from api.reindex import begin, status

        with self._open(self._settings) as context:
            begin(context, request.model, _scope(request))
            _backfill(context, on_segment)
            return status(context.catalog)

    def switch(self) -> Data:
        """See `ReindexBackend.switch`."""
        return self._do("switch")

    def rollback(self) -> Data:
        """See `ReindexBackend.rollback`."""
        return self._do("rollback")

    def drop(self) -> Data:
        """See `ReindexBackend.drop`."""
        return self._do("drop")

    def _do(self, action: str) -> Data:
        from api.reindex import drop, switch

        with self._open(self._settings) as context:
            return drop(context) if action == "drop" else switch(context, back=action == "rollback")


class LocalConsistency:
    """See `ConsistencyBackend`."""

    def __init__(self, settings: Settings, opened: CheckerOpener) -> None:
        self._settings = settings
        self._open = opened

    def check(self) -> Data:
        """See `ConsistencyBackend.check`."""
        from indexer.maintenance import as_dict

        with self._open(self._settings) as checker:
            return as_dict(checker.check())

    def mend(self) -> Data:
        """See `ConsistencyBackend.mend`."""
        from indexer.maintenance import as_dict

        with self._open(self._settings) as checker:
            checker.mend()
            return as_dict(checker.check())


class LocalEvidence:
    """See `EvidenceBackend`."""

    def __init__(self, settings: Settings, opened: Opener) -> None:
        self._settings = settings
        self._open = opened

    def export(self, case_id: str, number: int, folder: Path, *, blur: bool) -> Data:
        """See `EvidenceBackend.export`."""
        from api.evidence import EvidenceExporter, ExportRequest

        with self._open(self._settings) as context:
            request = ExportRequest(audit_trail.account(), audit_trail.ADDRESS, blur)
            exporter = EvidenceExporter(context, cases_of(self._settings, context.catalog))
            return exporter.export(case_id, number, folder, request)


def _query(request: SearchRequest) -> Query:
    return Query(
        sentence=request.query,
        where=Filter(request.cameras, request.kinds, request.start_ms, request.end_ms),
        limit=request.limit,
        photos=[_image(photo) for photo in request.photos],
        like=request.like,
        unlike=request.unlike,
        without=request.without,
        order=request.order,
    )


def _image(photo: PhotoFile) -> Image:
    return photo_file(photo.path, photo.box)


def _answer_data(context: AppContext, answer: Answer) -> Data:
    """Return the answer with paths of thumbnails on this machine. It is in the audit log before anybody sees it."""

    def thumbnail(clip: Clip) -> str:
        return context.media.thumbnail_address(*answer.moment(clip))

    data: dict[str, Any] = answer.as_dict(context.zone, thumbnail)
    for clip in data["clips"]:
        clip["clip_url"] = None
    audit_trail.record_shown(context.catalog, data)
    return data


def _findings_data(context: AppContext, findings: CaseFindings) -> Data:
    return findings.as_dict(_answer_data(context, findings.answer))


def _scope(request: ReindexRequest) -> ReindexScope:
    return ReindexScope(request.start_ms, request.end_ms, request.cameras)


def _backfill(context: AppContext, on_segment: OnSegment) -> None:
    """Fill the second index until nothing is missing; other processes may fill it, too."""
    from api.reindex import IndexSynchronizer

    catalog, never, synchronizer = context.catalog, threading.Event(), IndexSynchronizer(context)

    def advance(segment: Segment) -> None:
        on_segment(segment, segment.duration_ms)

    while True:
        if synchronizer.step(never, advance):
            continue
        index = catalog.indexes.other()
        if index is None or not catalog.backfill.progress(index).missing:
            break
        time.sleep(POLL_S)  # others are at it
    synchronizer.step(never)  # which marks it ready
