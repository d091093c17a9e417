"""The record over HTTP: what is shown or changed is written first, and what cannot be written is not answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import sqlalchemy as sa

from api.audit import tables
from api.audit.audit_log import AuditEntry, AuditFilter, AuditLog
from api.runtime.context import AppContext
from api.web.app import create_app
from api.web.middleware.audit import ACTIONS, MAX_TEXT, QUIET, UNRECORDED
from tests.support.browser import HOSTS, VIDEOS, serving, small_index

UNKNOWN = "0" * 24


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    with small_index(tmp_path_factory.mktemp("record"), VIDEOS) as context:
        yield context


@pytest.fixture(scope="module")
def client(context: AppContext) -> Iterator[httpx.Client]:
    with serving(create_app(context, hosts=HOSTS)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
def audit_log(context: AppContext) -> Iterator[AuditLog]:
    audit_log = AuditLog(context.catalog)
    yield audit_log
    assert audit_log.verify() == audit_log.head()


def entries_of(audit_log: AuditLog, act: Any) -> tuple[httpx.Response, list[AuditEntry]]:
    """The answer of `act`, and what was written for it, the oldest first."""
    before = audit_log.head().number
    response = act()
    return response, [e for e in reversed(audit_log.find(AuditFilter(limit=1000))) if e.number > before]


def body_of(entry: AuditEntry) -> dict[str, Any]:
    return cast(dict[str, Any], entry.act.details["body"])


def test_every_route_is_in_one_of_the_tables(context: AppContext) -> None:
    paths = create_app(context, hosts=HOSTS).openapi()["paths"]
    routes = {
        (method.upper(), path) for path, methods in paths.items() for method in methods if path.startswith("/api/")
    }
    known = {*ACTIONS, *QUIET, *UNRECORDED}
    assert routes <= known
    assert known - routes == {("HEAD", "/api/cameras/{camera}/now.jpg")}
    assert not ACTIONS.keys() & QUIET.keys()
    assert not {*ACTIONS, *QUIET} & UNRECORDED


def test_a_search_is_recorded_with_its_sentence_and_clips(client: httpx.Client, audit_log: AuditLog) -> None:
    body = {"query": "穿红色上衣的人", "cameras": ["gate"]}
    response, (entry,) = entries_of(audit_log, lambda: client.post("/api/search", json=body))
    answer = response.json()
    assert (entry.act.action, entry.act.status, entry.act.account) == ("search", 200, "local")
    assert entry.act.address == "127.0.0.1"
    assert body_of(entry) == body
    assert entry.act.details["shown"] == {"answer": answer["id"], "clips": [clip["id"] for clip in answer["clips"]]}
    assert answer["clips"]


def test_what_is_looked_at_is_recorded(client: httpx.Client, audit_log: AuditLog) -> None:
    clip = client.post("/api/search", json={"query": "red"}).json()["clips"][0]
    for address, action in ((clip["thumbnail"], "view.thumbnail"), (clip["clip_url"], "view.clip")):
        response, (entry,) = entries_of(audit_log, lambda address=address: client.get(address))
        assert response.status_code == 200
        assert (entry.act.action, entry.act.status) == (action, 200)
        assert clip["segment"] in entry.act.details["path"]


def test_a_case_can_be_asked_who_looked_at_it(client: httpx.Client, audit_log: AuditLog) -> None:
    case = client.post("/api/cases", json={"name": "Li Ming", "queries": ["a boy in red"]}).json()["id"]
    client.get(f"/api/cases/{case}")
    found = client.post(f"/api/cases/{case}/search", json={}).json()
    client.post(f"/api/cases/{case}/marks", json={"clip": found["clips"][0]["id"], "mark": "like"})
    seen = audit_log.find(AuditFilter(case_id=case))
    assert [entry.act.action for entry in seen] == ["case.mark", "case.search", "case.view", "case.new"]
    assert body_of(seen[0])["clip"] == found["clips"][0]["id"]


@pytest.mark.parametrize(
    ("method", "path", "more", "action", "status"),
    [
        ("POST", "/api/search", {"content": b"text=red"}, "refused", 415),
        (
            "POST",
            "/api/search",
            {"json": {"query": "red"}, "headers": {"origin": "http://evil.example"}},
            "refused",
            403,
        ),
        ("POST", "/api/search", {"json": {"query": "red", "cameras": ["nowhere"]}}, "search", 404),
        ("GET", "/api/nothing", {}, "refused", 404),
        ("GET", f"/api/clips/{UNKNOWN}.mp4?offset_ms=0&duration_ms=1", {}, "view.clip", 404),
        ("GET", "/api/cases/2026-9999", {}, "case.view", 404),
        ("GET", "/api/health", {"headers": {"host": "evil.example"}}, "refused", 400),
    ],
)
def test_refusals_are_recorded(
    client: httpx.Client, audit_log: AuditLog, method: str, path: str, more: dict[str, Any], action: str, status: int
) -> None:
    response, (entry,) = entries_of(audit_log, lambda: client.request(method, path, **more))
    assert response.status_code == status
    assert (entry.act.action, entry.act.status) == (action, status)


def test_figures_and_the_page_are_not_recorded(client: httpx.Client, audit_log: AuditLog) -> None:
    for path in ("/", "/static/app.js", "/api/health", "/api/status", "/api/live", "/api/alerts"):
        response, written = entries_of(audit_log, lambda path=path: client.get(path))
        assert (response.status_code, written) == (200, []), path


def test_what_cannot_be_recorded_is_not_answered(client: httpx.Client, context: AppContext) -> None:
    name = tables.entries.name
    with context.catalog.begin() as db:
        db.execute(sa.text(f"ALTER TABLE {name} RENAME TO away"))
    try:
        refused = client.post("/api/search", json={"query": "red"})
        unrecorded = client.get("/api/health")
    finally:
        with context.catalog.begin() as db:
            db.execute(sa.text(f"ALTER TABLE away RENAME TO {name}"))
    assert (refused.status_code, refused.json()["error"]) == (503, "Unavailable")
    assert "clips" not in refused.text
    assert unrecorded.status_code == 200
    assert client.post("/api/search", json={"query": "red"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b'{"query": "\\ud800"}', b'{"query": NaN}', b'{"query": 1e999}', b"[" * 100_000, b"\xff\x00", b'{"a":' * 900],
)
def test_whatever_is_sent_can_be_recorded(client: httpx.Client, audit_log: AuditLog, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    response, (entry,) = entries_of(audit_log, lambda: client.post("/api/search", content=body, headers=headers))
    assert 400 <= response.status_code < 500
    assert entry.act.status == response.status_code


def test_long_texts_and_secrets_stay_outside(client: httpx.Client, audit_log: AuditLog) -> None:
    body = {"query": "x" * (MAX_TEXT + 1), "webhook_url": "https://me:secret@example.org/hook"}
    _, (entry,) = entries_of(audit_log, lambda: client.post("/api/search", json=body))
    assert body_of(entry)["query"].startswith("2001 characters, SHA-256 ")
    assert "secret" not in body_of(entry)["webhook_url"]
