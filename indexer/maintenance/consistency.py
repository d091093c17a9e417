"""Compares what must agree: recorded files, the catalogue, thumbnails and clips, rows. Finds what is left over.

The index is in use meanwhile, so what seems to be left over counts only if it still is when all is looked at again.
Of a segment that is there nothing is remembered but eight bytes: a month of 50 cameras has 13 million of them.
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

from indexer.recorder.camera_share import FOLDER_ID
from search.catalog.catalog import Catalog
from search.catalog.segment_queue import SegmentSummary
from search.config import Settings
from search.media.media_store import MediaStore
from search.types import SegmentState, StreamRole, is_address
from search.vector_store.base import VectorStore

_FRESH_S = 60.0  # a younger file may be one that a recorder writes, or is about to tell the catalogue
_AT_ONCE = 500
_NO_RECORDINGS = (FOLDER_ID, ".recorder.lock")  # the latter of versions that had one recorder only
_MOVING = (SegmentState.DELETING, SegmentState.UPLOADING)  # the latter lie on their recorder's disk


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of what is left over: all of it, and how to be rid of it."""

    what: str
    items: list[str]
    cure: str


@dataclass(frozen=True, slots=True)
class ConsistencyReport:
    """What was compared, in numbers, and what was found, kinds without any left out."""

    entries: int
    files: int
    rows: int
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Leftovers:
    """Ids, or paths of `files`, that do not agree."""

    files: set[str] = field(default_factory=set)
    lost: dict[str, SegmentSummary] = field(default_factory=dict)
    media: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    rowless: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any((self.files, self.lost, self.media, self.rows, self.rowless))


class ConsistencyChecker:
    """Compares the parts of an index, all of them open. `store` None: nothing was ever indexed."""

    def __init__(self, settings: Settings, catalog: Catalog, store: VectorStore | None, media: MediaStore) -> None:
        self._settings = settings
        self._catalog = catalog
        self._store = store
        self._media = media
        self._entries = self._files = self._rows = 0

    def check(self) -> ConsistencyReport:
        """Compare. Takes seconds for 100,000 segments; reads all rows' segment ids and stats every file.

        Raises:
            Unavailable: the catalogue or the vector store does not answer.
        """
        found = self.leftovers()
        kinds = [
            Finding("files without an entry", sorted(found.files), _CURE_FILES),
            Finding("recordings whose file is gone", _paths(found.lost, imported=False), _CURE_MEND),
            Finding("imported files that are gone", _paths(found.lost, imported=True), _CURE_IMPORTED),
            Finding("thumbnails or clips of unknown segments", sorted(found.media), _CURE_MEND),
            Finding("rows of unknown segments", sorted(found.rows), _CURE_MEND),
            Finding("indexed segments without their rows", sorted(found.rowless), _CURE_MEND),
        ]
        return ConsistencyReport(self._entries, self._files, self._rows, [kind for kind in kinds if kind.items])

    def mend(self, catalog: Catalog) -> None:
        """Remove what nobody knows of, index again what has no rows, let retention forget recordings without a file.

        Files are never touched.
        """
        found = self.leftovers()
        for segment_id in found.media:
            self._media.delete_segment(segment_id)
        for part in _parts(found.rows):
            if self._store is not None:
                self._store.delete_segments(part)
        for part in _parts(found.rowless):
            self._catalog.segments.index_again(part)
        catalog.retention.mark_deleting(entry.id for entry in found.lost.values() if entry.role is not StreamRole.FILE)

    def leftovers(self) -> Leftovers:
        """All of it, looked at twice."""
        first = self._look()
        return _both(first, self._look()) if first else first

    def _look(self) -> Leftovers:
        found = Leftovers()
        rows = {} if self._store is None else self._store.count_by_segment()
        ids, paths = array("Q"), array("Q")
        stored = set(self._media.recordings())
        for entry in self._catalog.segments.entries():
            ids.append(_short(entry.id))
            paths.append(_short(entry.path))
            if entry.state not in _MOVING and not _is_there(entry.path, stored):
                found.lost[entry.id] = entry
            if entry.rows and not rows.get(entry.id):
                found.rowless.add(entry.id)
        known_ids, known_paths = _sorted(ids), _sorted(paths)
        files = _Counted(chain(_files(self._settings.recordings_dir), stored))
        found.files = _unknown(files, known_paths)
        found.media = _unknown(self._media.segment_ids(), known_ids)
        found.rows = _unknown(rows, known_ids)
        self._entries, self._files, self._rows = len(ids), files.count, sum(rows.values())
        return found


def _is_there(path: str, stored: Collection[str]) -> bool:
    return path in stored if is_address(path) else os.path.exists(path)  # noqa: PTH110 - quicker


class _Counted:
    """The items, counted on the way."""

    def __init__(self, items: Iterable[str]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for item in self._items:
            self.count += 1
            yield item


_CURE_FILES = "start `xunren record` or `serve`, which take up what a recorder left; delete what then remains"
_CURE_MEND = "xunren doctor --deep --mend"
_CURE_IMPORTED = "put them back, or index them where they are now"


def _paths(lost: dict[str, SegmentSummary], *, imported: bool) -> list[str]:
    return sorted(entry.path for entry in lost.values() if (entry.role is StreamRole.FILE) is imported)


def _both(a: Leftovers, b: Leftovers) -> Leftovers:
    lost = {id_: entry for id_, entry in b.lost.items() if id_ in a.lost}
    return Leftovers(a.files & b.files, lost, a.media & b.media, a.rows & b.rows, a.rowless & b.rowless)


def _files(root: Path) -> Iterator[str]:
    """Absolute paths of the files below `root` but for those that are fresh."""
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
    """Those of the items that are not `known` (sorted digests)."""
    found: set[str] = set()
    for part in _parts(items):
        short = np.array([_short(item) for item in part], np.uint64)
        at = np.searchsorted(known, short)
        there = known[np.minimum(at, len(known) - 1)] == short if len(known) else np.zeros(len(short), bool)
        found.update(item for item, is_there in zip(part, there, strict=True) if not is_there)
    return found


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


def _sorted(numbers: array[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.sort(np.frombuffer(numbers, np.uint64)) if numbers else np.zeros(0, np.uint64)


_SHOWN = 5  # of each kind


def as_dict(checked: ConsistencyReport) -> dict[str, Any]:
    """The result as plain data, with the first few of each kind."""
    findings = [
        {"what": finding.what, "count": len(finding.items), "first": finding.items[:_SHOWN], "cure": finding.cure}
        for finding in checked.findings
    ]
    return {"entries": checked.entries, "files": checked.files, "rows": checked.rows, "findings": findings}
