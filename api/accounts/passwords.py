"""Passwords are kept as argon2id hashes; computing one takes 64 MiB, so only few are computed at once."""

from __future__ import annotations

import threading
from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.accounts.tables import tries
from search.catalog import Catalog
from search.errors import TooMany
from search.times import now_ms

MAX_AT_ONCE = 4
_hasher = PasswordHasher()
_room = threading.BoundedSemaphore(MAX_AT_ONCE)


def hashed(password: str) -> str:
    """Return the hash of a password, with its salt and parameters (RFC 9106)."""
    with _room:
        return _hasher.hash(password)


@cache
def _nobodys() -> str:
    """Return a hash to compare with where there is none."""
    return _hasher.hash("of nobody")


def fits(password: str, kept: str | None) -> bool:
    """Return whether `password` is the one whose hash is kept. None or empty takes as long, and is False."""
    try:
        with _room:
            return _hasher.verify(kept or _nobodys(), password) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


FREE = 5
"""So many failures cost nothing: people mistype."""
LONGEST_S = 900
FORGET_MS = 86_400_000


class LoginThrottle:
    """Counts failed sign-ins in an open catalogue's database, so that a restart forgets nothing."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def check(self, *subjects: str) -> None:
        """Raise `TooMany` while one of `subjects` must wait."""
        now = now_ms()
        with self._catalog.begin() as db:
            until = db.scalar(sa.select(sa.func.max(tries.c.until_ms)).where(tries.c.subject.in_(subjects)))
        if until is not None and until > now:
            wait_s = max(1, round((until - now) / 1000))
            raise TooMany("too many wrong passwords", wait_s=wait_s, cure=f"wait {wait_s} s")

    def failed(self, *subjects: str) -> None:
        """Count a failure of each."""
        now = now_ms()
        with self._catalog.begin() as db:
            for subject in subjects:
                row = db.execute(sa.select(tries).where(tries.c.subject == subject)).first()
                fresh = row is None or now - row.last_ms > FORGET_MS
                failed = 1 if fresh or row is None else row.failed + 1
                wait_ms = 0 if failed <= FREE else 1000 * min(LONGEST_S, 2 ** min(20, failed - FREE))
                values = {"failed": failed, "last_ms": now, "until_ms": now + wait_ms}
                if row is None:
                    db.execute(tries.insert().values(subject=subject, **values))
                else:
                    db.execute(tries.update().where(tries.c.subject == subject).values(**values))
            db.execute(tries.delete().where(tries.c.last_ms < now - FORGET_MS))

    def passed(self, *subjects: str) -> None:
        """Forget the failures of each."""
        with self._catalog.begin() as db:
            db.execute(tries.delete().where(tries.c.subject.in_(subjects)))
