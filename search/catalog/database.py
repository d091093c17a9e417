"""Connects to the catalogue's database: SQLite or PostgreSQL, each with what it needs to be waited for and trusted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from search.catalog import tables
from search.errors import BadInput, Conflict, Unavailable, XunrenError
from search.times import now_ms

IDS_PER_STATEMENT = 500
BUSY_MS = 15_000  # so long a locked database is waited for
_CONNECT_S = 5
_ANSWER_MS = 120_000  # of one statement: more than any of ours takes
_ALIVE = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
"""A host that lost its power ends no connection: so it is noticed within 11 s."""
_UNHEARD_MS = 10_000  # and so where something was sent to it
_POOL = {"pool_size": 8, "max_overflow": 32, "pool_pre_ping": True}  # a search has a connection for milliseconds


class Database:
    """The connection to one catalogue's database.

    The constructor is cheap; `open()` connects, creates missing tables and checks the version.

    Args:
        url: SQLAlchemy URL, e.g. ``sqlite:////data/catalog.sqlite``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: sa.Engine | None = None

    def open(self) -> Self:
        """Connect and create missing tables.

        Raises:
            Unavailable: the database cannot be reached or written.
            Conflict: it was written by another version of the schema.
        """
        if self._engine is not None:
            return self
        engine = connect(self._url)
        try:
            with engine.begin() as db:
                prepare(db)
        except sa.exc.SQLAlchemyError as e:
            engine.dispose()
            raise Unavailable(
                "the catalogue cannot be opened",
                got=getattr(e, "orig", e),
                cure="check that the folder or database exists, is writable and not damaged (`xunren doctor`)",
            ) from e
        except XunrenError:
            engine.dispose()
            raise
        self._engine = engine
        return self

    def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction. Errors of the database become `BadInput` or `Unavailable`."""
        if self._engine is None:
            raise Unavailable("the catalogue is not open", cure="call open() first")
        try:
            with self._engine.begin() as db:
                yield db
        except sa.exc.DataError as e:  # PostgreSQL takes no NUL in texts, and none that are too long
            got = str(getattr(e, "orig", None) or e).splitlines()[0]
            raise BadInput("this cannot be kept", got=got, cure="shorten it, and leave out what is no text") from e
        except sa.exc.SQLAlchemyError as e:
            raise Unavailable(
                "the catalogue does not answer",
                got=getattr(e, "orig", None) or e,
                cure="look at the disk and the database (`xunren doctor`), then try again",
            ) from e

    @property
    def dialect(self) -> str:
        """Return the kind of the database: "sqlite" or "postgresql"."""
        return make_url(self._url).get_backend_name()


def database_ms(db: sa.Connection) -> int:
    """Return the Unix ms of the database server, so that the clocks of the machines that share it need not agree."""
    if db.dialect.name == "sqlite":
        return now_ms()
    return int(db.scalar(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")) or 0)


def id_batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the ids in batches that fit into one statement."""
    rest = list(ids)
    for n in range(0, len(rest), IDS_PER_STATEMENT):
        yield rest[n : n + IDS_PER_STATEMENT]


def connect(url: str) -> sa.Engine:
    """Return an engine for a URL such as ``sqlite:////data/catalog.sqlite`` or ``postgresql://user@host/name``.

    Nothing is asked of the database yet.

    Raises:
        BadInput: not such a URL; it is not repeated, as it may hold a password.
        Unavailable: the driver is not installed.
    """
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise _no_url() from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        engine = sa.create_engine(parsed)
        sa.event.listen(engine, "connect", _tune_sqlite)
        return engine
    if kind != "postgresql" or "@" in f"{parsed.host}{parsed.database}":  # of a password: the driver would repeat it
        raise _no_url()
    waits = f"-c lock_timeout={BUSY_MS} -c statement_timeout={_ANSWER_MS}"
    options = {"connect_timeout": _CONNECT_S, "options": waits, "application_name": "xunren", "client_encoding": "utf8"}
    options |= _ALIVE | {"tcp_user_timeout": _UNHEARD_MS}
    try:
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), connect_args=options, **_POOL)
    except ImportError:
        raise Unavailable(
            "the driver for PostgreSQL is not installed", expected="psycopg 3", cure="pip install 'xunren[postgres]'"
        ) from None


def prepare(db: sa.Connection) -> None:
    """Create the missing tables. Two processes that open a new database at once wait for each other.

    Raises:
        BadInput: a PostgreSQL database that sorts texts otherwise than this program.
        Conflict: it was written by another version of this program, or tables of it are gone.
    """
    if tables.is_ready(db):
        return
    tables.alone(db)
    revision = tables.revision(db)
    if revision is None:
        _check_order(db)
    elif revision < tables.REVISION:
        raise Conflict(
            "the catalogue was written by an earlier version",
            got=f"schema {revision or 'before 0001'}",
            expected=tables.REVISION,
            cure="end all other xunren programs, then run `xunren migrate`",
        )
    elif revision > tables.REVISION:
        raise Conflict(
            "the catalogue was written by a later version",
            got=f"schema {revision}",
            expected=tables.REVISION,
            cure="use the xunren version that wrote it, or index into a new --data-dir",
        )
    elif gone := tables.lost(db):
        raise Conflict(
            "tables of the catalogue are gone",
            got=", ".join(sorted(gone)),
            cure="restore a copy of the database; somebody has removed what was written there",
        )
    tables.create(db)


def _check_order(db: sa.Connection) -> None:
    """Raise `BadInput` unless texts sort by code point, as in Python and SQLite: ids are paged in their order."""
    if db.dialect.name == "sqlite":
        return
    query = "SELECT datcollate, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    order, encoding = db.execute(sa.text(query)).one()
    if order not in ("C", "POSIX", "C.UTF-8", "C.utf8") or encoding != "UTF8":
        raise BadInput(
            "the PostgreSQL database sorts or writes texts otherwise",
            got=f"{order}, {encoding}",
            expected="C, UTF8",
            cure="CREATE DATABASE xunren TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
        )


def _no_url() -> BadInput:
    return BadInput(
        "catalog_url is not an address of a database",
        expected="postgresql://user:password@host/name or sqlite:////path, with % for what is special in a password",
        cure="correct it, or leave it empty for SQLite in data_dir",
    )


def _tune_sqlite(connection: Any, _: object) -> None:
    """Set WAL, so that readers and one writer work side by side, and a timeout for a locked database.

    FULL: what was acknowledged, above all an entry of the audit log, outlives a power cut (0.3 ms a commit on an SSD).
    """
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Set WAL, with retries: here SQLite ignores its timeout while others open the same new file."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
