"""One connection to a stream: its packets become closed files, and the gap ledger accounts for the rest.

Nothing is decoded but, where the parameter sets change, one key packet for its size.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from indexer.recorder.connection import StreamFailure, size_of
from indexer.recorder.gap_ledger import GapLedger
from indexer.recorder.segment_writer import RecordingFolder, SegmentWriter, StreamShape, parameter_sets
from indexer.recorder.stream_status import StreamStatus
from indexer.recorder.timebase import PacketArrival, PlacedPacket, Timebase, WallClockAnchor, now
from search.stream_types import Reason, StreamState
from search.types import Segment

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

STEADY_S = 20.0  # of frames, after which a stream counts as sound again
_KEYLESS_FACTOR = 6  # files' lengths without a key frame, after which the connection fails


@dataclass(frozen=True, slots=True)
class SessionContext:
    """The parts of a session; all connections of one stream share them."""

    folder: RecordingFolder
    ledger: GapLedger
    status: StreamStatus
    publish: Callable[[Segment], None]  # takes a closed file
    has_room: Callable[[], bool]
    is_ending: Callable[[], bool]
    segment_s: float


class RecordingSession:
    """One connection, from its first packet to its failure or the recorder's end.

    Args:
        context: context of its stream.
        container: open.
        stream: its video.
    """

    def __init__(self, context: SessionContext, container: InputContainer, stream: VideoStream) -> None:
        self.was_steady = False
        """Whether frames came for `STEADY_S`."""
        self.has_lost_file = False
        """Whether a `.part` file could not be completed; `recovery.salvage_parts` does it later."""
        self._context = context
        self._container = container
        self._stream = stream
        codec = stream.codec_context
        self._shape = StreamShape(codec.name, stream.width, stream.height)
        self._sets = b""
        self._is_length_prefixed = bytes(codec.extradata or b"").startswith(b"\1")  # avcC or hvcC, as in FLV
        self._tick_ms = float(1000 * (stream.time_base or 0))
        self._timebase = Timebase()
        self._anchor = WallClockAnchor()
        self._writer: SegmentWriter | None = None
        self._first_ms = self._last_ms = 0.0
        self._began = time.monotonic()
        self._cut = False

    def run(self) -> None:
        """Record until the recorder ends.

        Raises:
            StreamFailure: the stream has ended, is silent, has no key frames, or the disk is full.
            av.FFmpegError: reading failed; its text may contain the password.
        """
        import av

        try:
            for packet in self._container.demux(self._stream):
                if not packet.size:
                    continue
                self._take(packet)
                if self._context.is_ending():
                    return
                if self._writer is None and not self._context.has_room():
                    raise StreamFailure(StreamState.DISK_FULL, "the disk is nearly full: recording waits for room")
            raise StreamFailure(StreamState.UNREACHABLE, "the camera has ended the stream")
        except av.error.ExitError:
            raise StreamFailure(StreamState.NO_FRAMES, "connected, but nothing comes") from None
        finally:
            self._finish(self._last_ms + self._timebase.step_ms)

    def _take(self, packet: Packet[VideoStream]) -> None:
        at = now()
        stamp = packet.dts if packet.dts is not None else packet.pts
        placed = self._timebase.place(None if stamp is None else stamp * self._tick_ms, at)
        self._count(packet, placed, at)
        if placed.gap and self._writer is not None:
            self._finish(self._last_ms + self._timebase.step_ms)
            self._context.ledger.trouble(Reason.NO_FRAMES, "frames stayed away", round(at.wall_ms))
        if packet.is_keyframe:
            self._at_key(packet, placed)
        self._anchor.saw(placed, at)
        if self._writer is not None:
            self._write(packet, placed)
        elif time.monotonic() - self._began > _KEYLESS_FACTOR * self._context.segment_s:
            raise StreamFailure(StreamState.NO_FRAMES, "no key frame comes; set the camera's key frame interval to 2 s")

    def _count(self, packet: Packet[VideoStream], placed: PlacedPacket, at: PacketArrival) -> None:
        self._context.status.packet(packet.size, round(at.wall_ms), placed.jumped)
        self.was_steady |= time.monotonic() - self._began > STEADY_S
        self._cut |= placed.restarted

    def _at_key(self, packet: Packet[VideoStream], placed: PlacedPacket) -> None:
        """End the file and begin the next one, where that is due."""
        changed = self._update_shape(packet)
        long = placed.media_ms - self._first_ms >= 1000 * self._context.segment_s - self._timebase.step_ms / 2
        full = not self._context.has_room()
        if self._writer is not None and (changed or long or self._cut or full):
            self._finish(placed.media_ms)
        if self._writer is None and not full:
            self._cut = False
            self._begin(placed)

    def _update_shape(self, packet: Packet[VideoStream]) -> bool:
        """Read a key packet's parameter sets, and return whether the frames change with it."""
        if self._is_length_prefixed:  # its parameter sets are beside the packets, and a new connection brings new ones
            return False
        sets = parameter_sets(packet, self._shape.codec)
        if not sets or sets == self._sets:
            return False
        size = size_of(packet, self._shape.codec)
        if size is None:  # damaged: its parameter sets are not to be trusted
            return False
        first, self._sets = not self._sets, sets
        if not first or sets not in bytes(self._stream.codec_context.extradata or b""):
            self._shape = StreamShape(self._shape.codec, *size, sets)
        return not first

    def _begin(self, placed: PlacedPacket) -> None:
        start_ms = self._anchor.provisional(placed.media_ms) or round(now().wall_ms)
        self._first_ms = placed.media_ms
        shape = self._shape
        self._writer = SegmentWriter(self._context.folder, self._stream, shape, start_ms)
        self._context.ledger.frames_from(start_ms)
        parameters = {"width": shape.width, "height": shape.height, "codec": shape.codec}
        self._context.status.change(StreamState.RECORDING, detail="", open_since_ms=start_ms, **parameters)

    def _write(self, packet: Packet[VideoStream], placed: PlacedPacket) -> None:
        import av

        assert self._writer is not None  # noqa: S101 - for the type checker
        try:
            self._writer.write(packet, placed.media_ms)
            self._last_ms = placed.media_ms
        except (OSError, av.FFmpegError) as e:
            self._lose(e)

    def _finish(self, end_ms: float) -> None:
        """Complete the file, if one is being written."""
        import av

        writer, self._writer = self._writer, None
        if writer is None:
            return
        if not writer.packets:
            writer.abandon()
            writer.part.unlink(missing_ok=True)
            return
        start_ms, drifted = self._anchor.settle(self._first_ms)
        try:
            segment = writer.close(start_ms, max(1, round(end_ms - self._first_ms)))
        except (OSError, av.FFmpegError) as e:
            self._writer = writer
            self._lose(e)
        if drifted:
            self._context.status.clock_jumped()
        self._context.publish(segment)

    def _lose(self, error: Exception) -> NoReturn:
        """Abandon the file, which is salvaged once there is room, and raise the `StreamFailure` that fits."""
        import av

        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()
            self.has_lost_file = True
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise StreamFailure(StreamState.DISK_FULL, "the disk is full") from None
        if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
            raise StreamFailure(StreamState.DISK_FULL, f"the recording cannot be written: {error.strerror}") from None
        raise StreamFailure(StreamState.UNREACHABLE, "the stream's packets cannot be stored") from None
