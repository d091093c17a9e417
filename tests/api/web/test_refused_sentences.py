"""Sentences that are refused, over HTTP: 403 with the rule at every door, nothing saved, and in the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.audit.audit_log import AuditFilter, AuditLog
from api.cases import tables
from api.cases.case_store import CaseStore, cases_of
from api.cases.types import CaseInput
from api.runtime.client import Server, ask
from api.runtime.context import AppContext
from api.web.app import create_app
from search.errors import PolicyViolation
from search.parsing.content_policy import load
from search.query import Query
from search.types import Filter
from tests.support.browser import HOSTS, VIDEOS, serving, small_index

SENTENCES = {
    "ethnicity": "a black man in red",
    "religion": "戴头巾的穆斯林妇女",
    "politics": "party members in blue",
    "protest": "举着标语的人",
    "intimate": "a naked woman",
}
REFUSED = SENTENCES["religion"]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    with small_index(tmp_path_factory.mktemp("refused"), VIDEOS) as context:
        yield context


@pytest.fixture(scope="module")
def url(context: AppContext) -> Iterator[str]:
    with serving(create_app(context, hosts=HOSTS)) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
def cases(context: AppContext) -> CaseStore:
    return cases_of(context.settings, context.catalog)


def refused(context: AppContext, response: httpx.Response, rule: str, action: str) -> dict[str, str]:
    """The body of a refusal, which is the last thing in the record, with its rule and its sentence."""
    assert response.status_code == 403, response.text
    body: dict[str, str] = response.json()
    assert (body["error"], body["rule"]) == ("Refused", rule)
    audit_log = AuditLog(context.catalog)
    (entry,) = audit_log.find(AuditFilter(limit=1))
    assert (entry.act.action, entry.act.status, entry.act.details["rule"]) == (action, 403, rule)
    assert "shown" not in entry.act.details
    assert audit_log.verify() == audit_log.head()
    return body


def test_every_rule_has_a_sentence_here() -> None:
    assert set(SENTENCES) == {rule.name for rule in load().rules}


@pytest.mark.parametrize("rule", SENTENCES)
def test_a_search_is_refused_and_recorded(client: httpx.Client, context: AppContext, rule: str) -> None:
    response = client.post("/api/search", json={"query": SENTENCES[rule]})
    body = refused(context, response, rule, "search")
    assert body["got"]
    assert "clips" not in response.text
    (entry,) = AuditLog(context.catalog).find(AuditFilter(limit=1))
    assert entry.act.details["body"] == {"query": SENTENCES[rule]}


@pytest.mark.parametrize(
    "more", [{"without": [REFUSED]}, {"kinds": ["frame"]}, {"order": "time"}, {"cameras": ["gate"]}]
)
def test_no_option_of_a_search_lets_it_through(client: httpx.Client, context: AppContext, more: dict[str, Any]) -> None:
    like = client.post("/api/search", json={"query": "red"}).json()["clips"][0]["id"]
    for marks in ({}, {"like": [like]}):
        refused(context, client.post("/api/search", json={"query": REFUSED} | more | marks), "religion", "search")


def test_a_case_is_not_saved(client: httpx.Client, context: AppContext) -> None:
    before = client.get("/api/cases").json()
    body = {"name": "Li Ming", "queries": ["a boy in red", REFUSED]}
    refused(context, client.post("/api/cases", json=body), "religion", "case.new")
    assert client.get("/api/cases").json() == before


def test_a_case_is_not_changed_nor_searched_nor_followed(client: httpx.Client, context: AppContext) -> None:
    case = client.post("/api/cases", json={"name": "Li Ming", "queries": ["a boy in red"]}).json()["id"]
    found = client.post(f"/api/cases/{case}/search", json={}).json()
    client.post(f"/api/cases/{case}/sightings", json={"clip": found["clips"][0]["id"]})
    before = client.get(f"/api/cases/{case}").json()
    changed = client.patch(f"/api/cases/{case}", json={"queries": [REFUSED], "name": "another"})
    refused(context, changed, "religion", "case.change")
    for what in ("search", "follow"):
        response = client.post(f"/api/cases/{case}/{what}", json={"query": REFUSED})
        refused(context, response, "religion", f"case.{what}")
    assert client.get(f"/api/cases/{case}").json() == before


def test_what_an_older_list_let_in_is_not_searched_but_can_be_closed(
    client: httpx.Client, context: AppContext, cases: CaseStore
) -> None:
    case = cases.new(CaseInput("Li Ming", ("a boy in red",))).id
    with context.catalog.begin() as db:
        db.execute(tables.sentences.delete().where(tables.sentences.c.case_id == case))
        tables.put_sentences(db, case, [REFUSED])
    refused(context, client.post(f"/api/cases/{case}/search", json={}), "religion", "case.search")
    assert client.patch(f"/api/cases/{case}", json={"open": False}).status_code == 200
    added = {"queries": [REFUSED, SENTENCES["intimate"]]}
    refused(context, client.patch(f"/api/cases/{case}", json=added), "intimate", "case.change")


def test_a_standing_search_is_neither_measured_nor_saved_nor_changed(client: httpx.Client, context: AppContext) -> None:
    refused(
        context, client.post("/api/saved-searches/preview", json={"query": REFUSED}), "religion", "standing.preview"
    )
    body = {"query": REFUSED, "webhook_url": "https://example.org/hook"}
    refused(context, client.post("/api/saved-searches", json=body), "religion", "standing.new")
    assert client.get("/api/saved-searches").json()["saved_searches"] == []
    one = client.post("/api/saved-searches", json={"query": "red"}).json()["number"]
    changed = client.patch(f"/api/saved-searches/{one}", json={"query": REFUSED, "name": "another"})
    refused(context, changed, "religion", "standing.change")
    assert client.get(f"/api/saved-searches/{one}").json()["query"] == "red"


def test_the_library_refuses_by_itself(context: AppContext) -> None:
    with pytest.raises(PolicyViolation):
        context.engine.search(Query(REFUSED))
    with pytest.raises(PolicyViolation):
        context.engine.parse_and_embed(Query(REFUSED, Filter()))


def test_the_command_line_gets_the_servers_refusal_with_its_rule(url: str) -> None:
    with pytest.raises(PolicyViolation) as caught:
        ask(Server(url), "/api/search", {"query": REFUSED})
    assert caught.value.rule == "religion"


def test_other_errors_name_no_rule(client: httpx.Client, context: AppContext) -> None:
    response = client.post("/api/search", json={"query": "red", "cameras": ["nowhere"]})
    assert "rule" not in response.json()
    (entry,) = AuditLog(context.catalog).find(AuditFilter(limit=1))
    assert "rule" not in entry.act.details


def test_the_description_of_the_api_names_the_refusal(client: httpx.Client) -> None:
    api = client.get("/openapi.json").json()
    doors = {
        ("/api/search", "post"),
        ("/api/cases", "post"),
        ("/api/cases/{case}", "patch"),
        ("/api/cases/{case}/search", "post"),
        ("/api/cases/{case}/follow", "post"),
        ("/api/saved-searches", "post"),
        ("/api/saved-searches/preview", "post"),
        ("/api/saved-searches/{number}", "patch"),
    }
    for path, method in doors:
        told = api["paths"][path][method]["responses"]["403"]
        assert told["content"]["application/json"]["schema"]["$ref"].endswith("/Refusal")
    assert "rule" in api["components"]["schemas"]["Refusal"]["properties"]
