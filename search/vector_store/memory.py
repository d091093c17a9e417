"""The vector store in numpy: the reference of the contract tests, and enough for small indexes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Self

import numpy as np

from search.types import Filter, Hit, Row, Vectors
from search.vector_store.checks import (
    best_first,
    check_cameras,
    check_ids,
    check_limit,
    check_rows,
    check_segments,
    check_string,
    check_vectors,
    lets_through,
    lot,
    stacked,
)


class MemoryStore:
    """Rows in memory, searched by numpy. Safe for many threads."""

    def __init__(self, *, dim: int) -> None:
        self._dim = dim
        self._lock = threading.RLock()
        self._rows: dict[str, tuple[Row, Vectors]] = {}

    def open(self) -> None:
        """Do nothing: there is nothing to open."""

    def close(self) -> None:
        """Do nothing: the rows stay."""

    def flush(self) -> None:
        """Do nothing: there is no disk."""

    def drop(self) -> None:
        """See `VectorStore.drop`."""
        with self._lock:
            self._rows.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def upsert(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """See `VectorStore.upsert`."""
        checked = check_rows(rows, vectors, self._dim).copy()
        with self._lock:
            self._rows |= {row.id: (row, vector) for row, vector in zip(rows, checked, strict=True)}

    def delete_segment(self, segment_id: str, keep: Collection[str] = ()) -> int:
        """See `VectorStore.delete_segment`."""
        with self._lock:
            ids = self.ids(segment_id) - set(keep)
            for row_id in ids:
                del self._rows[row_id]
            return len(ids)

    def delete_segments(self, segment_ids: Collection[str]) -> int:
        """See `VectorStore.delete_segments`."""
        check_segments(segment_ids)
        return sum(self.delete_segment(segment_id) for segment_id in set(segment_ids))

    def rows_of(self, segment_ids: Collection[str]) -> list[Row]:
        """See `VectorStore.rows_of`."""
        check_segments(segment_ids)
        with self._lock:
            rows = [row for row, _ in self._rows.values() if row.segment_id in segment_ids]
        return sorted(rows, key=lambda row: row.id)

    def count_by_segment(self) -> dict[str, int]:
        """See `VectorStore.count_by_segment`."""
        with self._lock:
            return dict(Counter(row.segment_id for row, _ in self._rows.values()))

    def search(self, vector: Vectors, limit: int, where: Filter = Filter()) -> list[Hit]:  # noqa: B008
        """See `VectorStore.search`."""
        query = check_vectors(np.asarray(vector)[None], 1, self._dim)[0]
        check_limit(limit)
        hits = [Hit(row, float(v @ query) / float(np.linalg.norm(v))) for row, v in self._fitting(where)]
        return best_first(hits)[:limit]

    def get(self, ids: Collection[str]) -> tuple[list[Row], Vectors]:
        """See `VectorStore.get`."""
        check_ids(ids)
        with self._lock:
            rows = [self._rows[row_id] for row_id in sorted(set(ids)) if row_id in self._rows]
        return [row for row, _ in rows], stacked([v for _, v in rows], self._dim)

    def sample(self, limit: int, where: Filter = Filter()) -> tuple[list[Row], Vectors]:  # noqa: B008
        """See `VectorStore.sample`."""
        fitting = sorted(self._fitting(where), key=lambda item: (lot(item[0].id), item[0].id))[: max(limit, 0)]
        return [row for row, _ in fitting], stacked([v for _, v in fitting], self._dim)

    def count(self, where: Filter = Filter()) -> int:  # noqa: B008
        """See `VectorStore.count`."""
        return len(self._fitting(where))

    def ids(self, segment_id: str | None = None) -> set[str]:
        """See `VectorStore.ids`."""
        if segment_id is not None:
            check_string(segment_id, "the segment id")
        with self._lock:
            return {row.id for row, _ in self._rows.values() if segment_id in (None, row.segment_id)}

    def _fitting(self, where: Filter) -> list[tuple[Row, Vectors]]:
        check_cameras(where)
        with self._lock:
            return [item for item in self._rows.values() if lets_through(where, item[0])]
