"""Reading Milvus Lite by columns where Lite itself visits every row in Python. Used by `search.lite` only.

Lite 3.2 keeps closed files of rows ("segments", at most 100,000 rows each) in memory and never changes them. For each
search it asks of every row, in Python, whether a later one has replaced it or a deletion hit it: 1.2 s for a million
rows, during which no other thread runs. But a row that is dead stays dead, so here that is worked out once for each file
and kept beside it; what remains for a search is Arrow's filter and numpy's product. `install` puts three functions in the
place of Lite's own. They give what Lite's give (the contract tests, and `tests/search/test_lite_reading.py`, which
compares them); what they do not know they leave to Lite, and another Lite than the one they were written for is left as
it is.
"""

from __future__ import annotations

import inspect
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]

_KEPT = "xunren"  # where a file's `_Known` is kept: in its own dictionary of such things, so that it goes with the file
_FEW = 4  # rows are picked out first where no more than the 4th part of them may answer
_BLOCK = 512
_NOT_PASSED: Mapping[str, int] = {}
_tickets = itertools.count()
_SEARCH_ARGUMENTS = (
    *("query_vectors", "segments", "memtable", "delta_index", "top_k", "metric_type", "pk_field", "vector_field"),
    *("partition_names", "compiled_filter", "output_fields", "indexed_filter_plan", "project_record_fn"),
    "search_params",
)
_QUERY_ARGUMENTS = ("self", "expr", "output_fields", "partition_names", "limit", "offset", "timezone", "order_by_pk")


@dataclass(slots=True)
class _Known:
    """What is worked out once about a file. Threads may do it twice, with the same result."""

    scale: Floats  # 1 / length of each vector
    ticket: int = field(default_factory=lambda: next(_tickets))
    replaced: dict[int, Numbers] = field(default_factory=dict)  # by the ticket of the file with the later row
    deleted: tuple[Mapping[str, int], Numbers] = (_NOT_PASSED, np.empty(0, np.int64))
    alive: tuple[frozenset[int], Mapping[str, int], Mask | None] = (frozenset(), _NOT_PASSED, None)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one file, or those that are not in one yet: columns, vectors (n, dim), and which are alive."""

    table: Any
    vectors: Floats
    scale: Floats
    alive: Mask

    def fitting(self, conditions: Sequence[Any]) -> Numbers:
        """Numbers of the rows that are alive and pass all `conditions`, which are quick to slow."""
        from milvus_lite.search.filter import evaluate_mask  # type: ignore[import-untyped, unused-ignore]

        numbers = np.flatnonzero(self.alive)
        for condition in conditions:
            few = _FEW * len(numbers) < len(self.alive)
            table = self.table.select(sorted(condition.fields)).take(numbers) if few else self.table
            passed = evaluate_mask(condition, table)
            numbers = numbers[passed if few else passed[numbers]]
        return numbers

    def nearest(self, query: Floats, numbers: Numbers, limit: int) -> tuple[Floats, Numbers]:
        """Distances of the nearest of these rows from `query` (dim,) of unit length, with their numbers, unordered."""
        found = self._products(query, numbers) if _FEW * len(numbers) < len(self.vectors) else self.vectors @ query
        distances = 1 - (found if len(found) == len(numbers) else found[numbers]) * self.scale[numbers]
        distances = np.maximum(distances, np.float32(0))
        if limit >= len(numbers):
            return distances, numbers
        near = np.flatnonzero(distances <= np.partition(distances, limit - 1)[limit - 1])
        return distances[near], numbers[near]

    def _products(self, query: Floats, numbers: Numbers) -> Floats:
        """In small blocks: to copy all rows together first takes several times as long."""
        found, block = np.empty(len(numbers), np.float32), np.empty((_BLOCK, self.vectors.shape[1]), np.float32)
        for at in range(0, len(numbers), _BLOCK):
            part = numbers[at : at + _BLOCK]
            rows = np.take(self.vectors, part, axis=0, out=block[: len(part)], mode="clip")
            np.dot(rows, query, out=found[at : at + len(part)])
        return found

    def records(self, numbers: Numbers, names: Sequence[str]) -> list[dict[str, Any]]:
        """These rows' columns of these names."""
        columns = [self.table.column(name).take(numbers).to_pylist() for name in names]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def install() -> None:
    """Let Lite read by columns from now on, in this process; once is enough."""
    from milvus_lite.engine import collection as lite  # type: ignore[import-untyped, unused-ignore]

    if lite.Collection.query.__module__ == __name__:
        return
    if not _is_known(lite):
        log.warning("this Milvus Lite is not the one that is read by columns here: searching large indexes is slow")
        return
    lite.execute_search_with_index = _search_or(lite.execute_search_with_index)
    lite.Collection.query = _query_or(lite.Collection.query)
    lite.Collection._num_entities = _count_or(lite.Collection._num_entities)


