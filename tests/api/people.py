"""People with accounts at a server over a small index of two districts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from api.account_types import EVERYTHING, Draft, Role, Scope
from api.accounts import Accounts
from api.app import create_app
from api.parts import Parts
from api.routes.door import CSRF_HEADER
from tests.api.browser import HOSTS, serving, small_index

PASSWORD = "correct horse battery"
NORTH, SOUTH = Scope(districts=("north",)), Scope(districts=("south",))
PEOPLE = {
    "olga": Draft("olga", frozenset({Role.OPERATOR}), NORTH),
    "sven": Draft("sven", frozenset({Role.OPERATOR}), SOUTH),
    "oscar": Draft("oscar", frozenset({Role.OPERATOR}), EVERYTHING),
    "sue": Draft("sue", frozenset({Role.SUPERVISOR}), EVERYTHING),
    "aude": Draft("aude", frozenset({Role.AUDITOR}), Scope()),
    "adam": Draft("adam", frozenset({Role.ADMIN}), Scope()),
}
VIDEOS = [("gate", "red"), ("hall", "green")]
REASON = "report no. 17"
_clients: dict[str, list[httpx.Client]] = {}


@contextmanager
def town(folder: Path, **settings: object) -> Iterator[Parts]:
    """Open parts: camera gate in the north, hall in the south; everybody of `PEOPLE` has an account."""
    with small_index(folder, VIDEOS, **({"accounts": True, "require_case": True} | settings)) as parts:
        for camera, district in (("gate", "north"), ("hall", "south")):
            parts.catalog.add_camera(replace(parts.catalog.camera(camera), district=district))
        accounts = Accounts(parts.catalog)
        for draft in PEOPLE.values():
            accounts.add(draft, PASSWORD)
        yield parts


@contextmanager
def town_server(parts: Parts, *, local_key: str = "", setup_token: str = "", port: int = 0) -> Iterator[str]:
    """Address of a server over a town."""
    with serving(create_app(parts, hosts=HOSTS, local_key=local_key, setup_token=setup_token), port) as url:
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
    answer = client.post("/api/cases", json={"name": "Li Ming", "sentences": [sentence]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
