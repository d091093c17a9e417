"""Addresses with secrets in them: sealed for the catalogue, shown without what is secret, opened only to connect.

``${NAME}`` in an address is taken from the environment when the recorder connects, so that the secret need not be in
the catalogue at all. The rest is encrypted (Fernet of the `cryptography` package: AES-128-CBC with HMAC-SHA256). The
key is the setting `secret_key`, or the file `secret.key` in the data folder, made when first needed, for its owner only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken

from search.errors import BadInput, Unavailable

SCHEMES = ("rtsp", "rtsps", "http", "https")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
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

    def seal(self, address: str) -> str:
        """The address encrypted; `${NAME}` stays a reference inside."""
        return self._cipher(make=True).encrypt(check_address(address).encode()).decode()

    def open(self, sealed: str, environ: Mapping[str, str] | None = None) -> str:
        """The address in clear, for nothing but connecting.

        Raises:
            Unavailable: it was sealed with another key, or a variable that it refers to is not set.
        """
        try:
            address = self._cipher(make=False).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unavailable(
                "the camera's address was sealed with another key",
                cure="give the old secret_key (or secret.key) back, or add the camera again with its --url",
            ) from None
        return _resolved(address, os.environ if environ is None else environ)

    def _cipher(self, *, make: bool) -> Fernet:
        try:
            return Fernet(self._key or self._read(make=make))
        except ValueError:
            raise BadInput(
                "secret_key is not a key",
                expected="44 characters of URL-safe base64",
                cure=f"make one: {_MAKE_KEY}",
            ) from None

    def _read(self, *, make: bool) -> bytes:
        file = self._folder / "secret.key"
        try:
            if make and not file.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                new = file.with_name(f".{file.name}.{os.getpid()}")
                new.touch(mode=0o600)
                new.write_bytes(Fernet.generate_key())
                os.link(new, file)  # fails if another process was first; then its key holds
                new.unlink()
        except FileExistsError:
            new.unlink()
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
    """Return `address`, or raise `BadInput`, which never repeats what may be secret, if it is no stream's address."""
    text = address.strip()
    try:
        parts = urlsplit(_REFERENCE.sub("0", text))
        sound = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
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
    """The address as it may be printed: without user, password and the values of its query."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return _HIDDEN
    user, at, place = rest.rpartition("@")
    if "?" in user:  # of a password or of a query: nothing tells which
        return f"{scheme}://{_HIDDEN}"
    address, question, _ = place.partition("?")
    return f"{scheme}://{_HIDDEN + at if at else ''}{address}" + (f"?{_HIDDEN}" if question else "")


def _resolved(address: str, environ: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise Unavailable(
                "the camera's address refers to a variable that is not set",
                got=f"${{{name}}}",
                cure=f"set {name} in the environment of the process that records",
            )
        return environ[name]

    return _REFERENCE.sub(value, address)
