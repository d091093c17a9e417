"""Live cameras: as they are now, their hours, and a picture of each."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import FileResponse

from api.accounts.visibility import check_camera
from api.composition import AppContext
from api.web.dependencies import PartsHere
from api.web.permissions import CameraSight, SightHere
from api.web.schemas.live import CoverageHoursOut, LiveOut
from api.web.schemas.search import problems
from search.coverage.accounting import HOUR_MS, CoverageHour, account, is_alive, state_of
from search.coverage.queries import CoverageQueries
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
def live(parts: PartsHere, sight: CameraSight) -> dict[str, Any]:
    """Every live stream as it is now, and what a person must see to."""
    now = now_ms()
    told = parts.catalog.recordings.health()
    running = any(is_alive(h, now) for h in told)
    streams = [stream for stream in _streams(parts, told, now) if sight.camera(stream["camera"])]
    backlog = CoverageQueries(parts.catalog.database).backlog(now)
    free = shutil.disk_usage(parts.settings.data_dir).free / _GIB
    return {
        "recorder": running,
        "alarms": [{"kind": kind, "text": text} for kind, text in _alarms(parts, streams, running, free)],
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
    parts: PartsHere,
    sight: CameraSight,
    from_: Annotated[When, Query(alias="from")] = None,
    to: When = None,
    camera: Annotated[list[str], Query(description="only these; all if none")] = [],  # noqa: B006 - FastAPI copies it
) -> dict[str, Any]:
    """What became of every second of the live cameras, by hour; of the last day where no time is given."""
    now = now_ms()
    end = now if to is None else _time(to, parts)
    start = end - DAY_MS if from_ is None else _time(from_, parts)
    Filter(cameras=tuple(camera), from_ms=start, to_ms=end)
    if end - start > MOST_DAYS * DAY_MS:
        cure = "ask for one month at a time"
        got = f"{(end - start) / DAY_MS:.1f} days"
        raise BadInput("the range is too long", got=got, expected=f"at most {MOST_DAYS} days", cure=cure)
    parts.catalog.cameras.check(camera, sight.cameras)
    if sight.cameras is not None:
        camera = camera or sorted(sight.cameras & {stream.camera_id for stream in parts.catalog.streams.indexed()})
        if not camera:
            return {"start": iso(start, parts.zone), "end": iso(end, parts.zone), "accounts": [], "totals": _totals([])}
    _check_amount(len(set(camera)) or len(parts.catalog.streams.indexed()), (end - start) / DAY_MS)
    lines = account(parts.catalog, start, end, now, camera)
    ends = [{"start": iso(line.start_ms, parts.zone), "end": iso(line.end_ms, parts.zone)} for line in lines]
    return {
        "start": iso(start, parts.zone),
        "end": iso(end, parts.zone),
        "accounts": [line.as_dict() | both for line, both in zip(lines, ends, strict=True)],
        "totals": _totals(lines),
    }


@router.head("/cameras/{camera}/now.jpg", include_in_schema=False)
@router.get("/cameras/{camera}/now.jpg", response_class=FileResponse, responses=problems(404, 503))
def picture_of_now(camera: str, parts: PartsHere, sight: SightHere) -> FileResponse:
    """A live camera's newest picture that was looked at; Last-Modified tells when it was taken."""
    check_camera(sight, check_camera_id(camera))
    path = parts.media.now_path(camera)
    if not path.is_file():
        raise NotFound(
            "there is no picture of this camera yet", got=camera, cure="wait until it is recorded and indexed"
        )
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-cache"})


def _totals(lines: Sequence[CoverageHour]) -> dict[str, Any]:
    """The sums of all lines, in seconds; they hold as those of each line do."""
    not_indexed, missing = Counter[str](), Counter[str]()
    for line in lines:
        not_indexed.update(line.not_indexed)
        missing.update(line.missing)
    total = CoverageHour("", 0, 0, sum(line.indexed_ms for line in lines), not_indexed, missing)
    return {name: value for name, value in total.as_dict().items() if name.endswith("_s")}


def _time(value: str, parts: AppContext) -> int:
    is_date = len(value) <= 8  # 20261123
    return int(value) if value.isdecimal() and not is_date else parse_time(value, parts.zone)


