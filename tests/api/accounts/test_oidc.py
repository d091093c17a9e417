"""Signing in elsewhere: through a real provider in a browser, and through a provider that lies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import oidc_provider_mock
import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa
from playwright.sync_api import expect

from api.accounts import tables
from api.accounts.account_store import AccountStore
from api.accounts.oidc import CALLBACK, check_oidc
from api.accounts.types import AccessScope, AccountInput, UserRole
from api.audit.audit_log import AuditFilter, AuditLog
from api.runtime.context import AppContext
from search.config import Settings
from search.errors import BadInput
from tests.support.accounts import town, town_server
from tests.support.browser import chromium, watched_page


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


OPERATOR = frozenset({UserRole.OPERATOR})
KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


class Liar:
    """A provider that gives the ID token that the test wants."""

    def __init__(self) -> None:
        self.claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.token: Callable[[dict[str, Any]], str] = lambda c: jwt.encode(c, KEY, "RS256", headers={"kid": "1"})
        self.nonce = ""
        self.challenge = ""
        self.used: set[str] = set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def about(self) -> dict[str, Any]:
        ends = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        return {"issuer": self.issuer, **ends}

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return {"keys": [public | {"kid": "1", "use": "sig", "alg": "RS256"}]}

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form["code"] in self.used:
            return 400, {"error": "invalid_grant"}
        self.used.add(form["code"])
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "7", "aud": "xunren", "iat": now, "exp": now + 60, "nonce": self.nonce}
        return 200, {"id_token": self.token(self.claims(claims | {"preferred_username": "olivia"}))}


def _handler(liar: Liar) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(200, liar.keys() if self.path == "/jwks_uri" else liar.about())

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._say(*liar.answer({name: values[0] for name, values in parse_qs(text).items()}))

        def _say(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    liar = Liar()
    thread = threading.Thread(target=liar.server.serve_forever)
    thread.start()
    yield liar
    liar.server.shutdown()
    thread.join()
    liar.server.server_close()


@contextmanager
def served(folder: Path, issuer: str) -> Iterator[tuple[AppContext, str]]:
    public = f"http://127.0.0.1:{free_port()}"
    settings = {"oidc_issuer": issuer, "oidc_client_id": "xunren", "oidc_client_secret": "s & s", "public_url": public}
    with town(folder, **settings) as context:
        AccountStore(context.catalog).add(AccountInput("olivia", OPERATOR, AccessScope(districts=("north",))), None)
        with town_server(context, port=urlsplit(public).port or 0) as url:
            assert url == public
            yield context, url


@pytest.fixture(scope="module")
def place(liar: Liar, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppContext, str]]:
    with served(tmp_path_factory.mktemp("oidc"), liar.issuer) as place:
        yield place


@pytest.fixture(autouse=True)
def _honest(liar: Liar, place: tuple[AppContext, str]) -> None:
    liar.claims = lambda claims: claims
    liar.token = lambda c: jwt.encode(c, KEY, "RS256", headers={"kid": "1"})
    with place[0].catalog.begin() as db:
        db.execute(tables.tries.delete())


@pytest.fixture
def client(place: tuple[AppContext, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=place[1], timeout=30) as client:
        yield client


def go(client: httpx.Client, liar: Liar, *, code: str = "") -> dict[str, str]:
    """What the provider would send the browser back with."""
    asked = parse_qs(urlsplit(client.get("/api/oidc/login").headers["location"]).query)
    liar.nonce = asked["nonce"][0]
    assert asked["code_challenge_method"] == ["S256"]
    return {"state": asked["state"][0], "code": code or str(time.time_ns())}


def test_who_comes_back_is_signed_in(client: httpx.Client, liar: Liar, place: tuple[AppContext, str]) -> None:
    back = client.get(CALLBACK, params=go(client, liar))
    assert back.status_code == 200, back.text
    cookie = next(one for one in back.headers.get_list("set-cookie") if one.startswith("xunren_session"))
    assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    me = client.get("/api/me").json()
    assert (me["account"], me["roles"]) == ("olivia", ["operator"])
    (entry,) = AuditLog(place[0].catalog).find(AuditFilter(action="login.oidc", limit=1))
    assert (entry.act.account, entry.act.status) == ("olivia", 200)
    assert "query" not in entry.act.details, "a code could be used by who reads the record"


def test_the_name_counts_once_and_then_the_subject(client: httpx.Client, liar: Liar) -> None:
    assert client.get(CALLBACK, params=go(client, liar)).status_code == 200
    liar.claims = lambda claims: claims | {"preferred_username": "olga"}
    assert client.get(CALLBACK, params=go(client, liar)).status_code == 200
    assert client.get("/api/me").json()["account"] == "olivia", "a new name is the same person"
    liar.claims = lambda claims: claims | {"sub": "8"}
    assert client.get(CALLBACK, params=go(client, liar)).status_code == 403, "somebody else of the same name"


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", "none")


def with_public_key(claims: dict[str, Any]) -> str:
    """The old trick: the public key, which everybody knows, as the secret of a symmetric signature."""
    said = ({"alg": "HS256", "kid": "1"}, claims)
    part = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in said]
    pem = KEY.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    made = hmac.new(pem, b".".join(part), hashlib.sha256).digest()
    return b".".join([*part, base64.urlsafe_b64encode(made).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c | {"aud": "another"},
        lambda c: c | {"aud": ["xunren", "another"]},
        lambda c: c | {"aud": ["xunren", "another"], "azp": "another"},
        lambda c: c | {"iss": "https://elsewhere.example"},
        lambda c: c | {"exp": int(time.time()) - 120},
        lambda c: c | {"iat": int(time.time()) + 600},
        lambda c: c | {"nonce": "another"},
        lambda c: {name: value for name, value in c.items() if name != "nonce"},
        lambda c: {name: value for name, value in c.items() if name != "exp"},
        lambda c: {name: value for name, value in c.items() if name != "preferred_username"},
        lambda c: c | {"preferred_username": ["olivia"]},
    ],
)
def test_a_token_that_is_not_for_us_opens_nothing(client: httpx.Client, liar: Liar, change: Any) -> None:
    liar.claims = change
    answer = client.get(CALLBACK, params=go(client, liar))
    assert answer.status_code == 401, answer.text
    assert client.get("/api/me").json()["account"] is None


@pytest.mark.parametrize(
    "token",
    [
        lambda c: jwt.encode(c, OTHER_KEY, "RS256", headers={"kid": "1"}),
        lambda c: jwt.encode(c, OTHER_KEY, "RS256", headers={"kid": "2"}),
        unsigned,
        with_public_key,
        lambda _: "no token",
    ],
)
def test_a_token_that_the_provider_did_not_sign_opens_nothing(client: httpx.Client, liar: Liar, token: Any) -> None:
    liar.token = token
    assert client.get(CALLBACK, params=go(client, liar)).status_code == 401
    assert client.get("/api/me").json()["account"] is None


def test_an_answer_counts_once_and_in_its_own_browser(
    client: httpx.Client, liar: Liar, place: tuple[AppContext, str]
) -> None:
    back = go(client, liar)
    with httpx.Client(base_url=place[1]) as other:
        assert other.get(CALLBACK, params=back).status_code == 401, "another browser has no secret"
        go(other, liar)
        assert other.get(CALLBACK, params=back).status_code == 401, "or its own"
    liar.nonce = parse_qs(urlsplit(client.get("/api/oidc/login").headers["location"]).query)["nonce"][0]
    assert client.get(CALLBACK, params=back).status_code == 401, "a later attempt has another state"
    back = go(client, liar)
    kept = client.cookies.get("xunren_oidc", path=CALLBACK)
    assert client.get(CALLBACK, params=back).status_code == 200
    again = client.get(CALLBACK, params=back, headers={"Cookie": f"xunren_oidc={kept}"})
    assert again.status_code == 401
    assert "invalid_grant" in again.text


@pytest.mark.parametrize("query", [{}, {"state": "x", "code": "y"}, {"state": "ü", "code": "y"}])
def test_who_was_never_away_does_not_come_back(client: httpx.Client, query: dict[str, str]) -> None:
    assert client.get(CALLBACK, params=query).status_code == 401


def test_no_account_no_entry(client: httpx.Client, liar: Liar, place: tuple[AppContext, str]) -> None:
    for name in ("nobody", "sven", "<script>alert(1)</script>"):  # sven has a password of his own
        liar.claims = lambda c, name=name: c | {"preferred_username": name, "sub": name}  # type: ignore[misc]
        answer = client.get(CALLBACK, params=go(client, liar))
        assert (answer.status_code, "<script" in answer.text) == (403, False)
    (entry,) = AuditLog(place[0].catalog).find(AuditFilter(action="login.oidc", limit=1))
    assert (entry.act.status, entry.act.details["shown"]["name"]) == (403, "<script>alert(1)</script>")
    answer = client.get(CALLBACK, params=go(client, liar) | {"error": "access_denied"})
    assert (answer.status_code, "access_denied" in answer.text) == (403, True)


def test_who_is_locked_out_binds_nothing(client: httpx.Client, liar: Liar, place: tuple[AppContext, str]) -> None:
    accounts = AccountStore(place[0].catalog)
    made = accounts.add(AccountInput("oleg", OPERATOR), None)
    accounts.change(made.id, made.draft, disabled=True)
    liar.claims = lambda c: c | {"preferred_username": "oleg", "sub": "first"}
    assert client.get(CALLBACK, params=go(client, liar)).status_code == 403
    accounts.change(made.id, made.draft, disabled=False)
    liar.claims = lambda c: c | {"preferred_username": "oleg", "sub": "second"}
    assert client.get(CALLBACK, params=go(client, liar)).status_code == 200


def test_a_link_from_elsewhere_says_nothing_of_the_provider(client: httpx.Client) -> None:
    answer = client.get(CALLBACK, params={"error": "access_denied"})
    assert (answer.status_code, "another attempt" in answer.text) == (401, True)


def test_who_is_locked_out_stays_out(client: httpx.Client, liar: Liar, place: tuple[AppContext, str]) -> None:
    accounts = AccountStore(place[0].catalog)
    assert client.get(CALLBACK, params=go(client, liar)).status_code == 200
    olivia = accounts.named("olivia")
    accounts.change(olivia.id, olivia.draft, disabled=True)
    try:
        assert client.get("/api/me").json()["account"] is None
        assert client.get(CALLBACK, params=go(client, liar)).status_code == 403
    finally:
        accounts.change(olivia.id, olivia.draft, disabled=False)


def test_guesses_are_slowed(client: httpx.Client) -> None:
    statuses = {client.get(CALLBACK, params={"state": "x", "code": str(n)}).status_code for n in range(25)}
    assert statuses == {401, 429}


def test_an_account_without_password_has_none(client: httpx.Client) -> None:
    for password in ("", "x" * 12):
        assert client.post("/api/login", json={"name": "olivia", "password": password}).status_code in (400, 401)


def test_a_provider_that_is_away_is_named(tmp_path: Path) -> None:
    with (
        served(tmp_path, f"http://127.0.0.1:{free_port()}") as (_, url),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        answer = client.get("/api/oidc/login")
        assert (answer.status_code, "provider" in answer.text) == (503, True)
        assert client.get("/api/me").json()["oidc_host"] == "127.0.0.1"


def test_a_provider_that_calls_itself_otherwise_is_refused(liar: Liar, tmp_path: Path) -> None:
    with (
        served(tmp_path, liar.issuer.replace("127.0.0.1", "localhost")) as (_, url),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        assert client.get("/api/oidc/login").status_code == 503


def test_without_a_provider_nobody_goes_there(tmp_path: Path) -> None:
    with town(tmp_path) as context, town_server(context) as url, httpx.Client(base_url=url) as client:
        assert client.get("/api/me").json()["oidc_host"] is None
        assert {client.get(path).status_code for path in ("/api/oidc/login", CALLBACK)} == {404}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"oidc_client_id": "x"}, "without oidc_issuer"),
        ({"oidc_issuer": "https://a.example", "public_url": "https://b.example"}, "needs oidc_client_id"),
        ({"oidc_issuer": "https://a.example", "oidc_client_id": "x"}, "needs public_url"),
        (
            {"oidc_issuer": "http://a.example", "oidc_client_id": "x", "public_url": "https://b"},
            "oidc_issuer is not safe",
        ),
        (
            {"oidc_issuer": "https://a", "oidc_client_id": "x", "public_url": "http://b.example"},
            "public_url is not safe",
        ),
        ({"oidc_issuer": "https://a", "oidc_client_id": "x", "public_url": "https://b", "accounts": False}, "accounts"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_oidc(Settings(**settings))


@pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")  # of the provider, which runs in our process
def test_in_a_browser_through_a_real_provider(tmp_path: Path) -> None:
    people = [oidc_provider_mock.User(sub="1017", claims={"preferred_username": "olivia"})]
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=people) as provider:
        issuer = f"http://localhost:{provider.server_port}"
        with served(tmp_path, issuer) as (_, url), chromium() as browser, watched_page(browser, url) as watched:
            page = watched.page
            page.goto("/")
            page.get_by_role("link", name="Sign in at localhost").click()
            page.get_by_role("button", name="1017").click()
            expect(page.locator("#account")).to_contain_text("olivia")
            page.locator("[data-view=cases]").click()
            expect(page.locator("#case-body")).to_contain_text("No case yet")
