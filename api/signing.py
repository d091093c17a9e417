"""Signatures: the installation's Ed25519 key, and what is needed to check what was signed with one.

The key is the file `signing.key` in the data folder (PEM, PKCS #8), made when first needed, for its owner only. A key
is known by its fingerprint: the SHA-256 of its 32 public bytes, hex.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import BadInput, Unavailable
from search.files import make_key_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_FILE = "signing.key"
SIGNATURE_BYTES = 64
_MAX_PEM = 10_000  # bytes; a public key has 113


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key: it checks signatures and makes none."""

    _key: Ed25519PublicKey

    @property
    def pem(self) -> bytes:
        """Return it as a file, PEM (SubjectPublicKeyInfo)."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the 32 public bytes, hex."""
        return hashlib.sha256(self._key.public_bytes_raw()).hexdigest()

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Return whether `signature` is this key's, of exactly these bytes."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class Signer:
    """The installation's key. Two processes that need it first at once end with the same one.

    Args:
        folder: the data folder, which holds `signing.key`.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / KEY_FILE

    @property
    def exists(self) -> bool:
        """Return whether the key was made."""
        return self._file.exists()

    def sign(self, data: bytes) -> bytes:
        """Sign `data`; 64 bytes. Raises `Unavailable` where the key cannot be made or read."""
        return self._key().sign(data)

    @property
    def public(self) -> PublicKey:
        """Return the key that others check with. Raises as `sign`."""
        return PublicKey(self._key().public_key())

    def _key(self) -> Ed25519PrivateKey:
        if not self.exists:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
            from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

            key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            try:
                make_key_file(self._file, key)
            except OSError as e:
                raise Unavailable("the signing key cannot be made", got=self._file, cure=e.strerror or str(e)) from None
        return self._read()

    def _read(self) -> Ed25519PrivateKey:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        cure = "give it back from a backup; moved away, a new one is made, with which old signatures do not agree"
        try:
            key = load_pem_private_key(self._file.read_bytes(), password=None)
        except OSError as e:
            raise Unavailable("the signing key cannot be read", got=self._file, cure=f"{e.strerror}; {cure}") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise Unavailable(
                "the signing key is none", got=self._file, expected="an Ed25519 private key, PEM (PKCS #8)", cure=cure
            )
        return key


def as_text(signature: bytes) -> bytes:
    """Write a signature in its one form: a line of Base64."""
    return base64.b64encode(signature) + b"\n"


def parse_public_key(pem: bytes, name: object) -> PublicKey:
    """Return the key in a PEM file's bytes; errors say `name`.

    Raises:
        BadInput: it is none, or not one of Ed25519.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(
            "this is not a public key",
            got=name,
            expected="an Ed25519 public key, PEM, as `xunren evidence key` prints it",
        )
    return PublicKey(key)


def read_public_key(path: Path) -> PublicKey:
    """Return the key in a file. Raises `BadInput`, also where it cannot be read."""
    try:
        with path.open("rb") as file:
            pem = file.read(_MAX_PEM)
    except OSError as e:
        raise BadInput("the public key cannot be read", got=path, cure=str(e.strerror or e)) from None
    return parse_public_key(pem, path)