def _is_known(lite: Any) -> bool:
    """Whether everything is there that is used here."""
    from milvus_lite.storage.memtable import MemTable  # type: ignore[import-untyped, unused-ignore]

    inside = inspect.getsource(MemTable.__init__)
    return (
        _arguments(lite.execute_search_with_index) == _SEARCH_ARGUMENTS
        and _arguments(lite.Collection.query) == _QUERY_ARGUMENTS
        and _arguments(lite.Collection._num_entities) == ("self", "partition_names")
        and {"pks", "seqs", "pk_to_row", "vectors", "vector_null_mask", "table", "sparse_indexes", "indexes"}
        <= set(lite.Segment.__slots__)
        and all(name in inside for name in ("_insert_batches", "_pk_index", "_delete_index", "_lock", "_data_schema"))
    )


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


# in place of Lite's own ---------------------------------------------------------------------------------------------


def _search_or(lites: Callable[..., Any]) -> Callable[..., Any]:
    def search(
        query_vectors: Any,
        segments: Any,
        memtable: Any,
        delta_index: Any,
        top_k: int,
        metric_type: str,
        pk_field: str,
        vector_field: str,
        **more: Any,
    ) -> Any:
        files = [segment for segment in segments if segment.num_rows]
        names: Any = more.get("output_fields")
        ours = metric_type == "COSINE" and names is not None and not more.get("partition_names")
        if not (ours and all(_is_flat(segment, vector_field) for segment in files)):
            given = (query_vectors, segments, memtable, delta_index, top_k, metric_type, pk_field, vector_field)
            return lites(*given, **more)
        rows = _all_rows(files, memtable, delta_index, vector_field)
        names = [name for name in dict.fromkeys((pk_field, *names)) if name in memtable._data_schema.names]
        project = more.get("project_record_fn") or (lambda record: record)
        conditions = _parts(more.get("compiled_filter"))
        fitting = [part.fitting(conditions) for part in rows]
        return [
            _hits(rows, fitting, _unit(query), top_k, names, pk_field, project)
            for query in np.asarray(query_vectors, np.float32)
        ]

    return search


def _query_or(lites: Callable[..., Any]) -> Callable[..., Any]:
    def query(self: Any, expr: str | None = None, output_fields: Any = None, **more: Any) -> Any:
        special = output_fields is None or more.get("partition_names") or more.get("order_by_pk") or more.get("offset")
        known = {f.name for f in self._schema.fields}
        if special or self._schema.enable_dynamic_field or not set(output_fields) <= known:
            return lites(self, expr, output_fields, **more)
        self._require_loaded()
        conditions = _parts(self._compile_filter(expr, timezone=more.get("timezone")) if expr else None)
        files, deletions = self._read_snapshot()
        names = list(dict.fromkeys((*output_fields, self._pk_name)))
        left, found = more.get("limit"), list[dict[str, Any]]()
        for part in _all_rows([f for f in files if f.num_rows], self._memtable, deletions, self._vector_name):
            found += part.records(part.fitting(conditions)[: None if left is None else left - len(found)], names)
        return found

    return query


def _count_or(lites: Callable[..., Any]) -> Callable[..., Any]:
    def count(self: Any, partition_names: Any) -> Any:
        if partition_names is not None:
            return lites(self, partition_names)
        files, deletions = self._read_snapshot()
        parts = _all_rows([f for f in files if f.num_rows], self._memtable, deletions, self._vector_name)
        return sum(int(part.alive.sum()) for part in parts)

    return count


def _parts(condition: Any) -> list[Any]:
    """Conditions that must all hold, comparisons before lists, which take longer; none for None."""
    from milvus_lite.search.filter.ast import And, CmpOp  # type: ignore[import-untyped, unused-ignore]

    if condition is None:
        return []
    if condition.backend != "arrow" or not isinstance(condition.ast, And):
        return [condition]
    quick = [part for part in condition.ast.operands if isinstance(part, CmpOp)]
    slow = [part for part in condition.ast.operands if not isinstance(part, CmpOp)]
    parts = [replace(condition.ast, operands=tuple(quick))] if len(quick) > 1 else quick
    return [replace(condition, ast=part) for part in [*parts, *slow]]


def _is_flat(segment: Any, vector_field: str) -> bool:
    """Whether the file has all its vectors, and no index but the plain one (whose copy of them is let go)."""
    index = segment.indexes.get(vector_field)
    if index is None:
        return segment.vector_null_mask is None
    if type(index).__name__ != "BruteForceIndex" or segment.vector_null_mask is not None:
        return False
    if index._vectors is not segment.vectors:
        index._vectors = segment.vectors
    return True


def _hits(
    rows: Sequence[_Rows],
    fitting: Sequence[Numbers],
    query: Floats,
    limit: int,
    names: Sequence[str],
    pk_field: str,
    project: Callable[[dict[str, Any]], Any],
) -> list[dict[str, Any]]:
    """The best rows, nearest first; ties in the order of the rows."""
    near = [part.nearest(query, numbers, limit) for part, numbers in zip(rows, fitting, strict=True)]
    distances = np.concatenate([*(d for d, _ in near), np.empty(0, np.float32)])
    number = np.concatenate([*(n for _, n in near), np.empty(0, np.int64)])
    source = np.repeat(np.arange(len(rows)), [len(n) for _, n in near])
    best = np.argsort(distances, kind="stable")[:limit]
    records: list[dict[str, Any]] = [{}] * len(best)
    for which in np.unique(source[best]).tolist():
        places = np.flatnonzero(source[best] == which)
        for place, record in zip(places, rows[which].records(number[best[places]], names), strict=True):
            records[place] = record
    return [
        {"id": record[pk_field], "distance": distance, "entity": project(record)}
        for record, distance in zip(records, distances[best].tolist(), strict=True)
    ]


