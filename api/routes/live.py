"""Live cameras: as they are now, their hours, and a picture of each."""

from __future__ import annotations

import shutil
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import FileResponse

from api.live_schemas import AccountsOut, LiveOut
from api.parts import Parts
from api.routes.common import PartsHere
from api.schemas import problems
from search.catalog import now_ms
from search.coverage import DEAD_MS, HOUR_MS, account
from search.errors import BadInput, NotFound
from search.live import Health, Reason, Stream, StreamState
from search.times import iso, parse_time
from search.types import Filter, check_camera_id

DAY_MS = 24 * HOUR_MS
MOST_DAYS = 31
_GIB = 2**30
_NEARLY_FULL = 1.5  # times the least free space: time to see to it

router = APIRouter(prefix="/api", tags=["live"])
When = Annotated[str | None, Query(description="ISO 8601 (without a zone: the server's) or Unix milliseconds")]


@router.get("/live", response_model=LiveOut, responses=problems(503))
def live(parts: PartsHere) -> dict[str, Any]:
    """Every live stream as it is now, and what a person must see to."""
    now = now_ms()
    told = parts.live.health()
    running = any(now - health.updated_ms <= DEAD_MS and health.state is not StreamState.STOPPED for health in told)
    streams = _streams(parts, told, now, running)
    backlog = parts.live.backlog(now)
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


@router.get("/coverage", response_model=AccountsOut, responses=problems(404, 503))
def coverage(
    parts: PartsHere,
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
        raise BadInput("the range is too long", got=f"{(end - start) / DAY_MS:.0f} days", expected=f"{MOST_DAYS} days")
    parts.catalog.check_cameras(camera)
    lines = account(parts.live, start, end, now, camera)
    ends = [{"start": iso(line.start_ms, parts.zone), "end": iso(line.end_ms, parts.zone)} for line in lines]
    return {
        "start": iso(start, parts.zone),
        "end": iso(end, parts.zone),
        "accounts": [line.as_dict() | both for line, both in zip(lines, ends, strict=True)],
    }


@router.head("/cameras/{camera}/now.jpg", include_in_schema=False)
@router.get("/cameras/{camera}/now.jpg", response_class=FileResponse, responses=problems(404, 503))
def picture_of_now(camera: str, parts: PartsHere) -> FileResponse:
    """A live camera's newest picture that was looked at; Last-Modified tells when it was taken."""
    path = parts.media.now_path(check_camera_id(camera))
    if not path.is_file():
        raise NotFound(
            "there is no picture of this camera yet", got=camera, cure="wait until it is recorded and indexed"
        )
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-cache"})


def _time(value: str, parts: Parts) -> int:
    return int(value) if value.isdecimal() else parse_time(value, parts.zone)


def _streams(parts: Parts, told: list[Health], now: int, running: bool) -> list[dict[str, Any]]:
    health = {(h.camera_id, h.role): h for h in told}
    names = {camera.id: camera.name for camera in parts.catalog.cameras()}
    newest = parts.live.newest_indexed()
    indexed = {(s.camera_id, s.role) for s in parts.live.indexed_streams()}
    found = []
    for stream in parts.live.streams():
        key = (stream.camera_id, stream.role)
        lag = None if key not in indexed else (now - newest.get(stream.camera_id, stream.since_ms)) / 1000
        picture = (
            f"/api/cameras/{stream.camera_id}/now.jpg" if parts.media.now_path(stream.camera_id).exists() else None
        )
        known = _known(stream, health.get(key), parts, now, running)
        found.append(known | {"name": names[stream.camera_id], "lag_s": lag, "now": picture})
    return found


def _known(stream: Stream, health: Health | None, parts: Parts, now: int, running: bool) -> dict[str, Any]:
    """What the recorder has told of a stream; a dead one's words are old."""
    state = Reason.NOT_YET if health is None else health.state if running else Reason.NOT_RUNNING
    h = health or Health(stream.camera_id, stream.role, StreamState.STOPPED)
    alive = running and health is not None
    return {
        "camera": stream.camera_id,
        "role": str(stream.role),
        "state": str(state),
        "detail": h.detail if alive else "",
        "address": stream.shown,
        "since": iso(h.since_ms, parts.zone) if alive else None,
        "last_frame_age_s": (now - h.last_frame_ms) / 1000 if h.last_frame_ms else None,
        "fps": h.fps if alive else 0.0,
        "kbit_s": h.kbit_s if alive else 0.0,
        "reconnects": h.reconnects,
        "clock_jumps": h.clock_jumps,
        "width": h.width,
        "height": h.height,
        "codec": h.codec,
    }


def _alarms(parts: Parts, streams: list[dict[str, Any]], running: bool, free: float) -> list[tuple[str, str]]:
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
    late = [stream["lag_s"] for stream in streams if stream["lag_s"] is not None and stream["camera"] not in silent]
    if late and max(late) > s.max_lag_s + 2 * s.segment_s:
        found.append(("lag", f"the newest recordings are not indexed yet: {max(late):.0f} s behind"))
    return found
