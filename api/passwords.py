"""Passwords are kept as argon2id hashes; computing one takes 64 MiB, so only few are computed at once."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MAX_AT_ONCE = 4
_hasher = PasswordHasher()
_room = threading.BoundedSemaphore(MAX_AT_ONCE)


def hashed(password: str) -> str:
    """The hash of a password, with its salt and parameters (RFC 9106)."""
    with _room:
        return _hasher.hash(password)


@cache
def _nobodys() -> str:
    """A hash to compare with where there is none."""
    return _hasher.hash("of nobody")


def fits(password: str, kept: str | None) -> bool:
    """Whether `password` is the one whose hash is kept. None or empty takes as long, and is False."""
    try:
        with _room:
            return _hasher.verify(kept or _nobodys(), password) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False
