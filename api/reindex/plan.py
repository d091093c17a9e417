"""Plans a re-index: what it would cost in time and storage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from api.composition import AppContext
from api.runtime.indexes import OpenIndex
from indexer.maintenance.reindex import Backfill
from search.catalog.index_types import BackfillCost, ReindexScope
from search.errors import Conflict
from search.models.embedder import Embedder, make_embedder
from search.types import Filter

PROBED = 5  # segments that are measured for a plan


ROW_BYTES = 400  # of a row beside its vector


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new index would cost. `seconds`: by the quickest and the slowest measured segment; None: there is none."""

    model: str
    label: str
    dim: int
    cost: BackfillCost
    left: int
    seconds: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        c = self.cost
        return {
            "model": self.model,
            "label": self.label,
            "dim": self.dim,
            "segments": c.segments,
            "segments_left": self.left,
            "hours": c.duration_ms / 3_600_000,
            "frames": c.frames,
            "rows": c.rows,
            "bytes_read": c.bytes,
            "bytes_new": c.rows * (4 * self.dim + ROW_BYTES),
            "seconds_from": None if self.seconds is None else self.seconds[0],
            "seconds_to": None if self.seconds is None else self.seconds[1],
        }


def plan(parts: AppContext, model: str, scope: ReindexScope) -> Plan:
    """What it would cost, by the catalogue's reports, and by some segments that are done for it and thrown away.

    Raises:
        BadInput: an unknown model.
        NotFound: an unknown camera.
        Conflict: the index answers by this model already.
        Unavailable: the model cannot be loaded.
    """
    parts.catalog.cameras.check(scope.cameras)
    s, catalog = parts.settings, parts.catalog
    embedder = make_embedder(s, model)
    live = parts.indexes.live
    if embedder.label == live.index.label:
        raise Conflict("the index answers by this model already", got=embedder.label, expected="another model")
    cost = catalog.backfill.cost(scope)
    other = catalog.indexes.other()
    left = cost.segments
    if other is not None and other.label == embedder.label:
        left = catalog.backfill.progress(replace(other, scope=scope)).missing
    rates = _rates(parts, live, embedder, scope)
    share = left / max(cost.segments, 1)
    seconds = (share * cost.rows * min(rates), share * cost.rows * max(rates)) if rates else None
    return Plan(model, embedder.label, embedder.dim, cost, left, seconds)


def _rates(parts: AppContext, live: OpenIndex, embedder: Embedder, scope: ReindexScope) -> list[float]:
    """Seconds a row, one for each of some segments: decoding and embedding, on this machine under its load of now."""
    rows, _ = live.store.sample(PROBED * 20, Filter(cameras=scope.cameras, from_ms=scope.from_ms, to_ms=scope.to_ms))
    ids = list(dict.fromkeys(row.segment_id for row in rows))[:PROBED]
    segments = parts.catalog.segments.by_id(ids)
    embedder.open()
    probe = Backfill(parts.settings, parts.catalog, parts.media, live.side, replace(live.side, embedder=embedder))
    return [rate for id_ in ids if id_ in segments and (rate := probe.rate(segments[id_])) is not None]
