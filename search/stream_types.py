"""The words of live recording: streams, gaps, and what became of every second. Frozen types, as in `search.types`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from search.errors import BadInput
from search.types import StreamRole, check_camera_id, check_time_ms

JOIN_MS = 500
"""Recordings that lie no further apart are one: clocks are steered by a few milliseconds, and frames are 40 apart."""

Point = tuple[float, float]
"""(x, y) as shares of the frame's width and height, 0 to 1."""
Polygon = tuple[Point, ...]


class Reason(StrEnum):
    """The reason why a second is not recorded or not indexed."""

    NOT_RUNNING = "recorder not running"
    NOT_CONNECTED = "not connected"
    REFUSED = "wrong password"
    NO_FRAMES = "no frames"
    CLOCK_JUMP = "clock jump"
    DISK_FULL = "disk full"
    NOT_YET = "not recorded yet"
    DELETED = "deleted by retention"
    WAITING = "waiting"
    UNDECODABLE = "undecodable"
    UNEXPLAINED = "unexplained"


class StreamState(StrEnum):
    """The state of a stream at its recorder."""

    CONNECTING = "connecting"
    RECORDING = "recording"
    NO_FRAMES = "no frames"
    REFUSED = "wrong password"
    NOT_FOUND = "wrong address"
    UNREACHABLE = "unreachable"
    DISK_FULL = "disk full"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Stream:
    """One address of a camera that is to be recorded, since `since_ms`. `sealed` is not readable without the key.

    `shown` is the address without what is secret in it.
    """

    camera_id: str
    role: StreamRole
    sealed: str = field(repr=False)
    shown: str
    since_ms: int

    def __post_init__(self) -> None:
        check_camera_id(self.camera_id)
        check_time_ms(self.since_ms, "start of recording")


@dataclass(frozen=True, slots=True)
class Gap:
    """A range of a stream that was to be recorded and was not; `end_ms` is exclusive."""

    camera_id: str
    role: StreamRole
    start_ms: int
    end_ms: int
    reason: Reason
    detail: str = ""

    def __post_init__(self) -> None:
        if self.end_ms < self.start_ms:
            raise BadInput("the gap ends before it starts", got=f"{self.start_ms} to {self.end_ms}")


@dataclass(frozen=True, slots=True)
class Health:
    """One stream as its recorder sees it. Times are Unix ms; `last_frame_ms` is 0 before the first frame.

    `open_since_ms` is where the file that is being written begins (0: none): recorded, and not yet in the catalogue.
    """

    camera_id: str
    role: StreamRole
    state: StreamState
    detail: str = ""
    since_ms: int = 0
    last_frame_ms: int = 0
    open_since_ms: int = 0
    fps: float = 0.0
    kbit_s: float = 0.0
    reconnects: int = 0
    clock_jumps: int = 0
    width: int = 0
    height: int = 0
    codec: str = ""
    updated_ms: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one camera: `keep_days` of recordings (None: the setting), and masks that blacken its frames."""

    camera_id: str
    keep_days: float | None = None
    masks: Sequence[Polygon] = ()

    def __post_init__(self) -> None:
        check_camera_id(self.camera_id)
        if self.keep_days is not None and not 0 < self.keep_days <= 36_500:
            raise BadInput("days to keep are out of range", got=self.keep_days, expected="above 0, at most 36500")
        for polygon in self.masks:
            if len(polygon) < 3 or not all(0 <= v <= 1 for point in polygon for v in point):
                raise BadInput(
                    "not a mask",
                    got=" ".join(f"{x:g},{y:g}" for x, y in polygon),
                    expected="three or more points x,y, each a share of the frame from 0 to 1",
                    cure='for instance --mask "0,0 0.5,0 0.5,0.4 0,0.4"',
                )


@dataclass(frozen=True, slots=True)
class Hold:
    """A range that retention must not delete, for one camera or all (`camera_id` empty), and its reason."""

    id: int
    camera_id: str
    start_ms: int
    end_ms: int
    why: str

    def __post_init__(self) -> None:
        if self.camera_id:
            check_camera_id(self.camera_id)
        check_time_ms(self.start_ms, "start of the hold")
        check_time_ms(self.end_ms, "end of the hold")
        if self.start_ms >= self.end_ms:
            raise BadInput("the hold ends before it starts", got=f"{self.start_ms} to {self.end_ms}")


DEAD_MS = 15_000
LIVE_ROLES = (StreamRole.MAIN.value, StreamRole.SUB.value)


LONGEST_LIVE_MS = 600_000  # no recorded file is longer; it may be asked about by its start
