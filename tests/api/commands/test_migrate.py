"""Catalogues of earlier versions, as they really were, become what a new one is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api import composition
from api.accounts.account_store import AccountStore
from api.audit.audit_log import AuditLog
from api.cases.case_store import cases_of
from api.commands import migrate as migrating
from api.commands.migrate import Migration, migrate, script
from search.catalog import tables
from search.catalog.catalog import Catalog
from search.catalog.database import connect
from search.config import Settings
from search.errors import Conflict, NotFound, Unavailable
from search.types import Camera, StreamRole
from tests.conftest import Command

SCHEMAS = Path(__file__).parents[2] / "support" / "schemas"
OLD = sorted(path.stem for path in SCHEMAS.iterdir())


def old(folder: Path, version: str) -> Settings:
    """A catalogue as an earlier version left it."""
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "catalog.sqlite")) as db:
        db.executescript((SCHEMAS / f"{version}.sql").read_text("utf-8"))
    return Settings(data_dir=folder)


def differences(url: str) -> list[object]:
    """What Alembic would change to make the database what `metadata` says."""
    engine = connect(url)
    try:
        with engine.connect() as db:
            return list(compare_metadata(MigrationContext.configure(db), tables.metadata))
    finally:
        engine.dispose()


def upgraded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a database by the revisions alone, from nothing."""
    engine = connect(url)
    with engine.begin() as db:
        migrating._upgrade(db)
    engine.dispose()


def test_the_revisions_make_what_a_new_catalogue_is(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgraded(catalog_url, monkeypatch)
    assert differences(catalog_url) == []
    with Catalog(catalog_url) as catalog:
        assert catalog.cameras.all() == []


def test_a_new_catalogue_is_what_the_tables_say(catalog_url: str) -> None:
    with Catalog(catalog_url):
        pass
    assert differences(catalog_url) == []


def test_the_newest_revision_is_this_programs() -> None:
    assert script().get_heads() == [tables.REVISION]
    assert [one.revision for one in script().walk_revisions()][::-1] == sorted(
        one.revision for one in script().walk_revisions()
    )


@pytest.mark.parametrize("version", OLD)
def test_an_older_one_is_refused_and_then_migrated(tmp_path: Path, version: str) -> None:
    settings = old(tmp_path, version)
    with pytest.raises(Conflict, match="earlier version") as refused:
        Catalog(settings.catalog_address).open()
    assert "xunren migrate" in refused.value.cure
    planned = migrate(settings, dry_run=True)
    with pytest.raises(Conflict):
        Catalog(settings.catalog_address).open()
    done = migrate(settings)
    assert planned.steps == done.steps
    assert len(done.steps) == len(list(script().walk_revisions()))
    assert differences(settings.catalog_address) == []
    with composition.open_catalog(settings) as catalog:
        assert catalog.cameras.all() == [Camera("gate", "North gate", "longcheng", 22.72, 114.25, 500)]
        (report,) = catalog.segments.reports()
        assert (report.segment.role, report.segment.path, report.rows) == (StreamRole.FILE, "/v/1.mp4", 7)
        assert catalog.indexes.model() == ("colours", 7)
    assert done.kept is not None
    with closing(sqlite3.connect(done.kept)) as before:
        assert before.execute("SELECT count(*) FROM segments").fetchone() == (1,)
    again = migrate(settings)
    assert again == Migration(tables.REVISION, tables.REVISION, ())


def test_people_cases_and_the_record_are_as_they_were(tmp_path: Path) -> None:
    settings = old(tmp_path, "version_2")
    migrate(settings)
    with composition.open_catalog(settings) as catalog:
        assert [account.name for account in AccountStore(catalog).all()] == ["olga"]
        assert cases_of(settings, catalog).case("2026-0001").draft.sentences == ("穿红色上衣的人",)
        assert AuditLog(catalog).verify().number == 3


def test_a_step_that_fails_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = old(tmp_path, "version_1")
    real = migrating._upgrade

    def fails(db: sa.Connection) -> None:
        real(db)
        db.execute(sa.text("SELECT * FROM nowhere"))

    monkeypatch.setattr(migrating, "_upgrade", fails)
    with pytest.raises(Unavailable, match="not migrated"):
        migrate(settings)
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as db:
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == {"facts", "cameras", "segments", "refused"}
    monkeypatch.setattr(migrating, "_upgrade", real)
    assert migrate(settings).after == tables.REVISION


def test_a_later_one_is_refused(catalog_url: str, tmp_path: Path) -> None:
    Catalog(catalog_url).open().close()
    engine = connect(catalog_url)
    with engine.begin() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    settings = Settings(data_dir=tmp_path, catalog_url=catalog_url)
    for act in (Catalog(catalog_url).open, lambda: migrate(settings)):
        with pytest.raises(Conflict, match="later version"):
            act()


def test_a_table_that_is_gone_is_not_made_anew(catalog_url: str) -> None:
    Catalog(catalog_url).open().close()
    for table in ("audit_entries", "facts"):
        engine = connect(catalog_url)
        with engine.begin() as db:
            db.execute(sa.text(f"DROP TABLE {table}"))
        engine.dispose()
        with pytest.raises(Conflict, match="are gone") as refused:
            Catalog(catalog_url).open()
        assert table in refused.value.got


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        migrate(Settings(data_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_does(xunren: Command, tmp_path: Path) -> None:
    old(tmp_path, "version_2")
    said = xunren("status", "--data-dir", tmp_path)
    assert (said.code, "xunren migrate" in said.err) == (1, True)
    assert "not done" in xunren("migrate", "--dry-run", "--data-dir", tmp_path).out
    assert "before 0001 -> 0" in xunren("migrate", "--data-dir", tmp_path).out
    assert "nothing to do" in xunren("migrate", "--data-dir", tmp_path).out
    assert xunren("camera", "list", "--data-dir", tmp_path).code == 0


def test_not_under_a_server(xunren: Command, served_dir: Path, demo_server: str) -> None:
    assert "a server has the index open" in xunren("migrate", "--data-dir", served_dir).err
