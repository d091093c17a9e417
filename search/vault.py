"""Addresses with secrets: sealed for the catalogue, displayed without the secrets, opened only to connect.

``${NAME}`` in an address is read from the environment when the recorder connects, so that the secret need not be in the
catalogue at all; as user or password it may have any character. The rest is encrypted (Fernet of the
`cryptography` package: AES-128-CBC with HMAC-SHA256). The key is the setting `secret_key`, or the file `secret.key` in
the data folder, made when first needed, for its owner only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from search.errors import BadInput, Unavailable, XunrenError
from search.files import make_key_file

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

SCHEMES = ("rtsp", "rtsps", "http", "https")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PLACE = re.compile(
    r"(?P<host>(?:[\w.-]|\$\{\w+\})+|\[[0-9A-Fa-f:.]+\])(?P<port>:(?:\d{1,5}|\$\{\w+\}))?(?P<path>/[^?#\s]*)?(?P<rest>[?#].*)?",
    re.DOTALL,
)
_HIDDEN = "***"
_MAKE_KEY = 'python -c "from cryptography.fernet import Fernet as F; print(F.generate_key().decode())"'


class Vault:
    """Seals and opens addresses with one key.

    Args:
        folder: holds `secret.key` where no `key` is given.
        key: as `Fernet.generate_key` makes it; empty takes the file.
    """

    def __init__(self, folder: Path, key: str = "") -> None:
        self._folder = folder
        self._key = key
        self._fernet: Fernet | None = None

    def seal(self, address: str) -> str:
        """Return the address encrypted; `${NAME}` stays a reference inside."""
        return self._cipher(make=True).encrypt(check_address(address).encode()).decode()

    def open(self, sealed: str, environ: Mapping[str, str] | None = None) -> str:
        """Return the address in clear, for connecting only.

        Raises:
            Unavailable: it was sealed with another key, or a variable that it refers to is not set.
        """
        return _resolve(self._clear(sealed), os.environ if environ is None else environ)

    def opens(self, sealed: str) -> bool:
        """Return whether it was sealed with this key."""
        try:
            self._clear(sealed)
        except XunrenError:
            return False
        return True

    def holds(self, sealed: str, address: str) -> bool:
        """Return whether `sealed` can be read and is this address; references are compared by their names."""
        try:
            return self._clear(sealed) == address.strip()
        except Unavailable:
            return False

    def _clear(self, sealed: str) -> str:
        from cryptography.fernet import InvalidToken

        try:
            return self._cipher(make=False).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unavailable(
                "the camera's address was sealed with another key",
                cure="give the old secret_key (or secret.key) back, or add the camera again with its --url",
            ) from None

    def _cipher(self, *, make: bool) -> Fernet:
        from cryptography.fernet import Fernet

        try:
            self._fernet = self._fernet or Fernet(self._key or self._read(make=make))
            return self._fernet
        except ValueError:
            raise BadInput(
                "secret_key is not a key",
                expected="44 characters of URL-safe base64",
                cure=f"make one: {_MAKE_KEY}",
            ) from None

    def _read(self, *, make: bool) -> bytes:
        from cryptography.fernet import Fernet

        file = self._folder / "secret.key"
        if make and not file.exists():
            try:
                make_key_file(file, Fernet.generate_key())
            except OSError as e:
                raise Unavailable("the key cannot be made", got=file, cure=e.strerror or str(e)) from None
        try:
            return file.read_bytes().strip()
        except OSError as e:
            raise Unavailable(
                "the key of the cameras' addresses cannot be read",
                got=file,
                cure=f"{e.strerror}; give it back, or set secret_key, or add the cameras again with their --url",
            ) from None


def check_address(address: str) -> str:
    """Return `address`, or raise `BadInput`, which never repeats a possible secret, if it is no stream's address."""
    text = address.strip()
    try:
        parts = urlsplit(_REFERENCE.sub("1", text))
        user, _, place = parts.netloc.rpartition("@")
        sound = parts.scheme in SCHEMES and _PLACE.fullmatch(place) is not None and parts.port != 0
        sound = sound and not (user and "@" in parts.path)  # a slash in the password: half of it would be the host
    except ValueError:
        sound = False
    if not sound or any(ord(c) <= 32 or ord(c) == 127 for c in text):
        raise BadInput(
            "not the address of a stream",
            got=shown(text),
            expected="rtsp://[user:password@]host[:port]/path, or http:// for HTTP-FLV",
            cure="percent-encode special characters of the password, or refer to it as ${NAME} of the environment",
        )
    return text


def shown(address: str) -> str:
    """Return the address without user, password, and the values of its query and of ``name=value`` in its path.

    What is not clearly the scheme, the host or the path is hidden too: a mistyped address may have its password
    anywhere.
    """
    scheme, _, rest = address.strip().partition("://")
    if scheme.lower() not in SCHEMES:
        return _HIDDEN
    user, at, place = rest.rpartition("@")
    found = _PLACE.fullmatch(place)
    if found is None or "?" in user:  # of a password or of a query: nothing tells which
        return f"{scheme}://{_HIDDEN}"
    path, equals, _ = (found["path"] or "").partition("=")  # some cameras are asked for /user=NAME_password=WORD
    tail = (_HIDDEN if equals else "") + (f"{found['rest'][0]}{_HIDDEN}" if found["rest"] else "")
    return f"{scheme}://{_HIDDEN + at if at else ''}{found['host']}{found['port'] or ''}{path}{equals}{tail}"


def _resolve(address: str, environ: Mapping[str, str]) -> str:
    """Return the address with its references replaced; those of user and password are percent-encoded."""
    start, end = address.find("://") + 3, address.rfind("@")

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise Unavailable(
                "the camera's address refers to a variable that is not set",
                got=f"${{{name}}}",
                cure=f"set {name} in the environment of the process that records",
            )
        secret = start <= match.start() < end
        return quote(environ[name], safe=":") if secret else environ[name]

    return _REFERENCE.sub(value, address)
