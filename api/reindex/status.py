"""Reports the indexes and how complete they are."""

from __future__ import annotations

from typing import Any

from search.catalog import Catalog, IndexInfo, IndexState


def status(catalog: Catalog) -> dict[str, Any]:
    """Return all indexes with their state and progress, as plain data."""
    return {
        "indexes": [_as_dict(catalog, info) for info in catalog.indexes.all() if info.state is not IndexState.DROPPED]
    }


def _as_dict(catalog: Catalog, info: IndexInfo) -> dict[str, Any]:
    is_only_one = info.state is IndexState.LIVE and len(catalog.indexes.written()) < 2
    work = None if is_only_one else catalog.backfill.progress(info)
    return {
        "collection": info.collection,
        "model": info.model,
        "label": info.label,
        "dim": info.dim,
        "state": info.state.value,
        "scope": {"start_ms": info.scope.from_ms, "end_ms": info.scope.to_ms, "cameras": list(info.scope.cameras)},
        "segments": work.segments if work else None,
        "done": work.done if work else None,
        "missing": work.missing if work else 0,
        "failed": [{"segment": s, "path": p, "reason": w} for s, p, w in (work.failed if work else ())],
    }
