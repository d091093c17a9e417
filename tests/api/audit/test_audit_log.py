"""The chain of the record: nothing can be changed, removed or moved without the first wrong entry being named."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from api.audit.audit_log import BEGINNING, AuditAction, AuditFilter, AuditLog, BrokenChain, Head, entry_dict
from api.audit.tables import entries
from search.catalog.catalog import Catalog
from search.errors import BadInput

COUNT = 6


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as catalog:
        yield catalog


@pytest.fixture
def audit_log(catalog: Catalog) -> AuditLog:
    audit_log = AuditLog(catalog)
    for number in range(1, COUNT + 1):
        case = "2026-0001" if number % 2 else ""
        audit_log.append(
            AuditAction(f"user-{number % 3}", "10.0.0.1", "search", case, 200, {"body": {"text": f"红 {number}"}})
        )
    return audit_log


def broken_at(audit_log: AuditLog, kept: Head | None = None) -> int:
    with pytest.raises(BrokenChain) as found:
        audit_log.verify(kept)
    assert f"entry {found.value.number}" in str(found.value)
    return found.value.number


def test_a_whole_chain_is_whole(audit_log: AuditLog) -> None:
    head = audit_log.verify()
    assert head == audit_log.head()
    assert head.number == COUNT
    found = audit_log.find(AuditFilter())
    assert [entry.number for entry in found] == list(range(COUNT, 0, -1))
    assert found[-1].previous == BEGINNING
    assert [later.previous for later in found[:-1]] == [earlier.hash for earlier in found[1:]]


def test_an_empty_record_is_whole(catalog: Catalog) -> None:
    assert AuditLog(catalog).verify() == Head(0, BEGINNING)


@pytest.mark.parametrize("number", range(1, COUNT + 1))
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at_ms", 1),
        ("account", "nobody"),
        ("address", "10.0.0.2"),
        ("action", "view"),
        ("case_id", "2026-0002"),
        ("status", 403),
        ("details", '{"body":{"text":"blue"}}'),
        ("details", '{"body": {}}'),
        ("details", "[]"),
        ("details", ""),
        ("hash", "f" * 64),
        ("previous", "f" * 64),
    ],
)
def test_each_changed_field_is_found(
    audit_log: AuditLog, catalog: Catalog, number: int, column: str, value: object
) -> None:
    with catalog.begin() as db:
        db.execute(entries.update().where(entries.c.number == number).values({column: value}))
    assert broken_at(audit_log) == number


@pytest.mark.parametrize("number", range(1, COUNT))
def test_a_removed_entry_is_found(audit_log: AuditLog, catalog: Catalog, number: int) -> None:
    with catalog.begin() as db:
        db.execute(entries.delete().where(entries.c.number == number))
    assert broken_at(audit_log) == number


def test_removed_and_numbered_again_is_found(audit_log: AuditLog, catalog: Catalog) -> None:
    with catalog.begin() as db:
        db.execute(entries.delete().where(entries.c.number == 3))
        for number in range(4, COUNT + 1):
            db.execute(entries.update().where(entries.c.number == number).values(number=number - 1))
    assert broken_at(audit_log) == 3


def test_a_changed_entry_with_a_hash_that_fits_is_found_at_the_next(audit_log: AuditLog, catalog: Catalog) -> None:
    forged = entry_dict(audit_log.find(AuditFilter(before=4, limit=1))[0]) | {"account": "nobody"}
    forged.pop("hash")
    digest = hashlib.sha256(json.dumps(forged, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    with catalog.begin() as db:
        db.execute(entries.update().where(entries.c.number == 3).values(account="nobody", hash=digest))
    assert broken_at(audit_log) == 4


def test_reordered_entries_are_found(audit_log: AuditLog, catalog: Catalog) -> None:
    with catalog.begin() as db:
        for before, after in ((2, 99), (4, 2), (99, 4)):
            db.execute(entries.update().where(entries.c.number == before).values(number=after))
    assert broken_at(audit_log) == 2


def test_an_end_that_was_cut_off_is_found_by_a_kept_head(audit_log: AuditLog, catalog: Catalog) -> None:
    kept = audit_log.head()
    assert audit_log.verify(kept) == kept
    with catalog.begin() as db:
        db.execute(entries.delete().where(entries.c.number > 4))
    assert audit_log.verify().number == 4  # alone, the chain cannot know
    assert broken_at(audit_log, kept) == 5


def test_a_record_that_was_written_again_is_found_by_a_kept_head(audit_log: AuditLog, catalog: Catalog) -> None:
    kept = audit_log.head()
    with catalog.begin() as db:
        db.execute(entries.delete())
    for _ in range(COUNT + 1):
        audit_log.append(AuditAction("nobody", "10.0.0.1", "search"))
    assert audit_log.verify().number == COUNT + 1
    assert broken_at(audit_log, kept) == kept.number


def test_many_at_once_make_one_chain(catalog_url: str) -> None:
    together = threading.Barrier(6)

    def write(worker: int) -> None:
        together.wait()
        with Catalog(catalog_url) as own:  # as another process would
            audit_log = AuditLog(own)
            for _ in range(10):
                audit_log.append(AuditAction(f"user-{worker}", "10.0.0.1", "search"))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(6)))
    with Catalog(catalog_url) as catalog:
        audit_log = AuditLog(catalog)
        assert audit_log.verify().number == 60
        assert {len(audit_log.find(AuditFilter(account=f"user-{n}"))) for n in range(6)} == {10}


def test_entries_are_found_by_what_is_asked(audit_log: AuditLog) -> None:
    def numbers(wanted: AuditFilter) -> list[int]:
        return [entry.number for entry in audit_log.find(wanted)]

    assert numbers(AuditFilter(case_id="2026-0001")) == [5, 3, 1]
    assert numbers(AuditFilter(account="user-0")) == [6, 3]
    assert numbers(AuditFilter(action="view")) == []
    assert numbers(AuditFilter(before=4, limit=2)) == [3, 2]
    last = audit_log.find(AuditFilter(limit=1))[0]
    assert numbers(AuditFilter(from_ms=last.at_ms + 1)) == []
    assert numbers(AuditFilter(to_ms=last.at_ms + 1))[0] == COUNT


@pytest.mark.parametrize("limit", [0, 1001, -1])
def test_a_page_has_bounds(limit: int) -> None:
    with pytest.raises(BadInput, match="1 to 1000"):
        AuditFilter(limit=limit)


def test_an_entry_says_enough_to_compute_its_hash(audit_log: AuditLog) -> None:
    data = entry_dict(audit_log.find(AuditFilter(limit=1))[0])
    computed = data.pop("hash")
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == computed


def test_the_tables_have_no_column_outside_the_hash(audit_log: AuditLog) -> None:
    named = {"case_id": "case"}
    columns = {named.get(column.name, column.name) for column in sa.inspect(entries).columns}
    assert columns == set(entry_dict(audit_log.find(AuditFilter(limit=1))[0]))
