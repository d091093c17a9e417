"""`xunren migrate`: brings the catalogue's database to the schema of this program, by Alembic, in one transaction."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config
from alembic.script import ScriptDirectory

from api.commands.console import out
from api.runtime import running_server
from search.catalog import connect, tables
from search.config import Settings
from search.errors import Conflict, NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class Migration:
    """A finished migration. `steps` are the revisions with their titles, `kept` is a copy of the SQLite file before."""

    before: str
    after: str
    steps: tuple[str, ...]
    kept: Path | None = None


def migrate(settings: Settings, *, dry_run: bool = False) -> Migration:
    """Bring the database to this program's revision. A kill at any point leaves it as it was, or done.

    Args:
        settings: settings of the index; nothing else may have it open.
        dry_run: only return what would be done.

    Raises:
        NotFound: there is no catalogue.
        Conflict: it was written by a later program, or a server runs over it.
        Unavailable: the database cannot be reached, or a step failed; it is as it was.
    """
    if running_server(settings) is not None:
        raise Conflict("a server has the index open", cure="end `xunren serve`, then migrate")
    path = _file(settings)
    engine = connect(settings.catalog_address)
    try:
        with engine.connect() as db:
            before = tables.revision(db)
            steps = _steps(before)
        if dry_run or not steps:
            return Migration(before or "", tables.REVISION if steps else before or "", steps)
        kept = _back_up(path, before or "before-0001") if path is not None else None
        with engine.begin() as db:
            tables.alone(db)
            _upgrade(db)
        return Migration(before or "", tables.REVISION, steps, kept)
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as e:
        got = getattr(e, "orig", None) or e
        cure = "it is as it was; look at disk and database, then try again"
        raise Unavailable("the catalogue was not migrated", got=got, cure=cure) from e
    finally:
        engine.dispose()


def run_migrate(settings: Settings, *, dry_run: bool) -> None:
    """Migrate and print the steps."""
    done = migrate(settings, dry_run=dry_run)
    if not done.steps:
        out.print(f"nothing to do: the catalogue has schema {done.before}")
        return
    out.print(f"schema {done.before or 'before 0001'} -> {done.after}{' (not done: --dry-run)' * dry_run}")
    for step in done.steps:
        out.print(f"  {step}")
    if done.kept:
        out.print(f"the file as it was: {done.kept}")


def script() -> ScriptDirectory:
    """Return all revisions."""
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    return config


def _upgrade(db: sa.Connection) -> None:
    config = _config()
    config.attributes["connection"] = db
    upgrade(config, tables.REVISION)


def _steps(before: str | None) -> tuple[str, ...]:
    if before is None:
        raise NotFound("there is no catalogue here", cure="`xunren index` makes one; it needs no migration")
    if before > tables.REVISION:
        got, cure = f"schema {before}", "use the xunren version that wrote it"
        raise Conflict("the catalogue was written by a later version", got=got, expected=tables.REVISION, cure=cure)
    between = script().iterate_revisions(tables.REVISION, before or "base")
    return tuple(f"{one.revision}  {one.doc.splitlines()[0]}" for one in reversed(list(between)))


def _file(settings: Settings) -> Path | None:
    """Return the SQLite file; None: the catalogue is on a server."""
    url = sa.engine.make_url(settings.catalog_address)
    if url.get_backend_name() != "sqlite":
        return None
    path = Path(url.database or "")
    if not path.is_file():
        raise NotFound("there is no catalogue here", got=path, cure="`xunren index` makes one; it needs no migration")
    return path


def _back_up(path: Path, before: str) -> Path:
    """Copy the file beside it and return the copy. Keeps an earlier copy as it is."""
    target = path.with_name(f"{path.name}.{before}")
    if not target.exists():
        partial = target.with_name(f".{target.name}")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
        partial.replace(target)
    return target
