"""Saved searches over a catalogue alone, with rows whose score is said; and a receiver of webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.alerts.alert_store import AlertStore
from api.alerts.history import HistoryQuery, ScoreHistory
from api.alerts.matcher import AlertMatcher, compared
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.service import SavedSearchService
from api.alerts.thresholds import DAY_MS, Curve, Limits
from api.alerts.types import Alert, SavedSearch, SavedSearchInput
from api.alerts.views import SavedSearchView
from search.catalog.catalog import Catalog
from search.catalog.segment_queue import segment_id
from search.config import Settings
from search.types import Box, Camera, Row, RowKind, Segment, SegmentReport, SegmentState, StartSource, Vectors
from search.vault import Vault

NOW = 1_795_000_000_000 - 1_795_000_000_000 % DAY_MS + DAY_MS // 2  # noon
MINUTE = 60_000
DIM = 3  # what a row is not along the first two axes, lies along the last
MODEL = "colours of three"


def row(
    time_ms: int = NOW, *, camera: str = "gate", segment: str = "", track: int = 1, kind: RowKind = RowKind.PERSON
) -> Row:
    segment = segment or segment_id(camera, str(time_ms))
    name = f"p{track}" if kind is RowKind.PERSON else "f"
    number = track if kind is RowKind.PERSON else 0
    id_ = f"{segment}-{name}-{time_ms % 100_000}"
    return Row(id_, camera, segment, kind, number, time_ms, time_ms, time_ms, Box(1, 2, 30, 40), 640, 360)


def vector(score: float, axis: int = 0) -> Vectors:
    """A unit vector that scores `score` (at most 10) for who looks along `axis`."""
    made = np.zeros(DIM, np.float32)
    made[axis], made[DIM - 1] = score / 10, np.sqrt(1 - (score / 10) ** 2)
    return made


class SaidScores:
    """An index in which a score is ten times the cosine, and the past is what a test says."""

    model = MODEL
    limits = Limits(lowest=3.0, unproven=5.0)
    unit = 0.1

    def __init__(self) -> None:
        self.history: list[tuple[Row, float]] = []
        self.broken: Exception | None = None

    def query_for(self, sentence: str, like: tuple[str, ...], cameras: tuple[str, ...]) -> HistoryQuery:
        axis = 1 if "other" in sentence else 0
        curve = Curve.measured(lambda _kind, cosines: [cosine / self.unit for cosine in cosines])
        return HistoryQuery(np.eye(DIM, dtype=np.float32)[axis], cameras, tuple(RowKind), curve, self.limits)

    def past(self, query: HistoryQuery) -> ScoreHistory:
        return ScoreHistory(self.history, -np.inf)

    def compare(self, searches: Sequence[SavedSearch], rows: Sequence[Row], vectors: Vectors) -> NDArray[np.float64]:
        if self.broken:
            raise self.broken
        return compared(searches, rows, vectors)


class Post:
    """Everything about saved searches over one folder; a clock that is set by hand."""

    def __init__(self, folder: Path, catalog_url: str = "") -> None:
        self.settings = Settings(data_dir=folder, timezone="UTC", catalog_url=catalog_url)
        self.now = NOW
        self.catalog = Catalog(self.settings.catalog_address).open()
        self.catalog.cameras.add(Camera("gate"))
        self.catalog.cameras.add(Camera("yard"))
        self.catalog.indexes.bind_model(MODEL, lambda: DIM)
        self.vault = Vault(folder)
        self.index = SaidScores()
        self.store = SavedSearchStore(self.catalog)
        self.alerts = AlertStore(self.catalog)
        self.service = SavedSearchService(self.catalog, self.vault, self.index)
        self.view = SavedSearchView(self.settings, self.catalog)
        self.watcher = self.new_watcher()

    def new_watcher(self, model: str = MODEL) -> AlertMatcher:
        """As another process would have it: it has read nothing yet."""
        return AlertMatcher(self.store, self.alerts, model, self.index.compare, lambda: self.now)

    def add(self, webhook: str | None = None, **changes: Any) -> SavedSearch:
        """A saved search; its threshold is 5 where nothing is indexed."""
        values: dict[str, Any] = {"name": "her", "sentence": "a woman", "expires_ms": NOW + DAY_MS} | changes
        return self.service.add(SavedSearchInput(**values), webhook).search

    def see(self, *seen: tuple[Row, float], axis: int = 0, watcher: AlertMatcher | None = None) -> list[Alert]:
        """What a fresh watcher raises when these rows are written, oldest first."""
        last = self.last()
        rows, vectors = [r for r, _ in seen], np.stack([vector(score, axis) for _, score in seen])
        (watcher or self.new_watcher()).watch(rows, vectors)
        return self.alerts.alerts(after=last)[0][::-1]

    def last(self) -> int:
        """Number of the newest alert."""
        found, _ = self.alerts.alerts(limit=1)
        return found[0].id if found else 0

    def record(self, hours: float, camera: str = "gate") -> Segment:
        """Have so many hours of a camera indexed."""
        id_ = segment_id(camera, str(hours))
        start = NOW - round(hours * 60 * MINUTE)
        length = NOW - start
        made = Segment(id_, camera, "f.mp4", "0" * 64, 1, start, StartSource.GIVEN, length)
        self.catalog.segments.add(made)
        self.catalog.segments.finish(SegmentReport(made, SegmentState.INDEXED))
        return made

    def close(self) -> None:
        self.catalog.close()


@dataclass
class Receiver:
    """A webhook's receiver: what it got, and how it answers (a status, "hang", "drip", or a redirect's address)."""

    url: str = ""
    answers: list[int | str] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@contextmanager
def receiver(*answers: int | str) -> Iterator[Receiver]:
    """A real HTTP server that gives these answers, then 200."""
    state = Receiver(answers=list(answers))
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            answer = state.answers.pop(0) if state.answers else 200
            if answer == "hang":
                over.wait(20)
            elif answer == "drip":
                self.drip()
            else:
                self.send_response(answer if isinstance(answer, int) else 302)
                if isinstance(answer, str):
                    self.send_header("Location", answer)
                self.end_headers()
                self.wfile.write(b"the receiver's secret words")

        def drip(self) -> None:
            """A header line that never ends, a byte at a time."""
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            try:
                while not over.wait(0.1):
                    self.wfile.write(b"x")
                    self.wfile.flush()
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/hook?token=hush"
    try:
        yield state
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
