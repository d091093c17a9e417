"""Verifies a second index against the live one before it answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from api.composition import AppContext
from api.reindex.plan import PROBED
from api.runtime.context import the_indexes
from api.runtime.indexes import OpenIndex
from indexer.maintenance.reindex import Backfill
from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo
from search.errors import BadMedia
from search.types import Filter, Row

log = logging.getLogger(__name__)

SAMPLE_ROWS = 100  # of which each is to find itself in the new index


ALIKE = 0.98  # cosine of a picture that is embedded again, in another batch, on another machine


ITSELF = 0.999  # cosine of a row with itself


NAMED = 5


TRIES = 60  # so often, half a second apart, a switch waits for what was indexed this moment


def verify(parts: AppContext, index: IndexInfo) -> list[str]:
    """What speaks against answering by this index; empty: nothing.

    Counted: every segment's rows in both. Sampled: rows that are in the live one are there, the same but for their
    vector, and each finds itself. A few recordings are looked at again, and their
    pictures must have the vectors that are there.
    """
    catalog = parts.catalog
    if not index.scope.is_all:
        return ["it was made of a part of the recordings: run `xunren reindex` again without --from, --to and --camera"]
    work = catalog.backfill.progress(index)
    if work.failed:
        names = "; ".join(f"{path}: {said}" for _, path, said in work.failed[:NAMED])
        return [f"{len(work.failed)} recordings could not be indexed again: {names}"]
    live, other = parts.indexes.live, the_indexes(parts).one(index)
    differing = _differing(catalog, live, other)
    if differing:
        differing &= _differing(catalog, live, other)  # the index is in use: only what still differs
    found = []
    if differing:
        found.append(f"{len(differing)} segments have other rows than in the live index: {_some(differing)}")
    if strange := _not_found(catalog, live, other):
        found.append(f"{len(strange)} of {SAMPLE_ROWS} sampled rows do not find themselves: {_some(strange)}")
    if unlike := _unlike(parts, live, other):
        found.append(f"{len(unlike)} rows of sampled recordings have not their picture's vector: {_some(unlike)}")
    return found


def _unlike(parts: AppContext, live: OpenIndex, other: OpenIndex) -> list[str]:
    """Of a few short recordings, looked at again."""
    rows, _ = other.store.sample(SAMPLE_ROWS)
    segments = parts.catalog.segments.by_id(sorted({row.segment_id for row in rows})).values()
    probe = Backfill(parts.settings, parts.catalog, parts.media, live.side, other.side)
    found: list[str] = []
    for segment in sorted(segments, key=lambda one: one.duration_ms)[:PROBED]:
        try:
            found += probe.unlike(segment, ALIKE)
        except BadMedia as e:  # deleted meanwhile, or about to be named by `work.failed`
            log.info("verifying: %s", e)
    return found


def _differing(catalog: Catalog, a: OpenIndex, b: OpenIndex) -> set[str]:
    left, right = a.store.count_by_segment(), b.store.count_by_segment()
    odd = {id_ for id_ in {*left, *right} if left.get(id_, 0) != right.get(id_, 0)}
    return catalog.backfill.comparable(a.index, b.index, odd) if odd else set()


def _not_found(catalog: Catalog, live: OpenIndex, other: OpenIndex) -> list[str]:
    rows, _ = live.store.sample(SAMPLE_ROWS)
    for _ in range(2):  # the index is in use: only what is still not found
        rows = _strange(live, other, rows)
        whole = catalog.backfill.comparable(live.index, other.index, {row.segment_id for row in rows})
        rows = [row for row in rows if row.segment_id in whole]
    return [row.id for row in rows]


def _strange(live: OpenIndex, other: OpenIndex, expected: Sequence[Row]) -> list[Row]:
    """Those of the live index's rows that the other one has not, or has otherwise, or does not find by their vector."""
    rows, vectors = other.store.get([row.id for row in expected])
    still = {row.id for row in live.store.get([row.id for row in expected])[0]}
    there = {row.id: (row, vector) for row, vector in zip(rows, vectors, strict=True)}
    strange = []
    for row in expected:
        if row.id not in still:
            continue  # deleted meanwhile
        same, vector = there.get(row.id, (None, None))
        if same != row or vector is None:
            strange.append(row)
            continue
        near = Filter(cameras=(row.camera_id,), from_ms=row.start_ms, to_ms=row.end_ms + 1)
        hits = other.store.search(vector, 20, near)
        if not any(hit.row.id == row.id and hit.score > ITSELF for hit in hits):
            strange.append(row)
    return strange


def _some(ids: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(ids)[:NAMED])
