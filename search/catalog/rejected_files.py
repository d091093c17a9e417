"""The files that could not become segments."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database
from search.times import now_ms


class RejectedFileStore:
    """The rejected files in an open `Database`.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, path: str, reason: str, message: str, cure: str) -> None:
        """Store a file that could not become a segment."""
        values = {"reason": reason, "message": message, "cure": cure, "time_ms": now_ms()}
        with self._database.begin() as db:
            db.execute(tables.refused.delete().where(tables.refused.c.path == path))
            db.execute(tables.refused.insert().values(path=path, **values))

    def remove(self, path: str) -> None:
        """Remove `path` from the rejected files."""
        with self._database.begin() as db:
            db.execute(tables.refused.delete().where(tables.refused.c.path == path))

    def all(self) -> list[dict[str, Any]]:
        """Return path, reason, message, cure and time_ms of all rejected files, by path."""
        with self._database.begin() as db:
            return [
                dict(row) for row in db.execute(sa.select(tables.refused).order_by(tables.refused.c.path)).mappings()
            ]
