"""Live cameras: their state, their coverage by hour, and the newest sample of each."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import FileResponse

from api.accounts import check_camera
from api.runtime import AppContext
from api.web.dependencies import ContextHere
from api.web.permissions import CameraVisibilityHere, VisibilityHere
from api.web.schemas.live import CoverageHoursOut, LiveOut
from api.web.schemas.search import problems
from search.coverage import HOUR_MS, CoverageHour, account, is_alive, state_of
from search.errors import BadInput, NotFound
from search.stream_types import Health, Stream, StreamState
from search.times import iso, now_ms, parse_time
from search.types import Filter, check_camera_id

DAY_MS = 24 * HOUR_MS
MOST_DAYS = 31
MOST_CAMERA_DAYS = 400  # of all cameras together: some 10 s of the database's time
_GIB = 2**30
_NEARLY_FULL = 1.5  # times the least free space: time to see to it

router = APIRouter(prefix="/api", tags=["live"])
When = Annotated[str | None, Query(description="ISO 8601 (without a zone: the server's) or Unix milliseconds")]


@router.get("/live", response_model=LiveOut, responses=problems(503))
def live(context: ContextHere, visibility: CameraVisibilityHere) -> dict[str, Any]:
    """Return every live stream as it is now, and the alarms."""
    now = now_ms()
    health = context.catalog.recordings.health()
    running = any(is_alive(h, now) for h in health)
    streams = [stream for stream in _streams(context, health, now) if visibility.camera(stream["camera"])]
    backlog = context.catalog.coverage.backlog(now)
    free = shutil.disk_usage(context.settings.data_dir).free / _GIB
    return {
        "recorder": running,
        "alarms": [{"kind": kind, "message": message} for kind, message in _alarms(context, streams, running, free)],
        "backlog": {
            "segments": backlog.segments,
            "seconds": backlog.seconds,
            "oldest_s": None if backlog.oldest_ms is None else (now - backlog.oldest_ms) / 1000,
        },
        "disk_free_gib": round(free, 2),
        "streams": streams,
    }


@router.get("/coverage", response_model=CoverageHoursOut, responses=problems(404, 503))
def coverage(
    context: ContextHere,
    visibility: CameraVisibilityHere,
    start: When = None,
    end: When = None,
    cameras: Annotated[list[str], Query(description="only these; all if none")] = [],  # noqa: B006 - FastAPI copies it
) -> dict[str, Any]:
    """Account for every second of the live cameras, by hour; of the last day where no time is given."""
    now = now_ms()
    end_ms = now if end is None else _time(end, context)
    start_ms = end_ms - DAY_MS if start is None else _time(start, context)
    _check_range(start_ms, end_ms, cameras)
    context.catalog.cameras.check(cameras, visibility.cameras)
    if visibility.cameras is not None:
        cameras = cameras or sorted(
            visibility.cameras & {stream.camera_id for stream in context.catalog.streams.indexed()}
        )
    lines: Sequence[CoverageHour] = []
    if cameras or visibility.cameras is None:
        _check_amount(len(set(cameras)) or len(context.catalog.streams.indexed()), (end_ms - start_ms) / DAY_MS)
        lines = account(context.catalog, start_ms, end_ms, now, cameras)
    return _ends(start_ms, end_ms, context) | {
        "coverage_hours": [line.as_dict() | _ends(line.start_ms, line.end_ms, context) for line in lines],
        "totals": _totals(lines),
    }


def _ends(start_ms: int, end_ms: int, context: AppContext) -> dict[str, str]:
    return {"start": iso(start_ms, context.zone), "end": iso(end_ms, context.zone)}


def _check_range(start_ms: int, end_ms: int, cameras: Sequence[str]) -> None:
    Filter(cameras=tuple(cameras), start_ms=start_ms, end_ms=end_ms)
    days = (end_ms - start_ms) / DAY_MS
    if days > MOST_DAYS:
        cure = "ask for one month at a time"
        raise BadInput("the range is too long", got=f"{days:.1f} days", expected=f"at most {MOST_DAYS} days", cure=cure)


@router.head("/cameras/{camera}/now.jpg", include_in_schema=False)
@router.get("/cameras/{camera}/now.jpg", response_class=FileResponse, responses=problems(404, 503))
def picture_of_now(camera: str, context: ContextHere, visibility: VisibilityHere) -> FileResponse:
    """Return a live camera's newest sample; Last-Modified says when it was taken."""
    check_camera(visibility, check_camera_id(camera))
    path = context.media.now_path(camera)
    if not path.is_file():
        raise NotFound("there is no image of this camera yet", got=camera, cure="wait until it is recorded and indexed")
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-cache"})


