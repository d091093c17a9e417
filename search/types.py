"""The words of the domain, as frozen types that check themselves once, when they are made.

Times are integer milliseconds since 1970-01-01 UTC. Boxes are pixel `xyxy` with x2, y2 exclusive. Images are
`uint8 (H, W, 3)` RGB. Vectors are `float32 (n, dim)` of unit length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

Image = NDArray[np.uint8]
"""`uint8 (H, W, 3)`, RGB."""
Vectors = NDArray[np.float32]
"""`float32 (n, dim)`, each row of unit length."""

MAX_TIME_MS = 4_102_444_800_000  # 2100-01-01: later than this is a mistake, not a recording
_CAMERA_ID = re.compile(r"[\w][\w .:@#()+-]{0,63}", re.UNICODE)


class RowKind(StrEnum):
    """The kinds of rows in the vector store."""

    PERSON = "person"
    FRAME = "frame"


class Verdict(StrEnum):
    """Confidence in an answer, measured against the index's own calibration."""

    MATCH = "match"
    MAYBE = "maybe"
    NOTHING = "nothing"


class StartSource(StrEnum):
    """The source of a file's wall-clock start."""

    GIVEN = "given"
    CONTAINER = "container creation time"
    FILENAME = "time in the file name"
    MTIME = "file modification time"
    RECORDER = "recorder's clock"


class SegmentState(StrEnum):
    """The state of a segment on its way into the index.

    `KEPT` is evidence that is not indexed, because another stream of its camera is. `DELETING` is on its way out.
    `UPLOADING` is recorded, and on its way from the recorder's disk to the storage of media.
    """

    UPLOADING = "uploading"
    PENDING = "pending"
    LEASED = "leased"
    INDEXED = "indexed"
    SKIPPED = "skipped"
    KEPT = "kept"
    DELETING = "deleting"


def check_camera_id(camera_id: str) -> str:
    """Return `camera_id`, or raise `BadInput` if it could not be a camera's name.

    Letters and digits of any script, and ``_ . : @ # ( ) + -`` and spaces inside; at most 64 characters. Quotes
    and backslashes are refused: they have no use in a name and are how filters are broken.
    """
    if not _CAMERA_ID.fullmatch(camera_id) or camera_id != camera_id.strip():
        raise BadInput(
            "not a usable camera id",
            got=repr(camera_id),
            expected="1 to 64 letters, digits, spaces or _ . : @ # ( ) + -, starting with a letter or digit",
            cure="rename the folder or pass --camera ID",
        )
    return camera_id


def check_time_ms(value: int, what: str) -> int:
    """Return `value`, or raise `BadInput` if it is no time between 1970 and 2100 in milliseconds."""
    if not 0 <= value <= MAX_TIME_MS:
        raise BadInput(f"{what} is out of range", got=value, expected="Unix milliseconds between 1970 and 2100")
    return value


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of its frame; x2 and y2 are exclusive."""

    x1: int
    y1: int
    x2: int
    y2: int

    def __post_init__(self) -> None:
        if not (0 <= self.x1 < self.x2 and 0 <= self.y1 < self.y2):
            raise BadInput("not a box", got=self.xyxy, expected="0 <= x1 < x2 and 0 <= y1 < y2")

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """Return (x1, y1, x2, y2)."""
        return (self.x1, self.y1, self.x2, self.y2)

    @property
    def width(self) -> int:
        """Return pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        """Return pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> int:
        """Return square pixels."""
        return self.width * self.height

    def iou(self, other: Box) -> float:
        """Return the intersection over union, 0 to 1."""
        w = min(self.x2, other.x2) - max(self.x1, other.x1)
        h = min(self.y2, other.y2) - max(self.y1, other.y1)
        if w <= 0 or h <= 0:
            return 0.0
        return w * h / (self.area + other.area - w * h)

    def crop(self, image: Image) -> Image:
        """Return the part of `image` (H, W, 3) inside the box, as a view (h, w, 3)."""
        return image[self.y1 : self.y2, self.x1 : self.x2]


@dataclass(frozen=True, slots=True)
class Camera:
    """A fixed viewpoint. `clock_offset_ms` is added to its recordings' times to get true UTC."""

    id: str
    name: str = ""
    district: str = ""
    lat: float | None = None
    lon: float | None = None
    clock_offset_ms: int = 0

    def __post_init__(self) -> None:
        check_camera_id(self.id)
        for value, limit, what in ((self.lat, 90.0, "latitude"), (self.lon, 180.0, "longitude")):
            if value is not None and not -limit <= value <= limit:
                raise BadInput(f"{what} of camera {self.id} is out of range", got=value, expected=f"±{limit:g}")
        if (self.lat is None) != (self.lon is None):
            raise BadInput(f"camera {self.id} has only one of lat and lon", cure="give both or neither")


class StreamRole(StrEnum):
    """The origin of a segment: an imported file, or one of a camera's live streams.

    Where a camera has both, `SUB` is indexed while `MAIN` is only kept.
    """

    FILE = "file"
    MAIN = "main"
    SUB = "sub"