def _check_amount(cameras: int, days: float) -> None:
    if cameras * days > MOST_CAMERA_DAYS:
        raise BadInput(
            "that is too much to count at once",
            got=f"{cameras} cameras for {days:.1f} days",
            expected=f"at most {MOST_CAMERA_DAYS} days of all cameras together",
            cure="name fewer cameras (camera=ID), or a shorter range",
        )


def _streams(parts: AppContext, told: list[Health], now: int) -> list[dict[str, Any]]:
    health = {(h.camera_id, h.role): h for h in told}
    newest, waiting = (
        CoverageQueries(parts.catalog.database).newest_indexed(),
        CoverageQueries(parts.catalog.database).waiting(),
    )
    indexed = {(s.camera_id, s.role) for s in parts.catalog.streams.indexed()}
    streams = parts.catalog.streams.all()
    cameras = parts.catalog.streams.known(sorted({stream.camera_id for stream in streams}))
    found = []
    for stream in streams:
        key = (stream.camera_id, stream.role)
        known = _known(stream, health.get(key), parts, now)
        known |= {"name": cameras[stream.camera_id].camera.name, "lag_s": None, "waiting_s": 0.0, "now": None}
        if key in indexed:
            lag = max(0, now - newest.get(stream.camera_id, stream.since_ms)) / 1000
            waits = waiting.get(stream.camera_id, 0.0)
            known |= {"lag_s": lag, "waiting_s": waits, "now": _picture_address(stream.camera_id, parts)}
        found.append(known)
    return found


def _picture_address(camera_id: str, parts: AppContext) -> str | None:
    """Of the picture of now, another one for another picture; None: there is none."""
    taken = parts.media.now_taken(camera_id)
    if taken is None:
        return None
    return f"/api/cameras/{quote(camera_id, safe='')}/now.jpg?at={taken}"


def _known(stream: Stream, health: Health | None, parts: AppContext, now: int) -> dict[str, Any]:
    """What its recorder has told of a stream; of a dead one only what stays true."""
    h = health or Health(stream.camera_id, stream.role, StreamState.STOPPED)
    alive = is_alive(h, now)
    return {
        "camera": stream.camera_id,
        "role": str(stream.role),
        "state": str(state_of(stream, health, now)),
        "detail": h.detail if alive else "",
        "address": stream.shown,
        "since": iso(h.since_ms, parts.zone) if alive else None,
        "last_frame_age_s": max(0, now - h.last_frame_ms) / 1000 if h.last_frame_ms else None,
        "fps": h.fps if alive else 0.0,
        "kbit_s": h.kbit_s if alive else 0.0,
        "reconnects": h.reconnects,
        "clock_jumps": h.clock_jumps,
        "width": h.width,
        "height": h.height,
        "codec": h.codec,
    }


def _alarms(parts: AppContext, streams: list[dict[str, Any]], running: bool, free: float) -> list[tuple[str, str]]:
    s = parts.settings
    found = []
    if streams and not running:
        found.append(("recorder", "the recorder is not running: nothing is being recorded"))
    if any(stream["state"] == StreamState.DISK_FULL for stream in streams):
        found.append(("disk", f"recording has stopped: the disk is full ({free:.1f} GiB free)"))
    elif streams and free < _NEARLY_FULL * s.min_free_gib:
        found.append(("disk", f"the disk is nearly full: {free:.1f} GiB free, recording stops at {s.min_free_gib:g}"))
    silent = {stream["camera"] for stream in streams if stream["state"] != StreamState.RECORDING}
    if running and silent:
        cameras = {stream["camera"] for stream in streams}
        found.append(("cameras", f"{len(silent)} of {len(cameras)} cameras are not being recorded"))
    indexed = [stream for stream in streams if stream["lag_s"] is not None and stream["camera"] not in silent]
    late = [min(one["lag_s"], one["waiting_s"] + 2 * s.segment_s) for one in indexed]  # no outage of the camera
    if late and max(late) > s.max_lag_s + 2 * s.segment_s:
        found.append(("lag", f"the newest recordings are not indexed yet: {max(late):.0f} s behind"))
    return found
