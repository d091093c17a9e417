"""Signing in elsewhere: the authorization code flow of OpenID Connect, with PKCE, state and nonce.

The browser keeps one secret while it is away at the provider; state, nonce and the code verifier follow from it: an
answer counts only in the browser that asked, and any of our servers can finish what another began. ID tokens are
checked by PyJWT. Specification: OpenID Connect Core 1.0 (section 3.1), RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from search.config import Settings
from search.errors import BadInput, Unauthenticated, Unavailable

if TYPE_CHECKING:
    import jwt

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Only those with which the provider alone can sign."""
CALLBACK = "/api/oidc/callback"
_TIMEOUT_S = 10.0
_MOST_BYTES = 1_000_000
_KNOWN_S = 3600.0  # the provider's addresses and keys are asked for again after this,
_KEYS_AGAIN_S = 60.0  # and its keys not before this where a token names one that is not known
_LEEWAY_S = 60
_CURE = "try again; if it stays so, tell an administrator"


@dataclass(frozen=True, slots=True)
class OidcIdentity:
    """Whom the provider names: `subject` is theirs for ever, `name` is what an account is first found by."""

    name: str
    subject: str


def check_oidc(settings: Settings) -> None:
    """Raise `BadInput` where the settings for signing in elsewhere do not fit together."""
    s = settings
    if not s.oidc_issuer:
        if s.oidc_client_id or s.oidc_client_secret:
            raise BadInput("oidc_client_id is of no use without oidc_issuer", cure="give both, or none")
        return
    for name in ("oidc_client_id", "public_url"):
        if not getattr(s, name):
            raise BadInput(f"oidc_issuer needs {name}", cure=f"give {name}, or leave oidc_issuer empty")
    if not s.accounts:
        raise BadInput("oidc_issuer is set, and accounts are off", cure="leave accounts on, or oidc_issuer empty")
    for name in ("oidc_issuer", "public_url"):
        _check_address(getattr(s, name), f"setting {name}")