def _unit(query: Floats) -> Floats:
    length = float(np.linalg.norm(query))
    return query if length == 0 else np.asarray(query / length, dtype=np.float32)


# which rows are alive -----------------------------------------------------------------------------------------------


def _all_rows(files: Sequence[Any], memtable: Any, delta_index: Any, vector_field: str) -> list[_Rows]:
    """The rows of the files, and those that are not in one yet."""
    fresh, later = _unwritten(memtable, vector_field)
    rows = []
    for segment, alive in zip(files, _alive(files, delta_index._map), strict=True):
        stale = [segment.pk_to_row[key] for key in segment.pk_to_row.keys() & later.keys()]
        if stale:
            alive = alive.copy()
            alive[[n for n in stale if segment.seqs[n] <= later[segment.pks[n]]]] = False
        rows.append(_Rows(segment.table, segment.vectors, _known(segment).scale, alive))
    return [*rows, fresh] if len(fresh.alive) else rows


def _unwritten(memtable: Any, vector_field: str) -> tuple[_Rows, dict[str, int]]:
    """Rows that are not in a file yet, and what they and the deletions that are in none replace: key -> sequence."""
    import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

    with memtable._lock:
        batches, places = tuple(memtable._insert_batches), list(memtable._pk_index.values())
        later = {key: place[2] for key, place in memtable._pk_index.items()}
        later |= {key: entry[0] for key, entry in memtable._delete_index.items()}
    table = pa.Table.from_batches(batches) if batches else memtable._data_schema.empty_table()
    starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
    table = table.take(np.asarray([starts[batch] + row for batch, row, _ in places], np.int64)).combine_chunks()
    vectors = _vectors(table, vector_field, len(places))
    return _Rows(table, vectors, _scale(vectors), np.ones(len(places), np.bool_)), later


def _vectors(table: Any, vector_field: str, rows: int) -> Floats:
    if not rows:
        return np.empty((0, 0), np.float32)
    flat = table.column(vector_field).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32).reshape(rows, -1)


def _scale(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray(1 / np.where(lengths == 0, 1, lengths), dtype=np.float32)


def _known(segment: Any) -> _Known:
    known = segment.sparse_indexes.get(_KEPT)
    if known is None:
        known = segment.sparse_indexes.setdefault(_KEPT, _Known(_scale(segment.vectors)))
    assert isinstance(known, _Known)  # noqa: S101 - for mypy; nobody else knows the key
    return known


def _alive(files: Sequence[Any], deletions: Mapping[str, int]) -> list[Mask]:
    """For each file, which of its rows no later one has replaced and no deletion hit."""
    tickets = frozenset(_known(segment).ticket for segment in files)
    masks = []
    for segment in files:
        known = _known(segment)
        for_files, after, mask = known.alive
        if mask is None or for_files != tickets or not (after is deletions or after == deletions):
            mask = _worked_out(segment, files, deletions)
            known.alive = (tickets, deletions, mask)
        else:
            deletions = after  # the same, and the same object for the files that follow: no need to compare again
        masks.append(mask)
    return masks


def _worked_out(segment: Any, files: Sequence[Any], deletions: Mapping[str, int]) -> Mask:
    known = _known(segment)
    mask = np.ones(segment.num_rows, np.bool_)
    for other in files:
        if other is not segment:
            ticket = _known(other).ticket
            if ticket not in known.replaced:
                known.replaced[ticket] = _replaced(segment, other)
            mask[known.replaced[ticket]] = False
    if not (known.deleted[0] is deletions or known.deleted[0] == deletions):
        known.deleted = (deletions, _deleted(segment, deletions))
    mask[known.deleted[1]] = False
    known.replaced = {
        ticket: known.replaced[ticket] for ticket in (_known(f).ticket for f in files if f is not segment)
    }
    return mask


def _replaced(segment: Any, other: Any) -> Numbers:
    """Numbers of the rows that `other` has a later version of; of two equal ones that in the newer file counts."""
    mine, theirs = segment.pk_to_row, other.pk_to_row
    newer = _known(other).ticket > _known(segment).ticket
    common = [(mine[key], theirs[key]) for key in mine.keys() & theirs.keys()]
    return np.asarray(
        [n for n, m in common if (int(segment.seqs[n]), False) < (int(other.seqs[m]), newer)], dtype=np.int64
    )


def _deleted(segment: Any, deletions: Mapping[str, int]) -> Numbers:
    numbers = (segment.pk_to_row[key] for key in segment.pk_to_row.keys() & deletions.keys())
    return np.asarray([n for n in numbers if deletions[segment.pks[n]] > int(segment.seqs[n])], dtype=np.int64)
