"""Verifies a second index against the active one before it is switched to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from api.runtime import AppContext, the_indexes
from indexer.maintenance import RowImages, rows_unlike_their_images
from indexer.pipeline import OpenIndex
from search.catalog import IndexBackfill, IndexInfo
from search.errors import BadMedia
from search.types import Filter, Row

log = logging.getLogger(__name__)

SAMPLE_ROWS = 100  # each must find itself in the new index
EMBEDDED_SEGMENTS = 5  # embedded again
ALIKE = 0.98  # cosine of an image that is embedded again, in another batch, on another machine
ITSELF = 0.999  # cosine of a row with itself
NAMED = 5  # of each kind of fault, in a message


def verify(context: AppContext, info: IndexInfo) -> list[str]:
    """Return the faults of an index that speak against a switch to it; empty: none.

    The rows of every segment are counted in both indexes. Sampled rows of the active one must be in the other, the same
    but for their vector, and each must find itself. The images of a few recordings are embedded again and must have the
    vectors that are stored.
    """
    backfill = context.catalog.backfill
    if not info.scope.is_all:
        return ["it was made of a part of the recordings: run `xunren reindex` again without --from, --to and --camera"]
    work = backfill.progress(info)
    if work.failed:
        names = "; ".join(f"{path}: {reason}" for _, path, reason in work.failed[:NAMED])
        return [f"{len(work.failed)} recordings could not be indexed again: {names}"]
    active, other = context.indexes.active, the_indexes(context).one(info)
    faults = []
    if differing := _differing_segments(backfill, active, other):
        faults.append(f"{len(differing)} segments have other rows than in the active index: {_some(differing)}")
    if missing := _rows_not_found(backfill, active, other):
        faults.append(f"{len(missing)} of {SAMPLE_ROWS} sampled rows do not find themselves: {_some(missing)}")
    if unlike := _unlike_rows(context, other):
        faults.append(
            f"{len(unlike)} rows of sampled recordings do not have the vector of their image: {_some(unlike)}"
        )
    return faults


def _differing_segments(backfill: IndexBackfill, a: OpenIndex, b: OpenIndex) -> set[str]:
    """Return the segments with another number of rows, counted twice: the index is in use meanwhile."""
    differing = _differing_once(backfill, a, b)
    return differing & _differing_once(backfill, a, b) if differing else differing


def _differing_once(backfill: IndexBackfill, a: OpenIndex, b: OpenIndex) -> set[str]:
    left, right = a.store.count_by_segment(), b.store.count_by_segment()
    odd = {id_ for id_ in {*left, *right} if left.get(id_, 0) != right.get(id_, 0)}
    return backfill.comparable(a.info, b.info, odd) if odd else set()


def _rows_not_found(backfill: IndexBackfill, active: OpenIndex, other: OpenIndex) -> list[str]:
    """Return the sampled rows that the other index does not find, searched twice: the index is in use meanwhile."""
    rows, _ = active.store.sample(SAMPLE_ROWS)
    for _ in range(2):
        rows = _missing(active, other, rows)
        whole = backfill.comparable(active.info, other.info, {row.segment_id for row in rows})
        rows = [row for row in rows if row.segment_id in whole]
    return [row.id for row in rows]


def _missing(active: OpenIndex, other: OpenIndex, expected: Sequence[Row]) -> list[Row]:
    """Return the rows of the active index that the other one lacks, has otherwise, or does not find by their vector."""
    ids = [row.id for row in expected]
    rows, vectors = other.store.get(ids)
    still = {row.id for row in active.store.get(ids)[0]}  # others were deleted meanwhile
    stored = {row.id: (row, vector) for row, vector in zip(rows, vectors, strict=True)}
    missing = []
    for row in expected:
        same, vector = stored.get(row.id, (None, None))
        if row.id not in still:
            continue
        if same != row or vector is None:
            missing.append(row)
            continue
        near = Filter(cameras=(row.camera_id,), start_ms=row.start_ms, end_ms=row.end_ms + 1)
        hits = other.store.search(vector, 20, near)
        if not any(hit.row.id == row.id and hit.score > ITSELF for hit in hits):
            missing.append(row)
    return missing


def _unlike_rows(context: AppContext, index: OpenIndex) -> list[str]:
    """Embed the images of a few short recordings again; return the ids of rows with another vector."""
    rows, _ = index.store.sample(SAMPLE_ROWS)
    segments = context.catalog.segments.by_id(sorted({row.segment_id for row in rows})).values()
    images = RowImages(context.settings, context.catalog, context.media)
    unlike: list[str] = []
    for segment in sorted(segments, key=lambda one: one.duration_ms)[:EMBEDDED_SEGMENTS]:
        try:
            unlike += rows_unlike_their_images(images, index, segment, ALIKE)
        except BadMedia as e:  # deleted meanwhile, or about to be named by `work.failed`
            log.info("verifying: %s", e)
    return unlike


def _some(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)[:NAMED])