@dataclass(frozen=True, slots=True)
class Segment:
    """One closed media file of one camera: the unit of work, retry, retention and re-index.

    `id` is derived from the camera and the file's content (`segment_id`), so the same recording is
    the same segment wherever it lies. `start_ms` already contains the camera's clock offset. `attempt` counts how often
    it was leased: from the second time on, rows of an earlier attempt may be there.
    """

    id: str
    camera_id: str
    path: str
    sha256: str
    size_bytes: int
    start_ms: int
    start_source: StartSource
    duration_ms: int = 0
    width: int = 0
    height: int = 0
    attempt: int = 0
    role: StreamRole = StreamRole.FILE

    def __post_init__(self) -> None:
        check_camera_id(self.camera_id)
        check_time_ms(self.start_ms, "segment start")

    @property
    def end_ms(self) -> int:
        """Return the end, exclusive; equal to the start while the duration is not known."""
        return self.start_ms + self.duration_ms


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame; it never leaves the worker. `offset_ms` counts from the file's first frame."""

    image: Image
    offset_ms: int


@dataclass(frozen=True, slots=True)
class Detection:
    """A person's box in one frame; `score` in 0..1 is the detector's own."""

    box: Box
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the vector store without its vector: a whole frame, or a representative crop of a track.

    `time_ms` is when the frame was taken; `start_ms`..`end_ms` is the life of the track it stands for (equal to
    `time_ms` for a frame). `box` is in pixels of a `frame_width` x `frame_height` frame.
    """

    id: str
    camera_id: str
    segment_id: str
    kind: RowKind
    track: int
    time_ms: int
    start_ms: int
    end_ms: int
    box: Box
    frame_width: int
    frame_height: int

    def __post_init__(self) -> None:
        check_camera_id(self.camera_id)
        for value in (self.time_ms, self.start_ms, self.end_ms):
            check_time_ms(value, "row time")
        if not self.start_ms <= self.time_ms <= self.end_ms:
            raise BadInput("row time outside its track", got=(self.start_ms, self.time_ms, self.end_ms))


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that answered. `score` is the raw cosine until ranking puts it on the common scale."""

    row: Row
    score: float


@dataclass(frozen=True, slots=True)
class Window:
    """Some cameras during some time: `from_ms` <= t < `to_ms`. Never without cameras."""

    cameras: tuple[str, ...]
    from_ms: int
    to_ms: int

    def __post_init__(self) -> None:
        if not self.cameras:
            raise BadInput("a window names no camera", expected="at least one")
        for camera in self.cameras:
            check_camera_id(camera)
        _check_range(self.from_ms, self.to_ms)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on rows, evaluated inside the vector search. Empty `cameras`, `kinds` or `windows` means all.

    A row answers when its track's life overlaps `start_ms` <= t < `end_ms`, and at least one of `windows`, and its
    camera is none of `without`.
    """

    cameras: tuple[str, ...] = ()
    kinds: tuple[RowKind, ...] = ()
    start_ms: int | None = None
    end_ms: int | None = None
    without: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        for camera in (*self.cameras, *self.without):
            check_camera_id(camera)
        _check_range(self.start_ms, self.end_ms)


def _check_range(from_ms: int | None, to_ms: int | None) -> None:
    for value, what in ((from_ms, "from"), (to_ms, "to")):
        if value is not None:
            check_time_ms(value, what)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise BadInput(
            "the time range ends before it starts",
            got=f"{from_ms} to {to_ms}",
            expected="from earlier than to",
            cure="swap the two times",
        )


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of video to watch: near hits of one recording, joined. `best` is its best moment.

    A live camera's recording has many segments: `segment_id` is the one in which the clip begins.
    """

    camera_id: str
    segment_id: str
    start_ms: int
    end_ms: int
    best: Hit
    hits: tuple[Hit, ...]
    verdict: Verdict = Verdict.MAYBE
    reach: float = 0.0

    @property
    def id(self) -> str:
        """Return the id of the clip: that of its best row, by which it is marked and found again."""
        return self.best.row.id

    @property
    def looks(self) -> float:
        """Return the best hit's score on the common scale."""
        return self.best.score

    @property
    def score(self) -> float:
        """Return `looks` plus `reach` (<= 0), which is low where the person can hardly have got there by then."""
        return self.looks + self.reach


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """The result of indexing a segment. Every frame is counted: ``seen == indexed + sum(skipped.values())``.

    `seconds` is the worker's time by part (decode, detect, embed, write).
    """

    segment: Segment
    state: SegmentState
    seen: int = 0
    indexed: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    reason: str = ""
    message: str = ""
    cure: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.seen != self.indexed + sum(self.skipped.values()):
            raise BadInput(
                "frames unaccounted for",
                got=f"seen {self.seen}, indexed {self.indexed}, skipped {dict(self.skipped)}",
                expected="seen = indexed + skipped",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, without the segment."""
        return {
            "state": self.state.value,
            "seen": self.seen,
            "indexed": self.indexed,
            "skipped": dict(self.skipped),
            "rows": self.rows,
            "reason": self.reason,
            "message": self.message,
            "cure": self.cure,
        }


def is_address(path: str) -> bool:
    """Return whether a recording lies on object storage, rather than in a file."""
    return path.startswith("s3://")
