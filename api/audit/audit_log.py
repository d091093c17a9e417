"""The audit log: who asked what, when, and what they were shown. Its entries form a chain that shows any change.

The hash of an entry is the SHA-256 of its canonical JSON (names sorted, no spaces, everything but ASCII escaped), which
holds the hash of the entry before it. Whoever changes, removes or reorders one breaks the chain at that place.
Cutting off the end is seen by whoever kept a `Head` from before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from api.audit import tables as t
from search.catalog import Catalog, tables
from search.errors import BadInput, XunrenError
from search.times import now_ms

BEGINNING = "0" * 64
"""What stands before the first entry."""
MAX_LISTED = 1000
_PAGE = 2000


class BrokenChain(XunrenError):
    """The audit log was changed after it was written. `number` is the first entry that is wrong."""

    def __init__(self, number: int, what: str, *, got: object, expected: str) -> None:
        cure = "compare with a backup and with the heads that were exported; who can write the database?"
        super().__init__(f"the audit log is broken at entry {number}: {what}", got=got, expected=expected, cure=cure)
        self.number = number


@dataclass(frozen=True, slots=True)
class AuditAction:
    """The actions that the audit log knows.

    Args:
        account: who; of the command line ``os:`` and the name at the operating system.
        address: where from: an IP address, or ``command line``.
        action: a short word, e.g. ``search`` or ``case.view``.
        case_id: the case that it was for; empty: none was given.
        status: status of the answer, as in HTTP; 0: it was recorded before it was carried out.
        details: what was asked and what was shown: JSON.
    """

    account: str
    address: str
    action: str
    case_id: str = ""
    status: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An action with its place in the chain."""

    number: int
    at_ms: int
    act: AuditAction
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the audit log at a time: kept elsewhere, it shows later whether the log was cut off or rewritten."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; empty fields mean all."""

    account: str = ""
    case_id: str = ""
    action: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    before: int | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LISTED:
            raise BadInput("that many entries are not listed", got=self.limit, expected=f"1 to {MAX_LISTED}")


class AuditLog:
    """The audit log in an open catalogue's database. Safe for many threads and processes.

    Every method raises `Unavailable` where the database fails: what cannot be recorded must not be answered.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def append(self, act: AuditAction) -> AuditEntry:
        """Write an entry; it is on the disk when this returns."""
        with self._catalog.begin() as db:
            tables.alone(db)  # two that read the same last entry would fork the chain
            entry = _after(_head(db), act)
            db.execute(t.entries.insert().values(**_row(entry)))
        return entry

    def head(self) -> Head:
        """Return the last entry's number and hash; 0 and `BEGINNING` while there is none."""
        with self._catalog.begin() as db:
            return _head(db)

    def verify(self, kept: Head | None = None) -> Head:
        """Read the whole log, compute its chain again and return its head.

        Args:
            kept: a head from before, which must still be in it.

        Raises:
            BrokenChain: names the first entry that was changed, removed or moved.
        """
        head = Head(0, BEGINNING)
        for entry in self._all():
            _check(entry, head)
            head = Head(entry.number, entry.hash)
            if kept is not None and kept.number == head.number:
                _check_kept(kept, head)
        if kept is not None and kept.number > head.number:
            raise BrokenChain(head.number + 1, "the end is missing", got=head.number, expected=f"{kept.number} entries")
        return head

    def find(self, criteria: AuditFilter) -> list[AuditEntry]:
        """Return entries, the newest first."""
        c = t.entries.c
        tests = [
            *([c.account == criteria.account] if criteria.account else []),
            *([c.case_id == criteria.case_id] if criteria.case_id else []),
            *([c.action == criteria.action] if criteria.action else []),
            *([c.at_ms >= criteria.from_ms] if criteria.from_ms is not None else []),
            *([c.at_ms < criteria.to_ms] if criteria.to_ms is not None else []),
            *([c.number < criteria.before] if criteria.before is not None else []),
        ]
        query = sa.select(t.entries).where(*tests).order_by(c.number.desc()).limit(criteria.limit)
        with self._catalog.begin() as db:
            return [_entry(row) for row in db.execute(query)]

    def _all(self) -> Iterator[AuditEntry]:
        c, last = t.entries.c, None
        while True:
            after = sa.true() if last is None else c.number > last
            with self._catalog.begin() as db:
                page = db.execute(sa.select(t.entries).where(after).order_by(c.number).limit(_PAGE)).all()
            if not page:
                return
            yield from map(_entry, page)
            last = page[-1].number


def entry_dict(entry: AuditEntry) -> dict[str, Any]:
    """Return the entry as plain data; with the same data the hash can be computed again anywhere."""
    return _hash_input(entry) | {"hash": entry.hash}


def _hash_input(entry: AuditEntry) -> dict[str, Any]:
    act = entry.act
    return {
        "number": entry.number,
        "at_ms": entry.at_ms,
        "account": act.account,
        "address": act.address,
        "action": act.action,
        "case": act.case_id,
        "status": act.status,
        "details": dict(act.details),
        "previous": entry.previous,
    }


def _hash(entry: AuditEntry) -> str:
    return hashlib.sha256(_canonical(_hash_input(entry)).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _after(head: Head, act: AuditAction) -> AuditEntry:
    unsigned = AuditEntry(head.number + 1, now_ms(), act, head.hash, "")
    return AuditEntry(unsigned.number, unsigned.at_ms, act, head.hash, _hash(unsigned))


def _head(db: sa.Connection) -> Head:
    c = t.entries.c
    last = db.execute(sa.select(c.number, c.hash).order_by(c.number.desc()).limit(1)).first()
    return Head(0, BEGINNING) if last is None else Head(last.number, last.hash)


def _check(entry: AuditEntry, before: Head) -> None:
    if entry.number != before.number + 1:
        missing = before.number + 1
        raise BrokenChain(missing, "it is missing", got=f"entry {entry.number}", expected=f"entry {missing}")
    if entry.previous != before.hash:
        raise BrokenChain(entry.number, "it does not follow the one before", got=entry.previous, expected=before.hash)
    if entry.hash != (computed := _hash(entry)):
        raise BrokenChain(entry.number, "it was changed", got=entry.hash, expected=computed)


def _check_kept(kept: Head, head: Head) -> None:
    if kept.hash != head.hash:
        what = "it is not the entry that the kept head names, so the log was written again up to here"
        raise BrokenChain(kept.number, what, got=head.hash, expected=kept.hash)


def _row(entry: AuditEntry) -> dict[str, Any]:
    act = entry.act
    return {
        "number": entry.number,
        "at_ms": entry.at_ms,
        "account": act.account,
        "address": act.address,
        "action": act.action,
        "case_id": act.case_id,
        "status": act.status,
        "details": _canonical(act.details),
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _entry(row: sa.Row[Any]) -> AuditEntry:
    act = AuditAction(row.account, row.address, row.action, row.case_id, row.status, _details(row))
    return AuditEntry(row.number, row.at_ms, act, row.previous, row.hash)


def _details(row: sa.Row[Any]) -> dict[str, Any]:
    try:
        details = json.loads(row.details)
    except ValueError:
        details = None
    if not isinstance(details, dict) or _canonical(details) != row.details:
        raise BrokenChain(row.number, "its details were changed", got=row.details, expected="canonical JSON")
    return details