def _check_address(url: str, what: str) -> str:
    """Return an address over which passwords may travel. Raises `BadInput`."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        raise BadInput(f"{what} is not safe", got=url, expected="https://, or http:// to this machine")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class OidcProvider:
    """The provider that the settings name. Safe for threads; asks it for nothing before somebody signs in.

    Args:
        settings: checked by `check_oidc`.
    """

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._client_id = settings.oidc_client_id
        self._client_secret = settings.oidc_client_secret
        self._claim = settings.oidc_claim
        self._callback = settings.public_url.rstrip("/") + CALLBACK
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, jwt.PyJWKSet] | None = None

    @property
    def host(self) -> str:
        """Return the provider's host, for people."""
        return urlsplit(self._issuer).hostname or ""

    def begin(self, secret: str) -> str:
        """Return the address at which the browser that keeps `secret` signs in. Raises `Unavailable`."""
        challenge = hashlib.sha256(_part(secret, "verifier").encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "scope": "openid profile email",
            "state": _part(secret, "state"),
            "nonce": _part(secret, "nonce"),
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        address = str(self._about()["authorization_endpoint"])
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    def check(self, secret: str, state: str) -> None:
        """Raise `Unauthenticated` for an answer that does not belong to this browser's attempt."""
        if not secret or not hmac.compare_digest(state.encode(), _part(secret, "state").encode()):
            cure = "sign in again, in one window"
            raise Unauthenticated("this answer belongs to another attempt to sign in", cure=cure)

    def finish(self, secret: str, code: str) -> OidcIdentity:
        """Return the person whom the provider's answer names; `check` it first.

        Raises:
            Unauthenticated: its token is not good.
            Unavailable: the provider does not answer.
        """
        claims = self._claims(self._token(secret, code))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), _part(secret, "nonce").encode()):
            raise Unauthenticated("the provider's answer is to another question", cure="sign in again")
        name = claims.get(self._claim)
        if not isinstance(name, str) or not name:
            expected = f"the claim {self._claim} in the ID token"
            raise Unauthenticated(
                "the provider does not say who this is",
                got=", ".join(sorted(claims)),
                expected=expected,
                cure="an administrator can set oidc_claim to a claim that the provider sends",
            )
        return OidcIdentity(name, f"{self._issuer} {claims['sub']}")

    def _token(self, secret: str, code: str) -> str:
        """Return the ID token for a code."""
        about = self._about()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": _part(secret, "verifier"),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        ways = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._client_secret and "client_secret_basic" in ways:
            pair = urlencode({self._client_id: self._client_secret}).replace("=", ":", 1)  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id}
            form |= {"client_secret": self._client_secret} if self._client_secret else {}
        response = _fetch(str(about["token_endpoint"]), urlencode(form).encode(), headers)
        if not isinstance(response.get("id_token"), str):
            raise Unauthenticated("the provider gave no ID token", got=str(response.get("error", "")), cure=_CURE)
        return str(response["id_token"])

    def _claims(self, token: str) -> dict[str, Any]:
        """Return the claims of an ID token that is the provider's, for us, and not too old."""
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(jwt.get_unverified_header(token)),
                algorithms=ALGORITHMS,
                audience=self._client_id,
                issuer=[self._issuer, f"{self._issuer}/"],
                leeway=_LEEWAY_S,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as e:
            raise Unauthenticated("the provider's ID token is not good", got=str(e), cure=_CURE) from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._client_id) != self._client_id:
            raise Unauthenticated("the provider's ID token is for somebody else", cure=_CURE)
        return claims

    def _key(self, header: dict[str, Any]) -> jwt.PyJWK:
        """Return the provider's key that a token names."""
        name = header.get("kid")
        for again in (False, True):
            keys = self._key_set(again=again).keys
            if name is None and len(keys) == 1:
                return keys[0]
            key_ = next((key for key in keys if key.key_id == name), None)
            if key_ is not None:
                return key_
        raise Unauthenticated("the provider's ID token names an unknown key", got=str(name), cure=_CURE)

    def _key_set(self, *, again: bool) -> jwt.PyJWKSet:
        import jwt

        with self._lock:
            age = time.monotonic() - self._keys[0] if self._keys else float("inf")
            if self._keys and age < (_KEYS_AGAIN_S if again else _KNOWN_S):
                return self._keys[1]
        data = _fetch(str(self._about()["jwks_uri"]))
        try:
            keys = jwt.PyJWKSet.from_dict(data)
        except (jwt.PyJWTError, TypeError, AttributeError) as e:
            raise _broken(str(e)) from None
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    def _about(self) -> dict[str, Any]:
        """Return the provider's description of itself."""
        with self._lock:
            if self._known and time.monotonic() - self._known[0] < _KNOWN_S:
                return self._known[1]
        about = _fetch(f"{self._issuer}/.well-known/openid-configuration")
        if str(about.get("issuer", "")).rstrip("/") != self._issuer:
            raise _broken(f"it calls itself {about.get('issuer')}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            try:
                _check_address(str(about.get(name, "")), name)
            except BadInput as e:
                raise _broken(str(e)) from None
        with self._lock:
            self._known = (time.monotonic(), about)
        return about


def new_secret() -> str:
    """Return a secret that the browser keeps while it is at the provider."""
    return secrets.token_urlsafe(32)


def _part(secret: str, name: str) -> str:
    """Derive one value (state, nonce, verifier) from the browser's secret."""
    made = hmac.new(secret.encode(), f"xunren oidc {name}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: a provider's description must stand at its own address."""

    def redirect_request(self, *_: Any) -> None:
        """Return None: a redirect is not followed."""


_OPENER = urllib.request.build_opener(_NoRedirects)


def _fetch(url: str, form: bytes | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a JSON object of the provider. The error of a refused request has the provider's message."""
    request = urllib.request.Request(url, form, {"Accept": "application/json"} | (headers or {}))  # noqa: S310 - checked
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
            text = answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as e:
        if e.code >= 500 or form is None:
            raise _broken(f"HTTP {e.code}") from None
        text = e.read(_MOST_BYTES)
    except (OSError, ValueError) as e:
        raise _broken(str(e)) from None
    try:
        data = json.loads(text)
    except ValueError:
        raise _broken("its answer is no JSON") from None
    if not isinstance(data, dict):
        raise _broken("its answer is no JSON object")
    return data


def _broken(what: str) -> Unavailable:
    return Unavailable("the provider for signing in does not answer as it should", got=what, cure=_CURE)
