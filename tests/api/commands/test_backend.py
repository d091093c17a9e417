"""What commands ask is answered the same by the index in this process and by a running server, method by method."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from api.cases.case_store import cases_of
from api.cases.investigation import CaseSearchOptions
from api.cases.types import CaseInput, Sign
from api.commands.backend import (
    Backend,
    Data,
    PhotoFile,
    ReindexRequest,
    SavedSearchRequest,
    SearchRequest,
    backend_of,
    protocol,
)
from api.commands.backend.http import PHOTO_ROOM_BYTES, HttpBackend, photos_data
from api.commands.backend.local import LocalBackend
from api.commands.backend.protocol import LINKS
from api.jobs.background import in_background, index_until
from api.runtime.activity import Activity
from api.runtime.client import Server, address_file
from api.runtime.context import AppContext
from api.web.app import create_app
from indexer.importer.registration import register
from indexer.maintenance.consistency import ConsistencyChecker
from search.config import Settings
from search.errors import NotFound, Unavailable, XunrenError
from search.media.photos import MAX_BYTES, read_photo
from search.query import Order
from search.types import Box, RowKind
from tests.support.browser import HOSTS, VIDEOS, serving, small_index, walker

KEY = "the key of this machine"


@dataclass(frozen=True)
class Both:
    """The two backends over one open index, in which a case has a sentence and a sighting."""

    context: AppContext
    local: Backend
    http: Backend
    case: str
    clip: str
    folder: Path

    def photo(self, size: int = 64) -> Path:
        """A photo of somebody in red, whose left half is grey."""
        path = self.folder / f"photo-{size}.png"
        image = Pillow.new("RGB", (2 * size, size), (120, 120, 120))
        image.paste((200, 30, 30), (size, 0, 2 * size, size))
        image.save(path)
        return path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    with small_index(folder, VIDEOS[:2]) as context:
        app = create_app(context, hosts=HOSTS, local_key=KEY)
        with serving(app) as url:
            local = LocalBackend(context.settings, lambda _: nullcontext(context), lambda _: checker(context))
            http = HttpBackend(context.settings, Server(url, KEY))
            case = cases_of(context.settings, context.catalog).new(CaseInput("Man", ("a man in a red coat",)), [])
            clip = local.searches.search(SearchRequest("red"))["clips"][0]["id"]
            local.cases.confirm(case.id, clip, "first")
            written = {"url": url, "pid": os.getpid(), "key": KEY}
            address_file(context.settings).write_text(json.dumps(written))
            yield Both(context, local, http, case.id, clip, folder)


@contextmanager
def checker(context: AppContext) -> Iterator[ConsistencyChecker]:
    yield ConsistencyChecker(context.settings, context.catalog, context.store, context.media)


Call = Callable[[Both, Backend], Data]


def search(request: SearchRequest) -> Call:
    return lambda _, backend: backend.searches.search(request)


def saved(request: SavedSearchRequest) -> Call:
    return lambda _, backend: backend.saved_searches.preview(request)


def with_photo(box: Box | None) -> Call:
    return lambda both, backend: backend.searches.search(SearchRequest(photos=(PhotoFile(both.photo(), box),)))


def exported(both: Both, backend: Backend) -> Data:
    folder = both.folder / f"evidence of {type(backend).__name__}"
    manifest = backend.evidence.export(both.case, 1, folder, blur=False)
    assert json.loads((folder / "manifest.json").read_text("utf-8")) == manifest
    return manifest


def indexed(both: Both, backend: Backend) -> Data:
    """The report of one recording, which is then indexed again for the other backend."""
    path = walker(both.folder / "more" / "lane" / "red.mp4", "red")
    found = register(both.context.catalog, [path.parent.parent], camera_id=None, start_ms=None, zone=both.context.zone,
                     max_megapixels=16)  # fmt: skip
    if not found.waiting:
        both.context.catalog.segments.index_again([segment.id for segment in found.known])
        segments = list(both.context.catalog.segments.by_id([segment.id for segment in found.known]).values())
    else:
        segments = list(found.waiting)
    done: list[int] = []
    activity = Activity()
    server = in_background("indexing", lambda stop: index_until(both.context, stop, activity, lambda _: None))
    with server if backend is both.http else nullcontext():
        reports = list(backend.indexing.run(segments, lambda _, ms: done.append(ms)))
    assert len(reports) == 1
    assert max(done) > 0
    return reports[0]


CALLS: dict[str, list[Call]] = {
    "health": [lambda _, backend: backend.health()],
    "searches.search": [
        search(SearchRequest("a man in a red coat")),
        search(SearchRequest("穿红色外套的人 昨天", limit=1, offset=1)),
        search(SearchRequest("red", cameras=("gate",), kinds=(RowKind.FRAME,), order=Order.TIME, without=("x",))),
        search(SearchRequest("red", start_ms=1_793_577_600_000, end_ms=1_793_577_605_000)),
        lambda both, backend: backend.searches.search(SearchRequest(like=(both.clip,))),
        lambda both, backend: backend.searches.search(SearchRequest("red", unlike=(both.clip,))),
        with_photo(None),
        with_photo(Box(64, 0, 128, 64)),
        with_photo(Box(64, 0, 999, 64)),
        search(SearchRequest(photos=(PhotoFile(Path(__file__)),))),
        search(SearchRequest(photos=(PhotoFile(Path("nowhere.jpg")),))),
        search(SearchRequest(" ")),
        search(SearchRequest("red", limit=0)),
        search(SearchRequest("red", cameras=("gaet",))),
        search(SearchRequest("red", like=("nowhere-1",))),
        search(SearchRequest("戴头巾的穆斯林妇女")),
        search(SearchRequest("red", start_ms=2, end_ms=1)),
    ],
    "cases.search": [
        lambda both, backend: backend.cases.search(both.case, CaseSearchOptions()),
        lambda both, backend: backend.cases.search(both.case, CaseSearchOptions("blue", limit=1, order=Order.TIME)),
        lambda both, backend: backend.cases.search(both.case, CaseSearchOptions(hard=True)),
        lambda _, backend: backend.cases.search("2026-9999", CaseSearchOptions()),
    ],
    "cases.follow": [
        lambda both, backend: backend.cases.follow(both.case, 1, 2.0, CaseSearchOptions(limit=2)),
        lambda both, backend: backend.cases.follow(both.case, None, 2.0, CaseSearchOptions("red")),
        lambda both, backend: backend.cases.follow(both.case, 9, 2.0, CaseSearchOptions()),
    ],
    "cases.mark": [
        lambda both, backend: backend.cases.mark(both.case, both.clip, Sign.LIKE),
        lambda both, backend: backend.cases.mark(both.case, "nowhere-1", Sign.LIKE),
    ],
    "cases.confirm": [
        lambda both, backend: backend.cases.confirm(both.case, both.clip, "again"),
        lambda both, backend: backend.cases.confirm(both.case, "nowhere-1", ""),
    ],
    "saved_searches.preview": [
        saved(SavedSearchRequest("red")),
        saved(SavedSearchRequest("red", cameras=("gate",), alarms_per_day=5, include_old=True)),
        saved(SavedSearchRequest("red, yesterday")),
        saved(SavedSearchRequest("red", cameras=("gaet",))),
    ],
    "saved_searches.add": [
        lambda _, backend: backend.saved_searches.add(SavedSearchRequest("red", "in red")),
        lambda _, backend: backend.saved_searches.add(
            SavedSearchRequest("red", webhook_url="https://127.0.0.1/hook", days=1.5, cool_down_s=3)
        ),
        lambda _, backend: backend.saved_searches.add(SavedSearchRequest("red", webhook_url="http://8.8.8.8/x")),
    ],
    "indexing.run": [indexed],
    "reindex.plan": [
        lambda _, backend: backend.reindex.plan(ReindexRequest("xunren-small")),
        lambda _, backend: backend.reindex.plan(ReindexRequest("xunren-small", 1_793_577_600_000, None, ("gate",))),
        lambda _, backend: backend.reindex.plan(ReindexRequest("xunren-small", cameras=("gaet",))),
        lambda _, backend: backend.reindex.plan(ReindexRequest("no such model")),
    ],
    "reindex.build": [
        lambda _, backend: backend.reindex.build(ReindexRequest("no such model"), lambda _segment, _ms: None),
    ],
    "reindex.switch": [lambda _, backend: backend.reindex.switch()],
    "reindex.rollback": [lambda _, backend: backend.reindex.rollback()],
    "reindex.drop": [lambda _, backend: backend.reindex.drop()],
    "consistency.check": [lambda _, backend: backend.consistency.check()],
    "consistency.mend": [lambda _, backend: backend.consistency.mend()],
    "evidence.export": [
        exported,
        lambda both, backend: backend.evidence.export(both.case, 9, both.folder / "none", blur=False),
    ],
}
"""Method -> what is asked of it. Building, switching and dropping a real second index: `tests/live/test_reindex.py`."""

REFUSED = frozenset({"reindex.build", "reindex.switch", "reindex.rollback", "reindex.drop"})
"""Methods whose first call fails, for want of a second index; the first call of all others is answered."""
VOLATILE = frozenset(
    {
        "id",
        "number",
        "took_ms",
        "webhook_secret",
        "seconds_min",
        "seconds_max",
        "created",
        "created_ms",
        "expires",
        "expires_ms",
    }
    | {"audit", "exported", "exported_ms", "operator"}
    | {"coverage.start", "coverage.end", "coverage.behind_s"}
)
"""What two calls never share: names of answers, times of now, who asked. Only its kind is compared."""


def outcome(call: Call, both: Both, backend: Backend) -> Any:
    """The data, or the error."""
    try:
        return json.loads(json.dumps(call(both, backend)))
    except XunrenError as e:
        return {"raised": dict(e.as_dict())}


def compared(data: Any, path: str = "") -> Any:
    """Data without links to images and clips, and without what is `VOLATILE`, of which the type is left."""
    if path in VOLATILE:
        return type(data).__name__
    if isinstance(data, dict):
        return {name: compared(value, f"{path}.{name}".strip(".")) for name, value in data.items()}
    if isinstance(data, list):
        return [compared(one, f"{path}[]") for one in data]
    return "link" if path.rpartition(".")[2] in LINKS else data


def methods() -> set[str]:
    """All methods of `Backend` and its parts, with dots."""
    found = set()
    for name, member in inspect.getmembers(protocol.Backend):
        if isinstance(member, property):
            part = getattr(protocol, str(inspect.signature(member.fget).return_annotation), None)  # type: ignore[arg-type]
            found |= {f"{name}.{one}" for one, _ in inspect.getmembers(part, inspect.isfunction) if one[0] != "_"}
        elif inspect.isfunction(member) and name[0] != "_":
            found.add(name)
    return found


def test_every_method_is_compared() -> None:
    assert CALLS.keys() == methods()
    assert len(CALLS) > 10


@pytest.mark.parametrize(
    ("method", "number"), [(name, number) for name, calls in CALLS.items() for number in range(len(calls))]
)
def test_both_answer_the_same(method: str, number: int, both: Both) -> None:
    call = CALLS[method][number]
    local, http = (compared(outcome(call, both, backend)) for backend in (both.local, both.http))
    assert http == local
    if number == 0:  # two that raise the same error would prove little
        assert ("raised" in http) is (method in REFUSED)


def test_links_can_be_opened_here(both: Both) -> None:
    import httpx

    request = SearchRequest("red", limit=1)
    (local,), (http,) = (backend.searches.search(request)["clips"] for backend in (both.local, both.http))
    assert Path(local["thumbnail"]).read_bytes()[:2] == b"\xff\xd8"
    assert local["clip_url"] is None
    for link in (http["thumbnail"], http["clip_url"]):
        assert httpx.get(link, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200


def test_a_running_server_is_asked_and_else_this_process(both: Both, tmp_path: Path) -> None:
    assert isinstance(backend_of(both.context.settings), HttpBackend)
    assert backend_of(both.context.settings).address == both.http.address
    with pytest.raises(NotFound, match="no index here"):
        backend_of(Settings(data_dir=tmp_path))
    (tmp_path / "catalog.sqlite").touch()
    alone = backend_of(Settings(data_dir=tmp_path))
    assert isinstance(alone, LocalBackend)
    assert alone.address is None


def test_photos_are_sent_as_they_are_while_there_is_room(both: Both) -> None:
    from base64 import b64decode

    path = both.photo()
    (sent,) = photos_data([PhotoFile(path, Box(0, 0, 64, 64))])
    assert b64decode(sent["data"]) == path.read_bytes()
    assert sent["box"] == [0, 0, 64, 64]
    large = both.folder / "large.bmp"
    Pillow.new("RGB", (1500, 1400), (200, 30, 30)).save(large)
    assert large.stat().st_size > PHOTO_ROOM_BYTES
    (smaller,) = photos_data([PhotoFile(large, Box(0, 0, 1500, 700))])
    assert smaller.keys() == {"data"}
    assert read_photo(b64decode(smaller["data"])).shape[:2] == (478, 1024)
    answer = both.http.searches.search(SearchRequest(photos=(PhotoFile(large),)))
    assert answer["clips"]
    with (both.folder / "huge.bmp").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(XunrenError, match="too large"):
        photos_data([PhotoFile(both.folder / "huge.bmp")])


def test_a_server_that_stops_is_said(both: Both, tmp_path: Path) -> None:
    segments = list(both.context.catalog.segments.by_id([both.clip.partition("-")[0]]).values())
    settings = both.context.settings.model_copy(update={"data_dir": tmp_path})
    gone = HttpBackend(settings, Server("http://127.0.0.1:9"))
    with pytest.raises(Unavailable, match="the server stopped"):
        list(gone.indexing.run(segments, lambda _segment, _ms: None))
    with pytest.raises(Unavailable, match="does not answer"):
        gone.searches.search(SearchRequest("red"))
