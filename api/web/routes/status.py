"""Routes about the index: cameras with their coverage, status, health."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter

from api.runtime import AppContext, IndexingJob
from api.web.dependencies import ActivityHere, ContextHere
from api.web.permissions import CameraVisibilityHere
from api.web.schemas.search import CamerasOut, HealthOut, StatusOut, problems
from search.errors import Unavailable, XunrenError
from search.times import iso
from search.types import SegmentState

log = logging.getLogger(__name__)

MAX_REFUSED = 100
router = APIRouter(prefix="/api", tags=["index"])


@router.get("/cameras", response_model=CamerasOut, responses=problems(503))
def cameras(context: ContextHere, visibility: CameraVisibilityHere) -> dict[str, Any]:
    """List all cameras, and from when to when there are recordings of them."""
    coverage = {row["id"]: row for row in context.catalog.segments.totals_by_camera()}
    lines = []
    for camera in visibility.of(context.catalog.cameras.all()):
        row = coverage.get(camera.id, {"segments": 0, "indexed": 0, "first_ms": None, "last_ms": None})
        ends = {name: _iso(row[f"{name}_ms"], context) for name in ("first", "last")}
        lines.append(asdict(camera) | row | ends)
    return {"cameras": lines}


@router.get("/status", response_model=StatusOut, responses=problems(503))
def status(context: ContextHere, activity: ActivityHere, visibility: CameraVisibilityHere) -> dict[str, Any]:
    """Return the index at this moment; files are named to whoever sees all cameras."""
    states = context.catalog.segments.states()
    refused = context.catalog.rejected_files.all() if visibility.cameras is None else []
    return {
        "version": version("xunren"),
        "model": context.embedder.label,
        "rows": context.store.count(),
        "camera_count": len(visibility.of(context.catalog.cameras.all())),
        "segments": {state.value: states.get(state.value, 0) for state in SegmentState},
        "indexing": [_job(work) for work in activity.now() if visibility.camera(work.camera)],
        "refused_count": len(refused),
        "refused": refused[:MAX_REFUSED],
    }


@router.get("/health", response_model=HealthOut, responses=problems(503))
def health(context: ContextHere) -> dict[str, Any]:
    """Check that vector store and catalogue answer; 503 with what is wrong otherwise."""
    checks: dict[str, Callable[[], object]] = {"store": context.store.count, "catalog": context.catalog.segments.states}
    wrong = {name: fault for name, check in checks.items() if (fault := _fault(name, check))}
    if wrong:
        raise Unavailable(
            f"{' and '.join(wrong)} cannot answer", got="; ".join(wrong.values()), cure="run `xunren doctor`"
        )
    return {"status": "ok", "checks": dict.fromkeys(checks, "ok")}


def _job(job: IndexingJob) -> dict[str, Any]:
    return {"camera": job.camera, "path": job.file, "offset_ms": job.offset_ms, "duration_ms": job.duration_ms}


def _fault(name: str, check: Callable[[], object]) -> str:
    """Return the error of `check`, or nothing."""
    try:
        check()
    except XunrenError as e:
        return e.what
    except Exception as e:  # whatever a broken part raises, the answer is that it is broken
        log.warning("health: %s does not answer", name, exc_info=True)
        return type(e).__name__
    return ""


def _iso(time_ms: int | None, context: AppContext) -> str | None:
    return None if time_ms is None else iso(time_ms, context.zone)
