"""Evidence of a live camera: the sighting lies in several files of two streams, and leaves over HTTP."""

from __future__ import annotations

import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.audit.audit_log import AuditFilter, AuditLog
from api.cases.case_store import cases_of
from api.cases.investigation import CaseService
from api.cases.types import CaseInput
from api.evidence import packaging
from api.evidence.packaging import unpacked
from api.evidence.verify import verify
from api.jobs.workers import open_executor
from api.runtime.client import Server, download
from api.runtime.context import AppContext
from api.signing import Signer
from api.web.app import create_app
from search.catalog.recordings import RecorderUpdate
from search.engine import SearchEngine
from search.errors import BadInput, Unavailable
from search.query import Query
from search.types import Camera, Filter, SegmentState, StreamRole
from tests.api.evidence.test_export import frames, packets
from tests.api.web.test_app import BEGAN, problem, recorded
from tests.support.browser import HOSTS, VIDEOS, WIDTH, serving, small_index
from tests.support.waiting import until


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    """A live camera of two streams, of which the smaller one is indexed."""
    folder = tmp_path_factory.mktemp("live")
    with small_index(folder, VIDEOS[1:2]) as context:
        context.catalog.cameras.add(Camera("lane", clock_offset_ms=7))
        kept = [(s, SegmentState.KEPT) for s in recorded(folder / "main", StreamRole.MAIN, WIDTH)]
        waiting = [(s, SegmentState.PENDING) for s in recorded(folder / "sub", StreamRole.SUB, 320)]
        context.catalog.recordings.write(RecorderUpdate(segments=kept + waiting))
        with open_executor(context) as executor:
            assert [report.state for report in executor.run()] == ["indexed"] * 3
        yield context


@pytest.fixture(scope="module")
def case(context: AppContext) -> str:
    cases = cases_of(context.settings, context.catalog)
    id_ = cases.new(CaseInput("Man", ("red",))).id
    # So small an index has hardly anybody who is not in red: the background is red, too, and scores are low.
    settings = context.settings.model_copy(update={"false_match_share": 0.9, "false_maybe_share": 0.95})
    engine = SearchEngine(settings, context.embedder, context.store, context.catalog)
    found = engine.search(Query("red", Filter(cameras=("lane",))))
    CaseService(context, cases).confirm(id_, found.clips[0].id)
    return id_


@pytest.fixture(scope="module")
def client(context: AppContext) -> Iterator[httpx.Client]:
    with serving(create_app(context, hosts=HOSTS)) as url, httpx.Client(base_url=url, timeout=120) as client:
        yield client


@pytest.fixture
def answer(client: httpx.Client, case: str) -> httpx.Response:
    response = client.post(f"/api/cases/{case}/sightings/1/evidence", json={"blur": True})
    assert response.status_code == 200, response.text
    return response


@pytest.fixture
def folder(answer: httpx.Response, tmp_path: Path) -> Path:
    """What the answer holds."""
    made = tmp_path / "it"
    made.mkdir()
    (tmp_path / "it.zip").write_bytes(answer.content)
    unpacked(tmp_path / "it.zip", made)
    return made


def mains(context: AppContext) -> list[Path]:
    return sorted((context.settings.data_dir.parent / "main").glob("main*.mp4"))


