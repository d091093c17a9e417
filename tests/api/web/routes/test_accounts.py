"""Accounts over HTTP: who gets in, who may do what, and what a scope hides."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.accounts import account_store, passwords, tables
from api.accounts.account_store import AccountStore
from api.accounts.types import FULL_SCOPE, AccessScope, AccountInput, UserRole
from api.audit.audit_log import AuditEntry, AuditFilter, AuditLog
from api.runtime.context import AppContext
from api.web.middleware.authentication import COOKIE, CSRF_HEADER
from api.web.permissions import ANYBODY, NEEDS
from search.errors import BadInput, Conflict
from search.times import now_ms
from tests.support.accounts import NORTH, PASSWORD, PEOPLE, REASON, a_case, sign_in, town, town_server
from tests.support.postgres_server import Postgres

ROUTES = sorted(NEEDS)
FILL = {"segment": "0" * 24, "offset_ms": "0", "camera": "nowhere", "case": "2020-0001", "number": "7", "answer": "x"}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[AppContext]:
    """Over PostgreSQL; the story is told over SQLite."""
    with town(tmp_path_factory.mktemp("town"), catalog_url=postgres.new()) as context:
        yield context


@pytest.fixture(scope="module")
def url(context: AppContext) -> Iterator[str]:
    with town_server(context, local_key="of this machine") as url:
        yield url


@pytest.fixture(scope="module")
def people(url: str) -> Iterator[dict[str, httpx.Client]]:
    clients = {name: sign_in(url, name) for name in PEOPLE}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def olga(people: dict[str, httpx.Client]) -> httpx.Client:
    return people["olga"]


@pytest.fixture
def sven(people: dict[str, httpx.Client]) -> httpx.Client:
    return people["sven"]


@pytest.fixture
def stranger(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
def audit_log(context: AppContext) -> Iterator[AuditLog]:
    audit_log = AuditLog(context.catalog)
    yield audit_log
    assert audit_log.verify() == audit_log.head()


@pytest.fixture(autouse=True)
def _no_brake(context: AppContext) -> None:
    with context.catalog.begin() as db:
        db.execute(tables.tries.delete())


def last(audit_log: AuditLog) -> AuditEntry:
    return audit_log.find(AuditFilter(limit=1))[0]


def try_route(client: httpx.Client, method: str, route: str) -> httpx.Response:
    path = re.sub(r"\{(\w+)\}", lambda found: FILL[found[1]], route)
    with client.stream(method, path, json={} if method in ("POST", "PATCH", "PUT") else None) as response:
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return response  # it goes on for a minute
        response.read()
        return response


# who may do what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=lambda value: str(value))
def test_every_route_and_every_role(
    context: AppContext, people: dict[str, httpx.Client], stranger: httpx.Client, method: str, route: str
) -> None:
    needed = NEEDS[method, route]
    answers = {name: try_route(client, method, route).status_code for name, client in people.items()}
    for name, client in people.items():  # who signed out, or was
        if route == "/api/logout":
            people[name] = sign_in(str(client.base_url), name)
    refused = {name for name, status in answers.items() if status in (401, 403)}
    assert refused - {"login", "setup"} == {
        name for name, draft in PEOPLE.items() if needed != ANYBODY and not needed & draft.roles
    }
    assert (try_route(stranger, method, route).status_code == 401) == (needed != ANYBODY)
    assert all(status < 500 for status in answers.values())


def test_head_is_as_get(people: dict[str, httpx.Client], stranger: httpx.Client) -> None:
    path = f"/api/clips/{'0' * 24}.mp4?offset_ms=0&duration_ms=1000"
    assert stranger.head(path).status_code == 401
    assert people["aude"].head(path).status_code == 403
    assert people["olga"].head(path).status_code == 404


def test_what_is_in_no_table_is_for_nobody(people: dict[str, httpx.Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NEEDS, ("GET", "/api/status"))
    assert {client.get("/api/status").status_code for client in people.values()} == {403}


# what a scope hides ---------------------------------------------------------------------------------------------


def test_another_district_sees_none_of_it(olga: httpx.Client, sven: httpx.Client) -> None:
    """Everything that one may name is refused to the other in the words for what does not exist."""
    case = a_case(olga)
    found = olga.post(f"/api/cases/{case}/search", json={"reason": REASON}).json()
    clip = found["clips"][0]
    assert {one["camera"] for one in found["clips"]} == {"gate"}
    assert olga.post(f"/api/cases/{case}/sightings", json={"clip": clip["id"]}).status_code == 201
    theirs = a_case(sven)
    ask = {"case": theirs, "reason": REASON}
    standing = olga.post(
        "/api/saved-searches", json={"query": "red", "case": case, "reason": REASON, "include_old": True}
    ).json()
    hidden: list[tuple[str, str, Any]] = [
        ("GET", clip["thumbnail"], None),
        ("GET", clip["clip_url"], None),
        ("GET", f"/api/tracks?tracks={clip['id']}", None),
        ("GET", f"/api/cameras/gate/near?time_ms={clip['time_ms']}", None),
        ("GET", f"/api/search/{found['id']}", None),
        ("GET", "/api/cameras/gate/now.jpg", None),
        ("GET", "/api/coverage?cameras=gate", None),
        ("GET", f"/api/cases/{case}", None),
        ("PATCH", f"/api/cases/{case}", {"name": "x"}),
        ("DELETE", f"/api/cases/{case}", None),
        ("POST", f"/api/cases/{case}/search", {"reason": REASON}),
        ("POST", f"/api/cases/{case}/follow", {"reason": REASON}),
        ("POST", f"/api/cases/{case}/marks", {"clip": clip["id"], "mark": "like"}),
        ("DELETE", f"/api/cases/{case}/marks/last", None),
        ("POST", f"/api/cases/{case}/sightings", {"clip": clip["id"]}),
        ("DELETE", f"/api/cases/{case}/sightings/1", None),
        ("GET", f"/api/cases/{case}/trail", None),
        ("GET", f"/api/cases/{case}/trail.svg", None),
        ("GET", f"/api/cases/{case}/sightings/1.jpg", None),
        ("GET", f"/api/cases/{case}/photos/1.jpg", None),
        ("POST", f"/api/cases/{case}/sightings/1/evidence", {}),
        ("GET", f"/api/cases/{case}/people", None),
        ("POST", f"/api/cases/{case}/people", {"account": "sven"}),
        ("POST", "/api/approvals", {"case": case, "reason": REASON}),
        ("POST", "/api/search", {"query": "red", "case": case, "reason": REASON}),
        ("POST", "/api/search", {"query": "red", "cameras": ["gate"], **ask}),
        ("POST", "/api/search", {"query": "red", "like": [clip["id"]], **ask}),
        ("POST", "/api/search", {"query": "red", "unlike": [clip["id"]], **ask}),
        ("POST", f"/api/cases/{theirs}/search", {"cameras": ["gate"], "reason": REASON}),
        ("POST", f"/api/cases/{theirs}/marks", {"clip": clip["id"], "mark": "like"}),
        ("POST", f"/api/cases/{theirs}/sightings", {"clip": clip["id"]}),
        ("POST", "/api/cases", {"name": "x", "queries": ["x"], "last_seen": {"camera": "gate", "time": 0}}),
        ("POST", "/api/saved-searches", {"query": "red", "cameras": ["gate"], **ask}),
        ("POST", "/api/saved-searches/preview", {"query": "red", "like": [clip["id"]], **ask}),
        ("GET", f"/api/saved-searches/{standing['number']}", None),
        ("PATCH", f"/api/saved-searches/{standing['number']}", {"name": "x"}),
        ("DELETE", f"/api/saved-searches/{standing['number']}", None),
        ("POST", f"/api/saved-searches/{standing['number']}/test-webhook", None),
    ]
    for method, path, body in hidden:
        answer = sven.request(method, path, json=body if method in ("POST", "PATCH", "PUT") else None)
        assert answer.status_code == (415 if path.endswith("webhook") else 404), (method, path, answer.text)
        assert "Li Ming" not in answer.text
        assert clip["segment"] not in answer.text or clip["segment"] in f"{path}{body}", "what was not known before"
    for path in ("status", "cases", "cameras", "live", "coverage", "saved-searches", "alerts"):
        assert "gate" not in sven.get(f"/api/{path}").text, path
    assert olga.get(f"/api/cases/{case}").status_code == 200, "it is still there for its owner"


def test_a_search_answers_from_the_scope_only(olga: httpx.Client, sven: httpx.Client) -> None:
    for client, camera in ((olga, "gate"), (sven, "hall")):
        ask = {"case": a_case(client), "reason": REASON, "limit": 500}
        for body in ({"query": "red"}, {"query": "someone", "kinds": ["frame"]}, {"query": "red near the gate"}):
            answer = client.post("/api/search", json=body | ask).json()
            assert {clip["camera"] for clip in answer["clips"]} <= {camera}
            assert camera in {clip["camera"] for clip in answer["clips"]}
            assert {gap["camera"] for gap in answer["coverage"]["gaps"]} <= {camera}


def test_old_footage_is_beyond_who_may_not_look_back(context: AppContext, url: str) -> None:
    AccountStore(context.catalog).add(
        AccountInput("newby", frozenset({UserRole.OPERATOR}), AccessScope(everything=True, back_hours=1)), PASSWORD
    )
    AccountStore(context.catalog).add(AccountInput("old", frozenset({UserRole.OPERATOR}), FULL_SCOPE), PASSWORD)
    new, old = sign_in(url, "newby"), sign_in(url, "old")
    clip = old.post(f"/api/cases/{a_case(old)}/search", json={"reason": REASON}).json()["clips"][0]
    ask = {"query": "red", "case": a_case(new), "reason": REASON}
    assert new.post("/api/search", json=ask).json()["clips"] == [], "the recordings are some years old"
    assert new.post("/api/search", json=ask | {"end": 1_600_000_000_000}).status_code == 403
    for path in (clip["thumbnail"], clip["clip_url"]):
        assert (new.get(path).status_code, old.get(path).status_code) == (404, 200)


def test_a_case_is_shared_and_handed_over(people: dict[str, httpx.Client], olga: httpx.Client) -> None:
    case, sven = a_case(olga), people["sven"]
    clip = olga.post(f"/api/cases/{case}/search", json={"reason": REASON}).json()["clips"][0]
    olga.post(f"/api/cases/{case}/sightings", json={"clip": clip["id"]})
    assert people["sue"].get(f"/api/cases/{case}").status_code == 200, "a supervisor of all districts"
    assert people["oscar"].get(f"/api/cases/{case}").status_code == 404, "no supervisor"
    shared = olga.post(f"/api/cases/{case}/people", json={"account": "sven", "hand_over": True}).json()
    assert shared == {"owner": "sven", "people": ["olga", "sven"]}
    seen = sven.get(f"/api/cases/{case}").json()
    assert seen["name"] == "Li Ming"
    assert (seen["sightings"], seen["sighting_count"]) == ([], 0), "not on cameras of another district"
    assert sven.get(f"/api/cases/{case}/sightings/1.jpg").status_code == 404
    assert sven.get(f"/api/cases/{case}/trail").json()["stops"] == []
    assert len(olga.get(f"/api/cases/{case}").json()["sightings"]) == 1
    assert olga.post(f"/api/cases/{case}/people", json={"account": "aude"}).status_code == 409
    assert olga.post(f"/api/cases/{case}/people", json={"account": "nobody"}).status_code == 404


def test_who_it_was_shared_with_neither_deletes_a_case_nor_takes_it(
    people: dict[str, httpx.Client], olga: httpx.Client, sven: httpx.Client
) -> None:
    case = a_case(olga)
    olga.post(f"/api/cases/{case}/people", json={"account": "sven"})
    taken = sven.post(f"/api/cases/{case}/people", json={"account": "sven", "hand_over": True})
    assert (taken.status_code, sven.delete(f"/api/cases/{case}").status_code) == (403, 403)
    for name in ("oscar", "olga"):  # to share it with its owner takes nothing from them
        assert sven.post(f"/api/cases/{case}/people", json={"account": name}).json()["owner"] == "olga"
    assert people["sue"].delete(f"/api/cases/{case}").status_code == 204, "a supervisor"
    mine = a_case(olga)
    assert olga.delete(f"/api/cases/{mine}").status_code == 204, "its owner"


# case, reason, width -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/search", "/api/saved-searches", "/api/saved-searches/preview"])
def test_a_search_needs_a_case_and_a_reason(olga: httpx.Client, audit_log: AuditLog, path: str) -> None:
    said = {"query": "red"}
    case = a_case(olga)
    for more, what in (({}, "case"), ({"case": case}, "reason"), ({"case": case, "reason": " a "}, "reason")):
        answer = olga.post(path, json=said | more)
        assert (answer.status_code, what in answer.json()["what"]) == (400, True)
    assert olga.post(path, json=said | {"case": case, "reason": REASON}).status_code < 300
    entry = last(audit_log)
    assert (entry.act.account, entry.act.case_id) == ("olga", case)
    assert (entry.act.details["roles"], entry.act.details["body"]["reason"]) == (["operator"], REASON)
    olga.patch(f"/api/cases/{case}", json={"open": False})
    assert olga.post(path, json=said | {"case": case, "reason": REASON}).status_code == 409, "it is closed"


def test_what_is_opened_from_an_answer_is_recorded_for_its_case(olga: httpx.Client, audit_log: AuditLog) -> None:
    case = a_case(olga)
    clip = olga.post("/api/search", json={"query": "red", "case": case, "reason": REASON}).json()["clips"][0]
    for path, action in ((clip["thumbnail"], "view.thumbnail"), (clip["clip_url"], "view.clip")):
        assert olga.get(path).status_code == 200
        assert (last(audit_log).act.action, last(audit_log).act.case_id) == (action, case)


def test_a_wide_search_waits_for_a_supervisor(tmp_path: Path) -> None:
    with town(tmp_path, wide_search_hours=0.0001) as context, town_server(context) as url:
        olga, sue = sign_in(url, "olga"), sign_in(url, "sue")
        case = a_case(olga)
        ask = {"query": "red", "case": case, "reason": REASON}
        wide = olga.post("/api/search", json=ask)
        assert (wide.status_code, wide.json()["error"]) == (403, "TooWide")
        assert olga.post("/api/search", json=ask | {"cameras": ["gate"]}).status_code == 200
        assert olga.post("/api/search", json=ask | {"query": "red near the gate"}).status_code == 200
        number = olga.post("/api/approvals", json={"case": case, "reason": "a child"}).json()["number"]
        assert olga.post("/api/search", json=ask).status_code == 403, "nobody has judged it"
        assert olga.patch(f"/api/approvals/{number}", json={"granted": True}).status_code == 403
        assert [one["number"] for one in sue.get("/api/approvals").json()["approvals"]] == [number]
        assert sue.patch(f"/api/approvals/{number}", json={"granted": True}).json()["holds"] is True
        assert olga.post("/api/search", json=ask).status_code == 200
        assert olga.post("/api/search", json=ask | {"case": a_case(olga)}).status_code == 403, "another case"
        assert sue.patch(f"/api/approvals/{number}", json={"granted": False}).status_code == 409


def test_danger_to_life_goes_through_and_is_reviewed(tmp_path: Path) -> None:
    with town(tmp_path, wide_search_hours=0.0001) as context, town_server(context) as url:
        sue, sven, oscar = (sign_in(url, name) for name in ("sue", "sven", "oscar"))
        case = a_case(sue)
        ask = {"query": "red", "case": case, "reason": REASON}
        made = sue.post("/api/approvals", json={"case": case, "reason": "into the river", "danger": True}).json()
        assert (made["holds"], made["granted"], made["mine"]) == (True, None, True)
        assert sue.post("/api/search", json=ask).status_code == 200
        assert sue.patch(f"/api/approvals/{made['number']}", json={"granted": True}).status_code == 403, "her own"
        assert sven.get("/api/approvals").json()["approvals"] == []
        assert oscar.get("/api/approvals").json()["approvals"] == []
        AccountStore(context.catalog).add(AccountInput("max", frozenset({UserRole.SUPERVISOR}), FULL_SCOPE), PASSWORD)
        refused = sign_in(url, "max").patch(f"/api/approvals/{made['number']}", json={"granted": False})
        assert refused.json()["holds"] is False
        assert sue.post("/api/search", json=ask).status_code == 403
        record = AuditLog(context.catalog).find(AuditFilter(action="approval.ask", account="sue"))
        assert record[0].act.details["body"]["danger"] is True


# getting in -----------------------------------------------------------------------------------------------------


def test_the_cookie_is_out_of_reach_of_scripts(url: str) -> None:
    answer = httpx.post(f"{url}/api/login", json={"name": "OLGA", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/", f"{COOKIE}="))
    assert answer.json()["account"] == "olga"
    secret = answer.cookies[COOKIE]
    assert secret not in answer.text


def test_forged_and_old_cookies_open_nothing(context: AppContext, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "x", "0" * 43, "\x01", "é", "a=b; " + COOKIE + "=c"):
        answer = httpx.get(f"{url}/api/cameras", headers=[(b"Cookie", f"{COOKIE}={value}".encode())])
        assert answer.status_code in (400, 401), value
    client = sign_in(url, "olga")
    assert client.get("/api/cameras").status_code == 200
    later = now_ms() + account_store.IDLE_MS + 1
    monkeypatch.setattr(account_store, "now_ms", lambda: later)
    assert client.get("/api/cameras").status_code == 401, "unused for an hour"


def test_signing_out_ends_the_session(url: str) -> None:
    client = sign_in(url, "olga")
    secret = client.cookies[COOKIE]
    assert client.post("/api/logout", json={}).status_code == 204
    assert httpx.get(f"{url}/api/cameras", headers={"Cookie": f"{COOKIE}={secret}"}).status_code == 401


def test_a_change_needs_the_token_of_its_own_session(url: str) -> None:
    one, other = sign_in(url, "olga"), sign_in(url, "olga")
    body = {"name": "x", "queries": ["red"]}
    old = one.headers.pop(CSRF_HEADER)
    assert one.post("/api/cases", json=body).status_code == 403
    for token in ("", "x", "é", other.headers[CSRF_HEADER]):
        answer = one.post("/api/cases", json=body, headers=[(CSRF_HEADER.encode(), token.encode())])
        assert answer.status_code == 403, "of another session"
    assert one.post("/api/cases", json=body, headers={CSRF_HEADER: old}).status_code == 201
    one.post("/api/logout", json={}, headers={CSRF_HEADER: old})
    again = one.post("/api/login", json={"name": "olga", "password": PASSWORD}).json()["csrf"]
    assert again != old
    assert one.post("/api/cases", json=body, headers={CSRF_HEADER: old}).status_code == 403, "replayed"


def test_guessing_is_slowed_for_account_and_address(
    context: AppContext, stranger: httpx.Client, audit_log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = []
    for number in range(passwords.FREE + 1):
        answer = stranger.post("/api/login", json={"name": "olga", "password": f"wrong password {number}"})
        statuses.append(answer.status_code)
    assert statuses == [401] * (passwords.FREE + 1)
    right = {"name": "olga", "password": PASSWORD}
    braked = stranger.post("/api/login", json=right)
    assert braked.status_code == 429, "even with the right one"
    assert 1 <= int(braked.headers["retry-after"]) <= passwords.LONGEST_S
    assert stranger.post("/api/login", json={"name": "sven", "password": PASSWORD}).status_code == 429, "the address"
    assert [e.act.status for e in audit_log.find(AuditFilter(action="login", limit=3))] == [429, 429, 401]
    assert "wrong password" not in str([e.act.details for e in audit_log.find(AuditFilter(action="login", limit=9))])
    monkeypatch.setattr(passwords, "now_ms", lambda: round(time.time() * 1000) + 5000)
    assert stranger.post("/api/login", json=right).status_code == 200


def test_an_unknown_name_is_answered_as_a_wrong_password(stranger: httpx.Client) -> None:
    answers = [
        stranger.post("/api/login", json={"name": name, "password": "a wrong password"}) for name in ("olga", "noone")
    ]
    assert answers[0].text == answers[1].text
    assert {answer.status_code for answer in answers} == {401}


def test_who_is_disabled_is_out_at_once(context: AppContext, url: str, people: dict[str, httpx.Client]) -> None:
    made = people["adam"].post(
        "/api/accounts",
        json={"name": "tim", "password": PASSWORD, "roles": ["operator"], "scope": {"districts": ["north"]}},
    )
    assert made.status_code == 201
    tim, number = sign_in(url, "tim"), made.json()["number"]
    assert tim.get("/api/cases").status_code == 200
    people["adam"].patch(f"/api/accounts/{number}", json={"disabled": True})
    assert tim.get("/api/cases").status_code == 401
    refused = httpx.post(f"{url}/api/login", json={"name": "tim", "password": PASSWORD})
    assert refused.status_code == 401


def test_roles_and_scope_change_at_once(url: str, people: dict[str, httpx.Client]) -> None:
    scope = {"districts": ["north"]}
    body = {"name": "uta", "password": PASSWORD, "roles": ["operator"], "scope": scope}
    number = people["adam"].post("/api/accounts", json=body).json()["number"]
    uta = sign_in(url, "uta")
    assert [camera["id"] for camera in uta.get("/api/cameras").json()["cameras"]] == ["gate"]
    people["adam"].patch(f"/api/accounts/{number}", json={"scope": {"cameras": ["hall"]}})
    assert [camera["id"] for camera in uta.get("/api/cameras").json()["cameras"]] == ["hall"]
    people["adam"].patch(f"/api/accounts/{number}", json={"scope": {}})
    assert uta.get("/api/cameras").json()["cameras"] == [], "no scope is nothing, never all"
    case = a_case(uta)
    asked = uta.post("/api/search", json={"query": "red", "case": case, "reason": REASON})
    assert asked.status_code == 403
    people["adam"].patch(f"/api/accounts/{number}", json={"roles": ["auditor"]})
    assert uta.get("/api/cases").status_code == 403


def test_the_last_administrator_stays(people: dict[str, httpx.Client], context: AppContext) -> None:
    number = AccountStore(context.catalog).named("adam").id
    for change in ({"disabled": True}, {"roles": ["operator"]}):
        assert people["adam"].patch(f"/api/accounts/{number}", json=change).status_code == 409
    assert people["adam"].get("/api/accounts").status_code == 200


def test_a_password_is_changed_by_its_owner(url: str, context: AppContext) -> None:
    AccountStore(context.catalog).add(AccountInput("vera", frozenset({UserRole.OPERATOR}), NORTH), PASSWORD)
    vera, other = sign_in(url, "vera"), sign_in(url, "vera")
    new = "another long sentence"
    wrong = vera.post("/api/me/password", json={"password": "not it at all", "new_password": new})
    assert wrong.status_code == 403
    assert vera.post("/api/me/password", json={"password": PASSWORD, "new_password": new}).status_code == 204
    assert other.get("/api/cases").status_code == 401
    sign_in(url, "vera", new)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "walter-walter", "x" * 201])
def test_weak_passwords_are_refused_and_not_repeated(context: AppContext, password: str) -> None:
    with pytest.raises(BadInput) as raised:
        AccountStore(context.catalog).add(AccountInput("walter", frozenset({UserRole.OPERATOR}), NORTH), password)
    assert password not in str(raised.value)


def test_of_secrets_there_are_only_hashes(context: AppContext, url: str, people: dict[str, httpx.Client]) -> None:
    client = sign_in(url, "olga")
    key = (
        people["adam"]
        .post("/api/keys", json={"name": "job", "roles": ["operator"], "scope": {"everything": True}})
        .json()["key"]
    )
    secrets = (PASSWORD, client.cookies[COOKIE], client.headers[CSRF_HEADER], key)
    with context.catalog.begin() as db:
        for table in sa.inspect(db).get_table_names():
            text = str(db.execute(sa.text(f'SELECT * FROM "{table}"')).all())  # noqa: S608 - names of our own tables
            assert not any(secret in text for secret in secrets), table


# keys -----------------------------------------------------------------------------------------------------------


def test_a_key_has_a_scope_and_an_end(
    context: AppContext, stranger: httpx.Client, people: dict[str, httpx.Client], audit_log: AuditLog, monkeypatch: Any
) -> None:
    body = {"name": "night-job", "roles": ["operator"], "scope": {"districts": ["south"]}, "days": 1}
    made = people["adam"].post("/api/keys", json=body).json()
    stranger.headers["Authorization"] = f"Bearer {made['key']}"
    assert [camera["id"] for camera in stranger.get("/api/cameras").json()["cameras"]] == ["hall"]
    case = a_case(stranger)
    assert last(audit_log).act.account == "key:night-job"
    found = stranger.post(f"/api/cases/{case}/search", json={"reason": REASON}).json()
    assert {clip["camera"] for clip in found["clips"]} == {"hall"}
    assert stranger.get("/api/accounts").status_code == 403
    assert people["sue"].get(f"/api/cases/{case}").status_code == 200
    later = now_ms() + 86_400_001
    with monkeypatch.context() as patched:
        patched.setattr(account_store, "now_ms", lambda: later)
        expired = stranger.get("/api/cameras")
    assert (expired.status_code, "expired" in expired.json()["what"]) == (401, True)
    assert people["adam"].delete(f"/api/keys/{made['number']}").status_code == 204
    assert stranger.get("/api/cameras").status_code == 401
    for key in ("x", "xunren_", "é"):
        answer = stranger.get("/api/cameras", headers=[(b"Authorization", f"Bearer {key}".encode())])
        assert answer.status_code == 401


def test_commands_at_this_machine_have_a_key_of_their_own(stranger: httpx.Client, audit_log: AuditLog) -> None:
    stranger.headers.update({"Authorization": "Bearer of this machine", "X-Xunren-User": "root"})
    assert {camera["id"] for camera in stranger.get("/api/cameras").json()["cameras"]} == {"gate", "hall"}
    assert stranger.get("/api/cases").status_code == 200
    assert last(audit_log).act.account == "os:root"


# the first account ---------------------------------------------------------------------------------------------


def test_the_first_account_is_made_with_the_link_once(context: AppContext, url: str) -> None:
    body = {"token": "", "name": "eve", "password": PASSWORD}
    assert httpx.post(f"{url}/api/setup", json=body).status_code == 403, "this server has given none"
    assert httpx.get(f"{url}/api/me").json()["setup_needed"] is False
    with town_server(context, setup_token="link") as other:
        assert httpx.post(f"{other}/api/setup", json=body | {"token": "link"}).status_code == 409, "there are accounts"


def test_a_new_town_is_set_up(tmp_path: Path, context: AppContext) -> None:
    from tests.support.browser import small_index

    with small_index(tmp_path, [], accounts=True) as fresh, town_server(fresh, setup_token="link") as url:
        assert httpx.get(f"{url}/api/me").json()["setup_needed"] is True
        body = {"token": "link", "name": "first", "password": PASSWORD}
        assert httpx.post(f"{url}/api/setup", json=body | {"token": "lint"}).status_code == 403
        made = httpx.post(f"{url}/api/setup", json=body)
        assert (made.status_code, set(made.json()["roles"])) == (201, set(UserRole))
        assert COOKIE in made.cookies
        assert httpx.post(f"{url}/api/setup", json=body | {"name": "second"}).status_code == 403
        assert "link" not in str(
            [e.act.details for e in AuditLog(fresh.catalog).find(AuditFilter(action="account.first"))]
        )
        with pytest.raises(Conflict):
            AccountStore(fresh.catalog).add(
                AccountInput("third", frozenset({UserRole.ADMIN}), FULL_SCOPE), PASSWORD, first=True
            )


def test_without_accounts_there_is_nothing_to_sign_in_to(tmp_path: Path) -> None:
    from tests.support.browser import small_index

    with small_index(tmp_path, []) as plain, town_server(plain) as url:
        assert httpx.get(f"{url}/api/me").json()["account"] == "local"
        assert httpx.post(f"{url}/api/login", json={"name": "a", "password": "b"}).status_code == 409
        assert httpx.get(f"{url}/api/accounts").status_code == 409


def test_who_reads_the_record(people: dict[str, httpx.Client], olga: httpx.Client) -> None:
    case = a_case(olga)
    olga.get(f"/api/cases/{case}")
    entries = people["aude"].get("/api/audit", params={"case": case}).json()["entries"]
    assert [(entry["action"], entry["account"]) for entry in entries] == [("case.view", "olga"), ("case.new", "olga")]
    assert people["aude"].get("/api/audit", params={"account": "aude"}).json()["entries"][0]["action"] == "audit.list"
    page = people["aude"].get("/api/audit", params={"limit": 2}).json()
    assert page["more"] is True
    assert people["aude"].get("/api/audit/check").json()["whole"] is True


def test_masks_are_drawn_by_who_may(people: dict[str, httpx.Client], context: AppContext, olga: httpx.Client) -> None:
    triangle = [[0, 0], [0.5, 0], [0, 0.5]]
    sue, adam = people["sue"], people["adam"]
    assert olga.put("/api/cameras/gate/masks", json={"masks": [triangle]}).status_code == 403
    before = context.catalog.streams.configs(["hall"])["hall"]
    assert sue.put("/api/cameras/hall/masks", json={"masks": [triangle]}).json()["masks"] == [triangle]
    assert adam.get("/api/cameras/hall/masks").json()["masks"] == [triangle]
    for bad in ([[[0, 0], [1, 1]]], [[[0, 0], [2, 0], [0, 1]]], "x", [[[0, 0]] * 101]):
        assert sue.put("/api/cameras/hall/masks", json={"masks": bad}).status_code == 400
    assert sue.put("/api/cameras/nowhere/masks", json={"masks": []}).status_code == 404
    assert sue.put("/api/cameras/hall/masks", json={"masks": []}).json()["masks"] == []
    assert context.catalog.streams.configs(["hall"])["hall"] == before
