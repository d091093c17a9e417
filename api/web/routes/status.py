"""What is in the index: cameras with their coverage, status, health."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter

from api.composition import AppContext
from api.web.dependencies import ActivityHere, PartsHere
from api.web.permissions import CameraSight
from api.web.schemas.search import CamerasOut, HealthOut, StatusOut, problems
from search.errors import Unavailable, XunrenError
from search.times import iso
from search.types import SegmentState

log = logging.getLogger(__name__)

MAX_REFUSED = 100
router = APIRouter(prefix="/api", tags=["index"])


@router.get("/cameras", response_model=CamerasOut, responses=problems(503))
def cameras(parts: PartsHere, sight: CameraSight) -> dict[str, Any]:
    """All cameras, and from when to when there are recordings of them."""
    covered = {row["id"]: row for row in parts.catalog.segments.by_camera()}
    found = []
    for camera in sight.of(parts.catalog.cameras.all()):
        row = covered.get(camera.id, {"segments": 0, "indexed": 0, "first_ms": None, "last_ms": None})
        ends = {name: _iso(row[f"{name}_ms"], parts) for name in ("first", "last")}
        found.append(asdict(camera) | row | ends)
    return {"cameras": found}


@router.get("/status", response_model=StatusOut, responses=problems(503))
def status(parts: PartsHere, activity: ActivityHere, sight: CameraSight) -> dict[str, Any]:
    """The index at this moment; files are named to whoever sees all cameras."""
    states = parts.catalog.segments.states()
    refused = parts.catalog.rejected_files.all() if sight.cameras is None else []
    return {
        "version": version("xunren"),
        "model": parts.embedder.label,
        "rows": parts.store.count(),
        "cameras": len(sight.of(parts.catalog.cameras.all())),
        "segments": {state.value: states.get(state.value, 0) for state in SegmentState},
        "indexing": [asdict(work) for work in activity.now() if sight.camera(work.camera)],
        "refused_count": len(refused),
        "refused": refused[:MAX_REFUSED],
    }


@router.get("/health", response_model=HealthOut, responses=problems(503))
def health(parts: PartsHere) -> dict[str, Any]:
    """Whether the vector store and the catalogue answer; 503 with what is wrong otherwise."""
    checks: dict[str, Callable[[], object]] = {"store": parts.store.count, "catalog": parts.catalog.segments.states}
    wrong = {name: fault for name, check in checks.items() if (fault := _fault(name, check))}
    if wrong:
        raise Unavailable(
            f"{' and '.join(wrong)} cannot answer", got="; ".join(wrong.values()), cure="run `xunren doctor`"
        )
    return {"status": "ok", "checks": dict.fromkeys(checks, "ok")}


def _fault(name: str, check: Callable[[], object]) -> str:
    """What `check` fails with, or nothing."""
    try:
        check()
    except XunrenError as e:
        return e.what
    except Exception as e:  # whatever a broken part raises, the answer is that it is broken
        log.warning("health: %s does not answer", name, exc_info=True)
        return type(e).__name__
    return ""


def _iso(time_ms: int | None, parts: AppContext) -> str | None:
    return None if time_ms is None else iso(time_ms, parts.zone)
