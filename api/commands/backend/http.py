"""The index of the running server, asked over HTTP. See `protocol` for what each method answers."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.commands.backend.data import report_data, with_addresses
from api.commands.backend.protocol import Data, OnSegment
from api.commands.backend.requests import PhotoFile, ReindexRequest, SavedSearchRequest, SearchRequest
from api.runtime import LONG_S, TIMEOUT_S, Server, ask, download, running_server
from search.errors import BadInput, Unavailable
from search.types import Box

if TYPE_CHECKING:
    from api.cases import CaseSearchOptions, Sign
    from search.config import Settings
    from search.types import Filter, Segment

POLL_S = 0.5
PHOTO_ROOM_BYTES = 5 * 1024 * 1024
"""Of all photos of a request: with base64 they stay below the 8 MiB that a server takes."""


class HttpBackend:
    """The index of the running server. Cheap to make.

    Args:
        settings: settings of the index; `case` and `reason` say what a search is for.
        server: runs over it.
    """

    def __init__(self, settings: Settings, server: Server) -> None:
        client = _Client(server)
        self._client = client
        self.address = server.url
        self.searches = HttpSearch(settings, client)
        self.cases = HttpCases(settings, client)
        self.saved_searches = HttpSavedSearches(settings, client)
        self.indexing = HttpIndexing(settings)
        self.reindex = HttpReindex(settings, client)
        self.consistency = HttpConsistency(client)
        self.evidence = HttpEvidence(client)

    def health(self) -> Data:
        """See `Backend.health`."""
        return self._client.get("/api/health")


class _Client:
    """Requests to one server, whose answers get whole URLs."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def get(self, path: str, *, timeout_s: float = TIMEOUT_S) -> Data:
        """Return the answer to GET."""
        return self._answer(ask(self.server, path, timeout_s=timeout_s))

    def post(self, path: str, body: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> Data:
        """Return the answer to POST `body` without its values None."""
        present = {name: value for name, value in body.items() if value is not None}
        return self._answer(ask(self.server, path, present, timeout_s=timeout_s))

    def _answer(self, data: Any) -> Data:
        answer: Data = with_addresses(data, self.server.url)
        return answer


class HttpSearch:
    """See `SearchBackend`."""

    def __init__(self, settings: Settings, client: _Client) -> None:
        self._settings = settings
        self._client = client

    def search(self, request: SearchRequest) -> Data:
        """See `SearchBackend.search`."""
        try:
            answer = self._client.post("/api/search", self._body(request))
        except BadInput as e:
            raise _with_file_names(e, request.photos) from None
        if request.offset:
            page = f"offset={request.offset}&limit={request.limit}"
            return self._client.get(f"/api/search/{answer['id']}?{page}")
        return answer

    def _body(self, request: SearchRequest) -> Data:
        return {
            "query": request.query,
            "photos": photos_data(request.photos),
            "like": request.like,
            "unlike": request.unlike,
            "without": request.without,
            "cameras": request.cameras,
            "kinds": [kind.value for kind in request.kinds],
            "start": request.start_ms,
            "end": request.end_ms,
            "order": request.order.value,
            "limit": request.limit,
            "case": self._settings.case,
            "reason": self._settings.reason,
        }


class HttpCases:
    """See `CaseBackend`."""

    def __init__(self, settings: Settings, client: _Client) -> None:
        self._settings = settings
        self._client = client

    def search(self, case_id: str, options: CaseSearchOptions) -> Data:
        """See `CaseBackend.search`."""
        body = {"reachable_only": options.hard} | _where(options.where) | self._options(options)
        return self._client.post(f"{_case(case_id)}/search", body)

    def follow(self, case_id: str, number: int | None, hours: float, options: CaseSearchOptions) -> Data:
        """See `CaseBackend.follow`."""
        body = {"sighting": number, "hours": hours} | self._options(options)
        return self._client.post(f"{_case(case_id)}/follow", body)

    def mark(self, case_id: str, clip_id: str, sign: Sign) -> Data:
        """See `CaseBackend.mark`."""
        return self._client.post(f"{_case(case_id)}/marks", {"clip": clip_id, "mark": sign.value})

    def confirm(self, case_id: str, clip_id: str, note: str) -> Data:
        """See `CaseBackend.confirm`."""
        return self._client.post(f"{_case(case_id)}/sightings", {"clip": clip_id, "note": note})

    def _options(self, options: CaseSearchOptions) -> Data:
        order, reason = options.order.value, self._settings.reason
        return {"query": options.text, "limit": options.limit, "order": order, "reason": reason}


class HttpSavedSearches:
    """See `SavedSearchBackend`."""

    def __init__(self, settings: Settings, client: _Client) -> None:
        self._settings = settings
        self._client = client

    def preview(self, request: SavedSearchRequest) -> Data:
        """See `SavedSearchBackend.preview`."""
        return self._client.post("/api/saved-searches/preview", self._body(request))

    def add(self, request: SavedSearchRequest) -> Data:
        """See `SavedSearchBackend.add`."""
        return self._client.post("/api/saved-searches", self._body(request))

    def _body(self, request: SavedSearchRequest) -> Data:
        return {
            "query": request.query,
            "name": request.name,
            "case": request.case,
            "reason": self._settings.reason,
            "like": request.like,
            "cameras": request.cameras,
            "alarms_per_day": request.alarms_per_day,
            "cool_down_s": request.cool_down_s,
            "per_camera_per_day": request.per_camera_per_day,
            "days": request.days,
            "include_old": request.include_old,
            "webhook_url": request.webhook_url,
        }


class HttpIndexing:
    """See `IndexingBackend`. The server indexes what waits in the catalogue, where its reports are read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def run(self, segments: Sequence[Segment], on_segment: OnSegment) -> Iterator[Data]:
        """See `IndexingBackend.run`."""
        from api.composition import open_catalog

        left = {segment.id: segment for segment in segments}
        with open_catalog(self._settings) as catalog:
            while left:
                if running_server(self._settings) is None:
                    raise Unavailable(
                        "the server stopped before all was indexed",
                        got=f"{len(left)} of {len(segments)} files left",
                        cure="run the same `xunren index` again; what is done stays done",
                    )
                for report in catalog.segments.reports(list(left)):
                    segment = left.pop(report.segment.id)
                    on_segment(segment, segment.duration_ms)
                    yield report_data(report)
                time.sleep(POLL_S)


class HttpReindex:
    """See `ReindexBackend`."""

    def __init__(self, settings: Settings, client: _Client) -> None:
        self._settings = settings
        self._client = client

    def plan(self, request: ReindexRequest) -> Data:
        """See `ReindexBackend.plan`."""
        plan: Data = self._post("", _reindex_body(request) | {"plan_only": True})["plan"]
        return plan

    def build(self, request: ReindexRequest, on_segment: OnSegment) -> Data:
        """See `ReindexBackend.build`. The server does not say how far it is; `on_segment` is never called."""
        self._post("", _reindex_body(request))
        self._wait()
        return _without_none(self._client.get("/api/reindex"))

    def switch(self) -> Data:
        """See `ReindexBackend.switch`."""
        return self._post("/switch", {})

    def rollback(self) -> Data:
        """See `ReindexBackend.rollback`."""
        return self._post("/rollback", {})

    def drop(self) -> Data:
        """See `ReindexBackend.drop`."""
        return self._post("/drop", {})

    def _post(self, path: str, body: Mapping[str, Any]) -> Data:
        return _without_none(self._client.post(f"/api/reindex{path}", body, timeout_s=LONG_S))

    def _wait(self) -> None:
        """Return when the server has nothing left to do. Reads the catalogue, so that it notices when the server ends.

        Raises:
            Unavailable: the server ended before.
        """
        from api.composition import open_catalog
        from search.catalog import IndexState

        with open_catalog(self._settings) as catalog:
            while (index := catalog.indexes.other()) is not None and index.state is IndexState.BUILDING:
                work = catalog.backfill.progress(index)
                if not work.missing and work.failed:
                    return
                if running_server(self._settings) is None:
                    raise Unavailable(
                        "the server stopped before all was indexed",
                        got=f"{work.missing} of {work.segments} segments left",
                        cure="run the same command again; what is done stays done",
                    )
                time.sleep(POLL_S)


class HttpConsistency:
    """See `ConsistencyBackend`."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def check(self) -> Data:
        """See `ConsistencyBackend.check`."""
        return self._client.get("/api/check", timeout_s=LONG_S)

    def mend(self) -> Data:
        """See `ConsistencyBackend.mend`."""
        return self._client.post("/api/check", {}, timeout_s=LONG_S)


class HttpEvidence:
    """See `EvidenceBackend`."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def export(self, case_id: str, number: int, folder: Path, *, blur: bool) -> Data:
        """See `EvidenceBackend.export`."""
        from api.evidence import check, made_whole, unpacked

        with made_whole(folder) as work:
            archive = work / "answer.zip"
            download(self._client.server, f"{_case(case_id)}/sightings/{number}/evidence", {"blur": blur}, archive)
            unpacked(archive, work)
            archive.unlink()
            return dict(check(work).manifest or {})


def photos_data(photos: Sequence[PhotoFile]) -> list[Data]:
    """Return photos for a request: the files as they are, or smaller where all of them would not fit into one.

    Raises:
        BadInput: one cannot be read.
    """
    files = [photo.data() for photo in photos]
    if sum(map(len, files)) > PHOTO_ROOM_BYTES:  # at most 1024 pixels are used of each, as the server would
        return [{"data": b64encode(_smaller(photo)).decode()} for photo in photos]
    return [
        {"data": b64encode(file).decode(), "box": _corners(photo.box)}
        for photo, file in zip(photos, files, strict=True)
    ]


def _with_file_names(error: BadInput, photos: Sequence[PhotoFile]) -> BadInput:
    """Return the error with the names of files, which the server only knows as photo 1, 2, ..."""

    def name(match: re.Match[str]) -> str:
        return photos[int(match[1]) - 1].path.name if 0 < int(match[1]) <= len(photos) else match[0]

    what = re.sub(r"\bphoto (\d+)\b", name, error.what)
    return BadInput(what, got=error.got or None, expected=error.expected, cure=error.cure)


def _smaller(photo: PhotoFile) -> bytes:
    from search.media import jpeg, photo_file

    return jpeg(photo_file(photo.path, photo.box))


def _corners(box: Box | None) -> list[int] | None:
    return None if box is None else list(box.xyxy)


def _case(case_id: str) -> str:
    return f"/api/cases/{quote(case_id, safe='')}"


def _where(where: Filter) -> Data:
    return {"cameras": where.cameras, "start": where.start_ms, "end": where.end_ms}


def _reindex_body(request: ReindexRequest) -> Data:
    cameras = list(request.cameras)
    return {"model": request.model, "start_ms": request.start_ms, "end_ms": request.end_ms, "cameras": cameras}


def _without_none(data: Data) -> Data:
    return {name: value for name, value in data.items() if value is not None}
