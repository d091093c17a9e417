"""The rows of a Milvus Lite collection as columns, with what is computed once for each of its files.

Used by `search.vector_store.lite_patch` only, which says why.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]

_KEPT = "xunren"  # key of a file's `_FileCache` in its own dictionary of indexes, so that it goes with the file
_FEW = 4  # rows are copied first where less than a quarter of them may fit
_BLOCK = 512
_NOT_PASSED: Mapping[str, int] = {}
_tickets = itertools.count()


@dataclass(slots=True)
class _FileCache:
    """Values computed once for a file. Threads may do it twice, with the same result."""

    scale: Floats  # 1 / length of each vector
    ticket: int = field(default_factory=lambda: next(_tickets))
    replaced: dict[int, Numbers] = field(default_factory=dict)  # by the ticket of the file with the later row
    deleted: tuple[Mapping[str, int], Numbers] = (_NOT_PASSED, np.empty(0, np.int64))
    alive: tuple[frozenset[int], Mapping[str, int], Mask | None] = (frozenset(), _NOT_PASSED, None)


@dataclass(frozen=True, slots=True)
class ColumnRows:
    """Rows of one file, or those that are not in one yet: columns, vectors (n, dim), and which are alive."""

    table: Any
    vectors: Floats
    scale: Floats
    alive: Mask

    def fitting(self, conditions: Sequence[Any]) -> Numbers:
        """Return the numbers of the rows that are alive and pass all `conditions`, which come quick to slow."""
        from milvus_lite.search.filter import evaluate_mask  # type: ignore[import-untyped, unused-ignore]

        numbers = np.flatnonzero(self.alive)
        for condition in conditions:
            few = _FEW * len(numbers) < len(self.alive)
            table = self.table.select(sorted(condition.fields)).take(numbers) if few else self.table
            passed = evaluate_mask(condition, table)
            numbers = numbers[passed if few else passed[numbers]]
        return numbers

    def nearest(self, query: Floats, numbers: Numbers, limit: int) -> tuple[Floats, Numbers]:
        """Return the distances of the nearest of these rows from `query` (dim,), unit length, with their numbers.

        They are not in order.
        """
        products = self._products(query, numbers) if _FEW * len(numbers) < len(self.vectors) else self.vectors @ query
        distances = 1 - (products if len(products) == len(numbers) else products[numbers]) * self.scale[numbers]
        distances = np.maximum(distances, np.float32(0))
        if limit >= len(numbers):
            return distances, numbers
        near = np.flatnonzero(distances <= np.partition(distances, limit - 1)[limit - 1])
        return distances[near], numbers[near]

    def _products(self, query: Floats, numbers: Numbers) -> Floats:
        """Return the products in small blocks: to copy all rows together first takes several times as long."""
        found, block = np.empty(len(numbers), np.float32), np.empty((_BLOCK, self.vectors.shape[1]), np.float32)
        for at in range(0, len(numbers), _BLOCK):
            part = numbers[at : at + _BLOCK]
            rows = np.take(self.vectors, part, axis=0, out=block[: len(part)], mode="clip")
            np.dot(rows, query, out=found[at : at + len(part)])
        return found

    def records(self, numbers: Numbers, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return these rows' columns with these names."""
        columns = [self.table.column(name).take(numbers).to_pylist() for name in names]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def all_rows(files: Sequence[Any], memtable: Any, delta_index: Any, vector_field: str) -> list[ColumnRows]:
    """Return the rows of the files, and those that are not in a file yet."""
    fresh, later = _unwritten(memtable, vector_field)
    rows = []
    for segment, alive in zip(files, _alive(files, delta_index._map), strict=True):
        stale = [segment.pk_to_row[key] for key in segment.pk_to_row.keys() & later.keys()]
        if stale:
            alive = alive.copy()
            alive[[n for n in stale if segment.seqs[n] <= later[segment.pks[n]]]] = False
        rows.append(ColumnRows(segment.table, segment.vectors, _cache_of(segment).scale, alive))
    return [*rows, fresh] if len(fresh.alive) else rows


