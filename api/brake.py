"""Slows down whoever guesses passwords: for each account and for each address, longer after each failure."""

from __future__ import annotations

import sqlalchemy as sa

from api.account_tables import tries
from search.catalog import Catalog, now_ms
from search.errors import TooMany

FREE = 5
"""So many failures cost nothing: people mistype."""
LONGEST_S = 900
FORGET_MS = 86_400_000


class Brake:
    """In an open catalogue's database, so that a restart forgets nothing."""

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