def _totals(lines: Sequence[CoverageHour]) -> dict[str, Any]:
    """Return the sums of all lines, in seconds."""
    not_indexed, missing = Counter[str](), Counter[str]()
    for line in lines:
        not_indexed.update(line.not_indexed)
        missing.update(line.missing)
    total = CoverageHour("", 0, 0, sum(line.indexed_ms for line in lines), not_indexed, missing)
    return {name: value for name, value in total.as_dict().items() if name.endswith("_s")}


def _time(value: str, context: AppContext) -> int:
    is_date = len(value) <= 8  # 20261123
    return int(value) if value.isdecimal() and not is_date else parse_time(value, context.zone)


def _check_amount(cameras: int, days: float) -> None:
    if cameras * days > MOST_CAMERA_DAYS:
        raise BadInput(
            "that is too much to count at once",
            got=f"{cameras} cameras for {days:.1f} days",
            expected=f"at most {MOST_CAMERA_DAYS} days of all cameras together",
            cure="name fewer cameras (cameras=ID), or a shorter range",
        )


def _streams(context: AppContext, reports: list[Health], now: int) -> list[dict[str, Any]]:
    health = {(h.camera_id, h.role): h for h in reports}
    newest, waiting = context.catalog.coverage.newest_indexed(), context.catalog.coverage.waiting()
    indexed = {(s.camera_id, s.role) for s in context.catalog.streams.indexed()}
    streams = context.catalog.streams.all()
    cameras = context.catalog.streams.configs(sorted({stream.camera_id for stream in streams}))
    lines = []
    for stream in streams:
        key = (stream.camera_id, stream.role)
        line = _known(stream, health.get(key), context, now)
        line |= {"name": cameras[stream.camera_id].camera.name, "lag_s": None, "waiting_s": 0.0, "image": None}
        if key in indexed:
            lag = max(0, now - newest.get(stream.camera_id, stream.since_ms)) / 1000
            waits = waiting.get(stream.camera_id, 0.0)
            line |= {"lag_s": lag, "waiting_s": waits, "image": _image_address(stream.camera_id, context)}
        lines.append(line)
    return lines


def _image_address(camera_id: str, context: AppContext) -> str | None:
    """Return the address of the newest sample, another one for another sample; None: there is none."""
    taken = context.media.now_taken(camera_id)
    if taken is None:
        return None
    return f"/api/cameras/{quote(camera_id, safe='')}/now.jpg?at={taken}"


def _known(stream: Stream, health: Health | None, context: AppContext, now: int) -> dict[str, Any]:
    """Return what its recorder reported of a stream; of a dead recorder only what stays true."""
    h = health or Health(stream.camera_id, stream.role, StreamState.STOPPED)
    alive = is_alive(h, now)
    return {
        "camera": stream.camera_id,
        "role": str(stream.role),
        "state": str(state_of(stream, health, now)),
        "detail": h.detail if alive else "",
        "url": stream.shown,
        "since": iso(h.since_ms, context.zone) if alive else None,
        "last_frame_age_s": max(0, now - h.last_frame_ms) / 1000 if h.last_frame_ms else None,
        "fps": h.fps if alive else 0.0,
        "kbit_s": h.kbit_s if alive else 0.0,
        "reconnects": h.reconnects,
        "clock_jumps": h.clock_jumps,
        "width": h.width,
        "height": h.height,
        "codec": h.codec,
    }


def _alarms(context: AppContext, streams: list[dict[str, Any]], running: bool, free: float) -> list[tuple[str, str]]:
    s = context.settings
    alarms = []
    if streams and not running:
        alarms.append(("recorder", "the recorder is not running: nothing is being recorded"))
    if any(stream["state"] == StreamState.DISK_FULL for stream in streams):
        alarms.append(("disk", f"recording has stopped: the disk is full ({free:.1f} GiB free)"))
    elif streams and free < _NEARLY_FULL * s.min_free_gib:
        alarms.append(("disk", f"the disk is nearly full: {free:.1f} GiB free, recording stops at {s.min_free_gib:g}"))
    silent = {stream["camera"] for stream in streams if stream["state"] != StreamState.RECORDING}
    if running and silent:
        cameras = {stream["camera"] for stream in streams}
        alarms.append(("cameras", f"{len(silent)} of {len(cameras)} cameras are not being recorded"))
    indexed = [stream for stream in streams if stream["lag_s"] is not None and stream["camera"] not in silent]
    late = [min(one["lag_s"], one["waiting_s"] + 2 * s.segment_s) for one in indexed]  # no outage of the camera
    if late and max(late) > s.max_lag_s + 2 * s.segment_s:
        alarms.append(("lag", f"the newest recordings are not indexed yet: {max(late):.0f} s behind"))
    return alarms
