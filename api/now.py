"""Live cameras at this moment: what `/api/live` and `/metrics` tell, read from the catalogue alone.

So it is the same whether the recorder runs in this process, in another one, or no longer.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.parts import Parts
from search.coverage import DEAD_MS
from search.live import Health, Reason, Stream, StreamState
from search.live_catalog import Backlog

LATE_S = 60.0  # the oldest recording that waits may be so old, or twice the limit of the setting, before it is an alarm
_GIB = 2**30
_FINE = (StreamState.RECORDING, StreamState.CONNECTING)


@dataclass(frozen=True, slots=True)
class StreamNow:
    """One stream; `health` is the last word of its recorder, which is old where none runs any more (None: never one).

    `lag_ms` is how far the newest indexed moment lies behind (None: the stream is only kept), `waiting_s` what of it
    waits for the indexer.
    """

    stream: Stream
    health: Health | None
    is_fresh: bool
    lag_ms: int | None
    waiting_s: float

    @property
    def state(self) -> str:
        """A `StreamState`, or that no recorder runs."""
        return str(self.health.state if self.health and self.is_fresh else Reason.NOT_RUNNING)

    @property
    def is_fine(self) -> bool:
        """Whether nobody need look after it."""
        return self.state in _FINE

    @property
    def is_up(self) -> bool:
        """Whether its pictures arrive and are written."""
        return self.state == StreamState.RECORDING


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must mend. `kind` is a stable word, `text` a sentence, `value` the number in it."""

    kind: str
    text: str
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Now:
    """All live cameras; `told_ms` is when a recorder last told anything (0: never)."""

    time_ms: int
    told_ms: int
    backlog: Backlog
    free_bytes: int
    streams: Sequence[StreamNow] = field(default=())
    alarms: Sequence[Alarm] = field(default=())

    @property
    def is_running(self) -> bool:
        """Whether a recorder runs."""
        return self.time_ms - self.told_ms <= DEAD_MS


def look(parts: Parts, now_ms: int) -> Now:
    """Everything about the live cameras, by camera and role.

    Raises:
        Unavailable: the catalogue does not answer.
    """
    live = parts.live
    health = {(h.camera_id, h.role): h for h in live.health()}
    indexed = {(s.camera_id, s.role) for s in live.indexed_streams()}
    newest, waiting = live.newest_indexed(), live.waiting()
    streams = []
    for stream in live.streams():
        key = (stream.camera_id, stream.role)
        lag = max(0, now_ms - newest.get(stream.camera_id, stream.since_ms)) if key in indexed else None
        waits = waiting.get(stream.camera_id, 0.0) if key in indexed else 0.0
        streams.append(StreamNow(stream, health.get(key), _is_fresh(health.get(key), now_ms), lag, waits))
    told = max((h.updated_ms for h in health.values()), default=0)
    found = Now(now_ms, told, live.backlog(now_ms), _free(parts.settings.recordings_dir), streams)
    return Now(found.time_ms, told, found.backlog, found.free_bytes, streams, alarms(found, parts.settings.max_lag_s))


def alarms(now: Now, max_lag_s: float) -> list[Alarm]:
    """What is wrong, the worst first; nothing where no camera is live."""
    if not now.streams:
        return []
    states = [one.state for one in now.streams]
    found = []
    full, down = states.count(StreamState.DISK_FULL), sum(not one.is_fine for one in now.streams)
    if full:
        free = now.free_bytes / _GIB
        found.append(Alarm("disk full", f"recording stopped: disk full, {free:.1f} GiB free", round(free, 1)))
    if not now.is_running:
        found.append(Alarm("not running", "the recorder is not running: nothing is recorded", len(states)))
    elif down > full:
        found.append(Alarm("down", f"{down - full} of {len(states)} streams are not recorded", down - full))
    age_s = 0.0 if now.backlog.oldest_ms is None else (now.time_ms - now.backlog.oldest_ms) / 1000
    if age_s > max(LATE_S, 2 * max_lag_s):
        waits = f"{now.backlog.seconds:.0f} s wait, the oldest since {age_s:.0f} s"
        found.append(Alarm("behind", f"indexing is behind: recordings of {waits}", round(age_s)))
    return found


def in_order(streams: Sequence[StreamNow]) -> list[StreamNow]:
    """Troubled ones first, else as they were."""
    return sorted(streams, key=lambda one: (one.is_fine, not one.is_up))


def missing_first(reasons: Mapping[str, float]) -> list[tuple[str, float]]:
    """Reasons and seconds, the longest first."""
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))


def _is_fresh(health: Health | None, now_ms: int) -> bool:
    return health is not None and now_ms - health.updated_ms <= DEAD_MS


def _free(folder: Path) -> int:
    """Bytes; of the nearest folder above that is there."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free
