"""People with accounts at a server over a small index of two districts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from api.accounts.account_store import AccountStore
from api.accounts.types import FULL_SCOPE, AccessScope, AccountInput, UserRole
from api.runtime.context import AppContext
from api.web.app import create_app
from api.web.middleware.authentication import CSRF_HEADER
from tests.support.browser import HOSTS, serving, small_index

PASSWORD = "correct horse battery"
NORTH, SOUTH = AccessScope(districts=("north",)), AccessScope(districts=("south",))
PEOPLE = {
    "olga": AccountInput("olga", frozenset({UserRole.OPERATOR}), NORTH),
    "sven": AccountInput("sven", frozenset({UserRole.OPERATOR}), SOUTH),
    "oscar": AccountInput("oscar", frozenset({UserRole.OPERATOR}), FULL_SCOPE),
    "sue": AccountInput("sue", frozenset({UserRole.SUPERVISOR}), FULL_SCOPE),
    "aude": AccountInput("aude", frozenset({UserRole.AUDITOR}), AccessScope()),
    "adam": AccountInput("adam", frozenset({UserRole.ADMIN}), AccessScope()),
}
VIDEOS = [("gate", "red"), ("hall", "green")]
REASON = "report no. 17"
_clients: dict[str, list[httpx.Client]] = {}


@contextmanager
def town(folder: Path, **settings: object) -> Iterator[AppContext]:
    """Open parts: camera gate in the north, hall in the south; everybody of `PEOPLE` has an account."""
    with small_index(folder, VIDEOS, **({"accounts": True, "require_case": True} | settings)) as context:
        for camera, district in (("gate", "north"), ("hall", "south")):
            context.catalog.cameras.add(replace(context.catalog.cameras.get(camera), district=district))
        accounts = AccountStore(context.catalog)
        for draft in PEOPLE.values():
            accounts.add(draft, PASSWORD)
        yield context


@contextmanager
def town_server(context: AppContext, *, local_key: str = "", setup_token: str = "", port: int = 0) -> Iterator[str]:
    """Address of a server over a town."""
    with serving(create_app(context, hosts=HOSTS, local_key=local_key, setup_token=setup_token), port) as url:
        try:
            yield url
        finally:
            for client in _clients.pop(url, []):
                client.close()


def sign_in(url: str, name: str, password: str = PASSWORD) -> httpx.Client:
    """A client with a session, as the page has one."""
    client = httpx.Client(base_url=url, timeout=30)
    answer = client.post("/api/login", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    _clients.setdefault(url, []).append(client)
    client.headers[CSRF_HEADER] = answer.json()["csrf"]
    return client


def a_case(client: httpx.Client, sentence: str = "穿红色上衣的人") -> str:
    """A new case of whoever is signed in."""
    answer = client.post("/api/cases", json={"name": "Li Ming", "queries": [sentence]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