def test_all_files_that_show_it_are_in_it(folder: Path, context: AppContext, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(Signer(context.settings.data_dir).public.pem)
    assert verify(folder, key).faults == ()
    told: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    copies = sorted((folder / "original").iterdir())
    begin, end = (told["sighting"][f"{name}_ms"] for name in ("start", "end"))
    wanted = {BEGAN + 4000 * n: path for n, path in enumerate(mains(context)) if begin - 4000 < BEGAN + 4000 * n < end}
    assert len(wanted) >= 2
    assert [path.read_bytes() for path in copies] == [path.read_bytes() for path in wanted.values()]  # in full quality
    assert [one["start_ms"] for one in told["recordings"]] == list(wanted)
    assert {one["clock"]["offset_ms"] for one in told["recordings"]} == {None}
    assert "recorder's clock" in told["recordings"][0]["clock"]["meaning"]

    source = [packet for path in mains(context) for packet in packets(path)]
    copy = packets(folder / "clip.mp4")
    first = source.index(copy[0])
    assert source[first : first + len(copy)] == copy
    shown = frames(folder / "clip.mp4")
    assert len(shown) == len(copy)
    assert abs(len(shown) * 100 - (min(end, BEGAN + 12_000) - told["clip"]["start_ms"])) <= 100
    assert max(late - early for (early, _), (late, _) in pairwise(shown)) <= 101

    blurred = frames(folder / "blurred.mp4")
    assert told["blurred"]["pictures"] == len(blurred) >= 50
    assert told["blurred"]["pictures_with_the_person"] >= 30  # whose boxes are those of the smaller stream
    clear = [(begin + ms - BEGAN, image) for ms, image in blurred if 3000 <= begin + ms - BEGAN < 8000]
    assert clear
    for at, image in clear:
        left = round(40 + (at - 2000) * 0.07)
        assert image[160:260, left + 8 : left + 36, 0].mean() > 170


def test_it_is_recorded_twice(answer: httpx.Response, context: AppContext, case: str, folder: Path) -> None:
    """Before it is signed with its hashes, and as the request that it was."""
    assert answer.headers["content-type"] == "application/zip"
    assert f"evidence-{case}-1.zip" in answer.headers["content-disposition"]
    audit_log = AuditLog(context.catalog)
    audit_log.verify()
    request, signed = audit_log.find(AuditFilter(case_id=case, limit=2))
    assert (request.act.action, request.act.status) == ("evidence.export", 200)
    assert (signed.act.action, signed.act.account, signed.act.address) == ("evidence.sign", "local", "127.0.0.1")
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    named = {"number": signed.number, "hash": signed.hash}
    assert told["audit"] == named
    assert request.act.details["shown"] == {"sighting": 1, "signed": named}
    until(lambda: not any((context.settings.data_dir / "outgoing").iterdir()))  # removed when the answer is out


def test_nothing_in_the_archive_is_compressed(answer: httpx.Response) -> None:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}


def test_what_cannot_be_exported_is_a_problem(
    client: httpx.Client, context: AppContext, case: str, tmp_path: Path
) -> None:
    path = f"/api/cases/{case}/sightings"
    problem(client.post(f"{path}/9/evidence", json={}), 404)
    problem(client.post("/api/cases/2026-9999/sightings/1/evidence", json={}), 404)
    problem(client.post(f"{path}/1/evidence", json={"blur": "perhaps"}), 400)
    for number, file in enumerate(
        films := [*mains(context), *sorted(mains(context)[0].parents[1].glob("sub/sub*.mp4"))]
    ):
        file.rename(tmp_path / f"{number}")
    try:
        assert "no longer there" in problem(client.post(f"{path}/1/evidence", json={}), 404)["what"]
    finally:
        for number, file in enumerate(films):
            (tmp_path / f"{number}").rename(file)
    assert list((context.settings.data_dir / "outgoing").iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "original/../../x"])
def test_an_archive_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        archive.writestr(name, b"")
    (tmp_path / "it").mkdir()
    with pytest.raises(BadInput):
        unpacked(tmp_path / "it.zip", tmp_path / "it")
    assert list((tmp_path / "it").iterdir()) == []
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(BadInput, match="not whole"):
        unpacked(tmp_path / "cut.zip", tmp_path / "it")


def test_what_a_dead_server_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with packaging.outgoing(tmp_path) as old:
        pass
    monkeypatch.setattr(packaging, "_STALE_S", -1)
    with packaging.outgoing(tmp_path):
        assert not old.exists()


def test_an_answer_that_is_cut_off_is_no_evidence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_half() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

        thread = threading.Thread(target=answer_half)
        thread.start()
        with pytest.raises(Unavailable, match="did not arrive"):
            download(Server(f"http://127.0.0.1:{listener.getsockname()[1]}"), "/", {}, tmp_path / "it.zip")
        thread.join(10)
