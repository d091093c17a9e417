"""Which rows are scored for an answer: the best of each kind, not all of one camera, and those within reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from search.geo import Reach
from search.types import Camera, Filter, Hit, RowKind, Vectors
from search.vector_store import MAX_CAMERAS, VectorStore

CROWDED = 4
"""A camera with more than this part (a quarter) of the rows hides others: rows are also searched without it."""


def filters_within(reach: Reach | None, where: Filter, cameras: Sequence[Camera]) -> list[Filter]:
    """Return the filters to search with: rows within reach, and unless the reach is hard, all others as well.

    Args:
        reach: reach with the places of `cameras`; None: where the person can be does not matter.
        where: the query's filter.
        cameras: all cameras of the catalogue.
    """
    if reach is None:
        return [where]
    near = replace(where, windows=reach.windows(where.cameras or [camera.id for camera in cameras]))
    if reach.hard:
        return [near]
    named = sum(len(window.cameras) for window in near.windows)
    return [near, where] if named <= MAX_CAMERAS else [where]  # nearly everything is within reach then


def best_rows(store: VectorStore, vector: Vectors, limit: int, wheres: Sequence[Filter]) -> list[Hit]:
    """Return the best rows of each kind that fit one of `wheres`, with cosines; at least `limit` if there are as many.

    `vector` is float32 (dim,) of unit length.
    """
    parts = (
        _best_of_kind(store, vector, limit, replace(where, kinds=(kind,)))
        for where in wheres
        for kind in where.kinds or tuple(RowKind)
    )
    return _each_once(parts)


def _best_of_kind(store: VectorStore, vector: Vectors, limit: int, where: Filter) -> list[Hit]:
    best = store.search(vector, limit, where)
    count = Counter(hit.row.camera_id for hit in best)
    crowded = tuple(sorted(camera for camera, rows in count.items() if rows > limit // CROWDED))
    nothing_else = bool(where.cameras) and set(where.cameras) <= set(crowded)
    if len(best) < limit or not crowded or nothing_else:
        return best
    return [*best, *store.search(vector, limit, replace(where, without=(*where.without, *crowded)))]


def _each_once(parts: Iterable[Sequence[Hit]]) -> list[Hit]:
    return list({hit.row.id: hit for part in parts for hit in part}.values())
