"""Compares recorded files, the catalogue, thumbnails and clips, and rows. Finds those that do not agree.

The index is in use meanwhile, so everything is compared twice, and only what differs both times counts. Eight bytes are
kept of each segment: a month of 50 cameras has 13 million of them.
"""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from indexer.recorder import FOLDER_ID
from search.catalog import Catalog, SegmentSummary
from search.config import Settings
from search.media import MediaStore, delete_segment_media, segments_with_media
from search.types import SegmentState, StreamRole, is_address
from search.vector_store import VectorStore

_FRESH_S = 60.0  # a younger file may be one that a recorder writes, or has not yet entered into the catalogue
_AT_ONCE = 500
_NO_RECORDINGS = (FOLDER_ID, ".recorder.lock")  # the latter is of versions with one recorder only
_MOVING = (SegmentState.DELETING, SegmentState.UPLOADING)  # the latter lie on their recorder's disk


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of disagreement: all items of it, and the cure."""

    what: str
    items: list[str]
    cure: str


@dataclass(frozen=True, slots=True)
class ConsistencyReport:
    """The numbers of things compared, and the findings; kinds without an item are left out."""

    entries: int
    files: int
    rows: int
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Leftovers:
    """Ids (of `files`: paths) that do not agree."""

    files: set[str] = field(default_factory=set)
    lost: dict[str, SegmentSummary] = field(default_factory=dict)
    media: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    rowless: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any((self.files, self.lost, self.media, self.rows, self.rowless))


class ConsistencyChecker:
    """Compares the parts of an index, all of them open. `store` is None where nothing was ever indexed."""

    def __init__(self, settings: Settings, catalog: Catalog, store: VectorStore | None, media: MediaStore) -> None:
        self._settings = settings
        self._catalog = catalog
        self._store = store
        self._media = media
        self._entries = self._files = self._rows = 0

    def check(self) -> ConsistencyReport:
        """Compare all parts. Takes seconds for 100,000 segments: reads all rows' segment ids and stats every file.

        Raises:
            Unavailable: the catalogue or the vector store does not answer.
        """
        left = self.leftovers()
        kinds = [
            Finding("files without an entry", sorted(left.files), _CURE_FILES),
            Finding("recordings whose file is gone", _paths(left.lost, imported=False), _CURE_MEND),
            Finding("imported files that are gone", _paths(left.lost, imported=True), _CURE_IMPORTED),
            Finding("thumbnails or clips of unknown segments", sorted(left.media), _CURE_MEND),
            Finding("rows of unknown segments", sorted(left.rows), _CURE_MEND),
            Finding("indexed segments without their rows", sorted(left.rowless), _CURE_MEND),
        ]
        return ConsistencyReport(self._entries, self._files, self._rows, [kind for kind in kinds if kind.items])

    def mend(self) -> None:
        """Delete media and rows of unknown segments, index segments without rows again, and mark lost recordings.

        Files are never touched. Retention deletes what is marked.
        """
        left = self.leftovers()
        for segment_id in left.media:
            delete_segment_media(self._media, segment_id)
        for part in _parts(left.rows):
            if self._store is not None:
                self._store.delete_segments(part)
        for part in _parts(left.rowless):
            self._catalog.segments.index_again(part)
        self._catalog.retention.mark_deleting(
            entry.id for entry in left.lost.values() if entry.role is not StreamRole.FILE
        )

    def leftovers(self) -> Leftovers:
        """Return the disagreements that two comparisons share."""
        first = self._compare()
        return _both(first, self._compare()) if first else first

    def _compare(self) -> Leftovers:
        left = Leftovers()
        rows = {} if self._store is None else self._store.count_by_segment()
        ids, paths = array("Q"), array("Q")
        stored = set(self._media.recordings())
        for entry in self._catalog.segments.summaries():
            ids.append(_short(entry.id))
            paths.append(_short(entry.path))
            if entry.state not in _MOVING and not _exists(entry.path, stored):
                left.lost[entry.id] = entry
            if entry.rows and not rows.get(entry.id):
                left.rowless.add(entry.id)
        known_ids, known_paths = _sort(ids), _sort(paths)
        files = _Counted(chain(_files(self._settings.recordings_dir), stored))
        left.files = _unknown(files, known_paths)
        left.media = _unknown(segments_with_media(self._media), known_ids)
        left.rows = _unknown(rows, known_ids)
        self._entries, self._files, self._rows = len(ids), files.count, sum(rows.values())
        return left


def _exists(path: str, stored: Collection[str]) -> bool:
    return path in stored if is_address(path) else os.path.exists(path)  # noqa: PTH110 - quicker


class _Counted:
    """Iterates over items and counts them."""

    def __init__(self, items: Iterable[str]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for item in self._items:
            self.count += 1
            yield item


_CURE_FILES = "start `xunren record` or `serve`, which enter what a recorder left; delete the files that remain then"
_CURE_MEND = "xunren doctor --deep --mend"
_CURE_IMPORTED = "put them back, or index them where they are now"


def _paths(lost: dict[str, SegmentSummary], *, imported: bool) -> list[str]:
    return sorted(entry.path for entry in lost.values() if (entry.role is StreamRole.FILE) is imported)


def _both(a: Leftovers, b: Leftovers) -> Leftovers:
    lost = {id_: entry for id_, entry in b.lost.items() if id_ in a.lost}
    return Leftovers(a.files & b.files, lost, a.media & b.media, a.rows & b.rows, a.rowless & b.rowless)


def _files(root: Path) -> Iterator[str]:
    """Yield the absolute paths of the files below `root`, without those younger than `_FRESH_S`."""
    before = time.time() - _FRESH_S
    for folder, _, names in os.walk(root.absolute()):
        for name in names:
            if name in _NO_RECORDINGS:
                continue
            path = f"{folder}{os.sep}{name}"
            try:
                if os.stat(path).st_mtime < before:  # noqa: PTH116 - quicker
                    yield path
            except FileNotFoundError:
                continue


def _unknown(items: Iterable[str], known: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> set[str]:
    """Return the items that are not `known` (sorted digests)."""
    unknown: set[str] = set()
    for part in _parts(items):
        short = np.array([_short(item) for item in part], np.uint64)
        at = np.searchsorted(known, short)
        is_known = known[np.minimum(at, len(known) - 1)] == short if len(known) else np.zeros(len(short), bool)
        unknown.update(item for item, known_one in zip(part, is_known, strict=True) if not known_one)
    return unknown


def _parts(items: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for item in items:
        part.append(item)
        if len(part) == _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _short(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=8).digest(), "big")


def _sort(numbers: array[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.sort(np.frombuffer(numbers, np.uint64)) if numbers else np.zeros(0, np.uint64)


_NAMED = 5  # items of each kind


def as_dict(report: ConsistencyReport) -> dict[str, Any]:
    """Return a report as plain data, with the first few items of each kind."""
    findings = [
        {"what": finding.what, "count": len(finding.items), "examples": finding.items[:_NAMED], "cure": finding.cure}
        for finding in report.findings
    ]
    return {"entries": report.entries, "files": report.files, "rows": report.rows, "findings": findings}
