"""Writes a stream's packets to closed files: stream copy into MP4 that survives being cut off while it is written.

A file is hidden and ends in `.part` until it is complete and on disk. Then it gets its name, and only then may it enter
the catalogue. While it is written it is fragmented (a kill costs at most the last second); when it is closed it becomes
an ordinary MP4 with its table of contents.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from search.catalog import segment_id
from search.types import Segment, StartSource, StreamRole

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

T = TypeVar("T")
PART = ".part"
_MP4 = {"movflags": "hybrid_fragmented+frag_keyframe", "frag_duration": "1000000", "video_track_timescale": "90000"}
_NAME = re.compile(r"\.?(\d{8}T\d{6}\.\d{3})Z(?:\.(main|sub))?(\.mp4|\.part)")
_MAX_REORDER_MS = 10_000


@dataclass(frozen=True, slots=True)
class StreamShape:
    """Codec and size of a file's frames: a file holds one shape only. `extradata` are the codec's parameter sets."""

    codec: str
    width: int
    height: int
    extradata: bytes = b""


@dataclass(frozen=True, slots=True)
class RecordingFolder:
    """The folder of a stream's files."""

    root: Path
    camera_id: str
    role: StreamRole

    def segment(self, file: Path, start_ms: int, duration_ms: int, size: tuple[int, int]) -> Segment:
        """Return the segment of a complete file, for the catalogue; `size` is (width, height).

        Unlike an imported recording, the same content at another time (a test picture) is another segment.
        """
        with file.open("rb") as f:
            sha256 = hashlib.file_digest(f, "sha256").hexdigest()
        return Segment(
            id=segment_id(self.camera_id, f"{self.role} {start_ms} {sha256}"),
            camera_id=self.camera_id,
            path=str(file.absolute()),
            sha256=sha256,
            size_bytes=file.stat().st_size,
            start_ms=start_ms,
            start_source=StartSource.RECORDER,
            duration_ms=duration_ms,
            width=size[0],
            height=size[1],
            role=self.role,
        )

    def file(self, start_ms: int, suffix: str) -> Path:
        """Return `root/CAMERA/DATE/HOUR/TIME[.sub]suffix`, UTC; a `.part` is hidden and always names its role."""
        at = datetime.fromtimestamp(start_ms / 1000, UTC)
        time = f"{at:%Y%m%dT%H%M%S}.{start_ms % 1000:03d}Z"
        role = f".{self.role}" if suffix == PART or self.role is StreamRole.SUB else ""
        name = f".{time}{role}{suffix}" if suffix == PART else f"{time}{role}{suffix}"
        return self.root / self.camera_id / f"{at:%Y-%m-%d}" / f"{at:%H}" / name


def read_name(path: Path) -> tuple[int, StreamRole] | None:
    """Return start (Unix ms) and role from a file's name; None if it is not a name of `RecordingFolder.file`."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    at = datetime.strptime(match[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    return round(at.timestamp() * 1000), StreamRole(match[2] or StreamRole.MAIN)


def files_below(folder: Path, levels: int) -> list[Path]:
    """Return what lies so many folders down, sorted. Retention and the uploader may remove empty folders meanwhile.

    Uses neither `glob`, which takes a folder that cannot be read for an empty one, nor `Path.glob`, which before Python
    3.13 raises when a folder is removed while it runs.

    Raises:
        OSError: a folder cannot be read.
    """
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [file for entry in entries for file in files_below(entry, levels - 1)] if levels else entries


class SegmentWriter:
    """One file that is being written. Times are ms on a clock of the caller's, from the first packet on.

    Args:
        folder: folder of the stream.
        stream: stream of the packets, whose parameters are copied.
        shape: shape of the frames; it may have changed since `stream` was opened.
        start_ms: Unix ms of the first packet, as far as is known.

    Raises:
        OSError: (all methods) the disk is full or cannot be written.
    """

    def __init__(self, folder: RecordingFolder, stream: VideoStream, shape: StreamShape, start_ms: int) -> None:
        import av

        self._folder = folder
        self._shape = shape
        self.part = folder.file(start_ms, PART)
        self._first: float | None = None
        self.packets = 0
        self._last_dts = -1
        self._ticks = float(1 / (1000 * (stream.time_base or Fraction(1, 90_000))))  # of the packets' clock, in a ms
        self._out = _in_its_folder(self.part, lambda: av.open(str(self.part), "w", format="mp4", options=_MP4))
        self._copy = self._out.add_stream_from_template(stream)
        if shape.extradata:
            self._copy.codec_context.extradata = shape.extradata
            self._copy.codec_context.width, self._copy.codec_context.height = shape.width, shape.height

    def write(self, packet: Packet[VideoStream], media_ms: float) -> None:
        """Add a packet, with new time stamps."""
        self._first = media_ms if self._first is None else self._first
        dts = max(self._last_dts + 1, round((media_ms - self._first) * self._ticks))
        ahead = 0 if packet.pts is None or packet.dts is None else packet.pts - packet.dts
        packet.pts = dts + (ahead if 0 <= ahead <= _MAX_REORDER_MS * self._ticks else 0)
        packet.dts = self._last_dts = dts
        packet.stream = self._copy
        self._out.mux(packet)
        self.packets += 1

    def close(self, start_ms: int, duration_ms: int) -> Segment:
        """Complete the file, sync it to the disk, rename it, and return its segment."""
        self._out.close()
        _sync(self.part)
        final = _free(self._folder.file(start_ms, ".mp4"))
        _in_its_folder(final, lambda: self.part.rename(final))
        _sync(final.parent)
        return self._folder.segment(final, start_ms, duration_ms, (self._shape.width, self._shape.height))

    def abandon(self) -> None:
        """Leave the file as it is, for `indexer.recorder.recovery`; the disk may be full."""
        import av

        with suppress(OSError, av.FFmpegError):
            self._out.close()


def parameter_sets(packet: Packet[VideoStream], codec: str) -> bytes:
    """Return the parameter sets (Annex B) at the start of a key packet; empty if it has none."""
    kinds = {"h264": (7, 8), "hevc": (32, 33, 34)}.get(codec)
    if kinds is None:
        return b""
    sets = b""
    for unit in _units(bytes(packet)):
        kind = unit[0] & 31 if codec == "h264" else (unit[0] >> 1) & 63
        if kind in kinds:
            sets += b"\0\0\0\1" + unit
        elif sets or kind < (6 if codec == "h264" else 32):
            break
    return sets


def _units(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B packet; none if it is not one."""
    if not data.startswith((b"\0\0\1", b"\0\0\0\1")):
        return
    at = data.find(b"\0\0\1") + 3
    while True:
        following = data.find(b"\0\0\1", at)
        unit = data[at:] if following < 0 else data[at:following].rstrip(b"\0")
        if unit:
            yield unit
        if following < 0:
            return
        at = following + 3


def _free(path: Path) -> Path:
    """Return the path, or that of a later millisecond if a clock that was set back made the file before."""
    while path.exists():
        known = read_name(path)
        assert known is not None  # noqa: S101 - made by RecordingFolder.file
        root = path.parents[3]
        path = RecordingFolder(root, path.parents[2].name, known[1]).file(known[0] + 1, ".mp4")
    return path


def _in_its_folder(path: Path, act: Callable[[], T]) -> T:
    """Call `act`, which needs the folder of `path`. Retention may remove an empty folder at the wrong moment."""
    for again in (True, False):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return act()
        except FileNotFoundError:
            if not again:
                raise
    raise AssertionError("not reached")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
