"""Reads Milvus Lite by columns where Lite itself visits every row in Python. Used by `lite_server` only.

Lite 3.2 keeps closed files of rows ("segments", at most 100,000 rows each) in memory and never changes them. For each
search it checks for every row, in Python, whether a later row has replaced it or a deletion hit it: 0.2 s for 100,000
rows, during which no other thread runs. A dead row stays dead, so here this is computed once for each file and kept
with it (`lite_columns`); what remains for a search is Arrow's filter and numpy's product, 6 times
quicker at 100,000 rows. `install` replaces three functions of Lite. They return what Lite's return (the contract tests,
and `test_lite_patch.py`, which compares them); other calls they leave to Lite, and a Lite of another version than they
were written for is not changed.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from search.vector_store.lite_columns import ColumnRows, Floats, Numbers, all_rows

log = logging.getLogger(__name__)

_SEARCH_ARGUMENTS = (
    *("query_vectors", "segments", "memtable", "delta_index", "top_k", "metric_type", "pk_field", "vector_field"),
    *("partition_names", "compiled_filter", "output_fields", "indexed_filter_plan", "project_record_fn"),
    "search_params",
)
_QUERY_ARGUMENTS = ("self", "expr", "output_fields", "partition_names", "limit", "offset", "timezone", "order_by_pk")


def install() -> None:
    """Make Lite read by columns from now on, in this process; once is enough."""
    from milvus_lite.engine import collection as lite  # type: ignore[import-untyped, unused-ignore]

    if lite.Collection.query.__module__ == __name__:
        return
    if not _is_known(lite):
        log.warning("this version of Milvus Lite is not read by columns: searching large indexes is slow")
        return
    lite.execute_search_with_index = _search_or(lite.execute_search_with_index)
    lite.Collection.query = _query_or(lite.Collection.query)
    lite.Collection._num_entities = _count_or(lite.Collection._num_entities)


def _is_known(lite: Any) -> bool:
    """Return whether Lite has everything that is used here."""
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


# replacements of Lite's own -----------------------------------------------------------------------------------------


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
        rows = all_rows(files, memtable, delta_index, vector_field)
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
        for part in all_rows([f for f in files if f.num_rows], self._memtable, deletions, self._vector_name):
            found += part.records(part.fitting(conditions)[: None if left is None else left - len(found)], names)
        return found

    return query


def _count_or(lites: Callable[..., Any]) -> Callable[..., Any]:
    def count(self: Any, partition_names: Any) -> Any:
        if partition_names is not None:
            return lites(self, partition_names)
        files, deletions = self._read_snapshot()
        parts = all_rows([f for f in files if f.num_rows], self._memtable, deletions, self._vector_name)
        return sum(int(part.alive.sum()) for part in parts)

    return count


def _parts(condition: Any) -> list[Any]:
    """Return conditions that must all hold, comparisons before lists, which take longer; none for None."""
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
    """Return whether the file has all its vectors and only the plain index, whose copy of them is released."""
    index = segment.indexes.get(vector_field)
    if index is None:
        return segment.vector_null_mask is None
    if type(index).__name__ != "BruteForceIndex" or segment.vector_null_mask is not None:
        return False
    if index._vectors is not segment.vectors:
        index._vectors = segment.vectors
    return True


def _hits(
    rows: Sequence[ColumnRows],
    fitting: Sequence[Numbers],
    query: Floats,
    limit: int,
    names: Sequence[str],
    pk_field: str,
    project: Callable[[dict[str, Any]], Any],
) -> list[dict[str, Any]]:
    """Return the best rows, nearest first; ties in the order of the rows."""
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
