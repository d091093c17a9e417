"""Plans a re-index: what it would cost in time and storage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from api.runtime import AppContext
from indexer.maintenance import RowImages, seconds_per_row
from search.catalog import BackfillCost, ReindexScope
from search.errors import Conflict
from search.models import Embedder, make_embedder
from search.types import Filter

MEASURED_SEGMENTS = 5
ROW_BYTES = 400  # of a row beside its vector


@dataclass(frozen=True, slots=True)
class Plan:
    """The cost of a new index. `seconds`: by the quickest and the slowest measured segment; None: there is none."""

    model: str
    label: str
    dim: int
    cost: BackfillCost
    left: int
    seconds: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
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
            "seconds_min": None if self.seconds is None else self.seconds[0],
            "seconds_max": None if self.seconds is None else self.seconds[1],
        }


def plan(context: AppContext, model: str, scope: ReindexScope) -> Plan:
    """Estimate the cost, by the catalogue's reports and by some segments that are embedded and thrown away.

    Raises:
        BadInput: an unknown model.
        NotFound: an unknown camera.
        Conflict: the active index has this model already.
        Unavailable: the model cannot be loaded.
    """
    context.catalog.cameras.check(scope.cameras)
    catalog = context.catalog
    embedder = make_embedder(context.settings, model)
    if embedder.label == context.indexes.active.info.label:
        raise Conflict("the index answers by this model already", got=embedder.label, expected="another model")
    cost = catalog.backfill.cost(scope)
    other = catalog.indexes.other()
    left = cost.segments
    if other is not None and other.label == embedder.label:
        left = catalog.backfill.progress(replace(other, scope=scope)).missing
    rates = _rates(context, embedder, scope)
    share = left / max(cost.segments, 1)
    seconds = (share * cost.rows * min(rates), share * cost.rows * max(rates)) if rates else None
    return Plan(model, embedder.label, embedder.dim, cost, left, seconds)


def _rates(context: AppContext, embedder: Embedder, scope: ReindexScope) -> list[float]:
    """Measure the seconds a row of some segments, on this machine under its present load."""
    active = context.indexes.active
    in_scope = Filter(cameras=scope.cameras, start_ms=scope.from_ms, end_ms=scope.to_ms)
    rows, _ = active.store.sample(MEASURED_SEGMENTS * 20, in_scope)
    ids = list(dict.fromkeys(row.segment_id for row in rows))[:MEASURED_SEGMENTS]
    segments = context.catalog.segments.by_id(ids)
    embedder.open()
    images = RowImages(context.settings, context.catalog, context.media)
    rates = (seconds_per_row(images, active, embedder, segments[id_]) for id_ in ids if id_ in segments)
    return [rate for rate in rates if rate is not None]
