"""Joins the files that a recorder cut a stream into: the packets are copied, nothing is decoded."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import BadMedia, Unavailable
from search.media.containers import open_video
from search.media.timestamps import Timeline
from search.types import Segment

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_TICKS = 90  # of the joined file's clock, a millisecond
_OPTIONS = {"video_track_timescale": str(1000 * _TICKS)}

_REORDER_MS = 3000  # a packet may come so much later in a file than one that is shown after it

_UNDATED = 32  # packets without decoding time at the start of a file; codecs reorder at most 16 frames

_Shape = tuple[str, int, int, bytes]


def join_files(segments: Sequence[Segment], target: Path, end_ms: int, *, from_ms: int = 0) -> int:
    """Write `target`: the segments up to `end_ms`, on the clock of their starts. Return its first moment.

    Time between two files stays a gap. A file that cannot be read is left out. A file whose frames have another codec,
    size or parameter sets is the end: one clip cannot show both.

    Args:
        segments: segments of one stream, by start.
        target: a file that does not exist; MP4, or Matroska where it is called ``.mkv``.
        end_ms: Unix ms; later frames are not copied.
        from_ms: Unix ms; nothing is copied before the last key frame of the first file up to then.

    Returns:
        Unix ms of the first frame in `target`.

    Raises:
        BadMedia: none of the files can be read, or they cannot be joined.
        Unavailable: there is no room.
    """
    with _written(target) as out:
        joined = _Joined(out, end_ms)
        failure: BadMedia | None = None
        for segment in segments:
            try:
                skipped = 0 if joined.is_begun else _packets_before(segment, from_ms)
                with open_video(Path(segment.path)) as (container, stream):
                    if not joined.add(segment, container, stream, skipped):
                        break
            except BadMedia as e:
                failure = failure or e
                log.warning("left out of a clip: %s", e)
        if joined.start_ms is None:
            raise failure or BadMedia("there is nothing to join", reason="missing", got=target)
        return joined.start_ms


@contextmanager
def _written(target: Path) -> Iterator[OutputContainer]:
    import av

    mp4 = target.suffix != ".mkv"
    try:
        with av.open(
            str(target.absolute()), "w", format="mp4" if mp4 else "matroska", options=_OPTIONS if mp4 else {}
        ) as out:
            yield out
    except av.FFmpegError as e:
        if e.errno == errno.ENOSPC:
            cure = "free some disk space in the data folder"
            raise Unavailable("there is no room for the clip", cure=cure) from None
        raise BadMedia("the recordings cannot be joined", reason="undecodable", got=f"{target}: {e}") from None


class _Joined:
    """An MP4 that grows by one file after the other."""

    def __init__(self, out: OutputContainer, end_ms: int) -> None:
        self._out = out
        self._end_ms = end_ms
        self._copy: VideoStream | None = None
        self._shape: _Shape | None = None
        self._shown_until = 0  # on the joined clock, in ticks
        self._last_dts: int | None = None
        self.start_ms: int | None = None
        """Unix ms of the first file that has frames."""

    @property
    def is_begun(self) -> bool:
        """Return whether it has frames."""
        return self.start_ms is not None

    def add(self, segment: Segment, container: InputContainer, stream: VideoStream, skipped: int = 0) -> bool:
        """Copy a file's packets but the first `skipped` ones; return False if its shape is another one."""
        shape = _shape(stream)
        if self._copy is None:
            self._copy, self._shape = self._out.add_stream_from_template(stream), shape
        elif shape != self._shape:
            return False
        timeline = Timeline(container, stream)
        ticks_per_s = 1 / Fraction(stream.time_base or Fraction(1, 1000))
        dated = _restamp(timeline, round(timeline.step_ms * ticks_per_s / 1000))
        packets: Iterator[Packet[VideoStream]] = islice(dated, skipped, None)
        key = next(packets, None) if skipped else None
        first_pts, late_ms = timeline.first_pts, 0
        if key is not None:  # frames that are shown before it need packets that were skipped
            first_pts = key.pts or 0
            late_ms = timeline.offset_ms(first_pts)
            shown_later = (packet for packet in packets if (packet.pts or 0) >= first_pts)
            packets = chain([key], shown_later)
        start_ms = segment.start_ms + late_ms if self.start_ms is None else self.start_ms
        # Clocks are steered by some milliseconds, so that a file may seem to begin before the last one has ended.
        first = max((segment.start_ms + late_ms - start_ms) * _TICKS, self._shown_until)
        last = (self._end_ms - start_ms) * _TICKS
        scale = Fraction(stream.time_base or Fraction(1, 1000)) * 1000 * _TICKS
        for packet in packets:
            pts = first + round(((packet.pts or 0) - first_pts) * scale)
            delay = 0 if packet.dts is None else round(((packet.pts or 0) - packet.dts) * scale)
            if pts - delay > last:
                break
            if packet.size:
                self.start_ms = start_ms
                self._put(packet, self._copy, pts, pts - delay)
                self._shown_until = max(self._shown_until, pts + round(timeline.step_ms * _TICKS))
        return True

    def _put(self, packet: Packet[VideoStream], copy: VideoStream, pts: int, dts: int) -> None:
        dts = dts if self._last_dts is None else max(dts, self._last_dts + 1)
        packet.pts, packet.dts, packet.time_base = max(pts, dts), dts, Fraction(1, 1000 * _TICKS)
        packet.stream = copy
        self._last_dts = dts
        self._out.mux(packet)


def _restamp(packets: Iterable[Packet[VideoStream]], step: int) -> Iterator[Packet[VideoStream]]:
    """Yield the packets; the first ones get missing decoding times, as in Matroska, `step` ticks apart."""
    held: list[Packet[VideoStream]] = []
    rest = iter(packets)
    for packet in rest:
        held.append(packet)
        if packet.dts is not None or len(held) >= _UNDATED:
            break
    if held and held[-1].dts is not None:
        for before, packet in enumerate(reversed(held)):
            packet.dts = held[-1].dts - before * step
    yield from held
    yield from rest


def _packets_before(segment: Segment, from_ms: int) -> int:
    """Count the packets of a file before its last key frame up to `from_ms`; 0 if there is none."""
    if from_ms <= segment.start_ms:
        return 0
    count = 0
    with open_video(Path(segment.path)) as (container, stream):
        timeline = Timeline(container, stream)
        for number, packet in enumerate(timeline):
            offset_ms = timeline.offset_ms(packet.pts or 0)
            if packet.is_keyframe and segment.start_ms + offset_ms <= from_ms:
                count = number
            if segment.start_ms + offset_ms > from_ms + _REORDER_MS:
                break
    return count


def _shape(stream: VideoStream) -> _Shape:
    """Return what must be the same in files that are joined."""
    codec = stream.codec_context
    return codec.name, stream.width, stream.height, bytes(codec.extradata or b"")