def _unwritten(memtable: Any, vector_field: str) -> tuple[ColumnRows, dict[str, int]]:
    """Return the rows that are not in a file yet, and the keys that they and their deletions replace with sequences."""
    import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

    with memtable._lock:
        batches, places = tuple(memtable._insert_batches), list(memtable._pk_index.values())
        later = {key: place[2] for key, place in memtable._pk_index.items()}
        later |= {key: entry[0] for key, entry in memtable._delete_index.items()}
    table = pa.Table.from_batches(batches) if batches else memtable._data_schema.empty_table()
    starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
    table = table.take(np.asarray([starts[batch] + row for batch, row, _ in places], np.int64)).combine_chunks()
    vectors = _vectors(table, vector_field, len(places))
    return ColumnRows(table, vectors, _scale(vectors), np.ones(len(places), np.bool_)), later


def _vectors(table: Any, vector_field: str, rows: int) -> Floats:
    if not rows:
        return np.empty((0, 0), np.float32)
    flat = table.column(vector_field).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32).reshape(rows, -1)


def _scale(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(1 / np.where(lengths == 0, 1, lengths), dtype=np.float32)


def _cache_of(segment: Any) -> _FileCache:
    cache = segment.sparse_indexes.get(_KEPT)
    if cache is None:
        cache = segment.sparse_indexes.setdefault(_KEPT, _FileCache(_scale(segment.vectors)))
    assert isinstance(cache, _FileCache)  # noqa: S101 - for mypy; nobody else knows the key
    return cache


def _alive(files: Sequence[Any], deletions: Mapping[str, int]) -> list[Mask]:
    """Return, for each file, which of its rows no later row has replaced and no deletion hit."""
    tickets = frozenset(_cache_of(segment).ticket for segment in files)
    masks = []
    for segment in files:
        known = _cache_of(segment)
        for_files, after, mask = known.alive
        if mask is None or for_files != tickets or not (after is deletions or after == deletions):
            mask = _alive_rows(segment, files, deletions)
            known.alive = (tickets, deletions, mask)
        else:
            deletions = after  # the same, and the same object for the files that follow: no need to compare again
        masks.append(mask)
    return masks


def _alive_rows(segment: Any, files: Sequence[Any], deletions: Mapping[str, int]) -> Mask:
    known = _cache_of(segment)
    mask = np.ones(segment.num_rows, np.bool_)
    for other in files:
        if other is not segment:
            ticket = _cache_of(other).ticket
            if ticket not in known.replaced:
                known.replaced[ticket] = _replaced_rows(segment, other)
            mask[known.replaced[ticket]] = False
    if not (known.deleted[0] is deletions or known.deleted[0] == deletions):
        known.deleted = (deletions, _deleted_rows(segment, deletions))
    mask[known.deleted[1]] = False
    known.replaced = {
        ticket: known.replaced[ticket] for ticket in (_cache_of(f).ticket for f in files if f is not segment)
    }
    return mask


def _replaced_rows(segment: Any, other: Any) -> Numbers:
    """Return the rows that `other` has a later version of; of two equal ones the one in the newer file counts."""
    own, others = segment.pk_to_row, other.pk_to_row
    newer = _cache_of(other).ticket > _cache_of(segment).ticket
    common = [(own[key], others[key]) for key in own.keys() & others.keys()]
    return np.asarray(
        [n for n, m in common if (int(segment.seqs[n]), False) < (int(other.seqs[m]), newer)], dtype=np.int64
    )


def _deleted_rows(segment: Any, deletions: Mapping[str, int]) -> Numbers:
    numbers = (segment.pk_to_row[key] for key in segment.pk_to_row.keys() & deletions.keys())
    return np.asarray([n for n in numbers if deletions[segment.pks[n]] > int(segment.seqs[n])], dtype=np.int64)
