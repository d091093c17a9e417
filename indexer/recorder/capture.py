"""Records one live stream, for ever: connects, writes closed files, and accounts for every moment.

One thread a stream, which spends its time waiting for the network; nothing is decoded.
"""

from __future__ import annotations

import errno
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from indexer.recorder.connection import StreamFailure, meaning_of, opened, size_of, video_of
from indexer.recorder.gap_ledger import GapLedger
from indexer.recorder.recovery import salvage_parts
from indexer.recorder.segment_writer import RecordingFolder, SegmentWriter, StreamShape, parameter_sets
from indexer.recorder.timebase import PacketArrival, PlacedPacket, Timebase, WallClockAnchor, now
from search.catalog.recordings import RecorderUpdate
from search.config import Settings
from search.errors import XunrenError
from search.stream_types import Health, Reason, Stream, StreamState
from search.types import SegmentState

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
STEADY_S = 20.0  # of frames, after which a stream counts as sound again
_KEYLESS_FACTOR = 6  # files' lengths without a key frame, after which the stream is called to account

_REASONS = {
    StreamState.REFUSED: Reason.REFUSED,
    StreamState.NO_FRAMES: Reason.NO_FRAMES,
    StreamState.DISK_FULL: Reason.DISK_FULL,
}


@dataclass(slots=True)
class RecorderContext:
    """What all streams of a recorder share."""

    settings: Settings
    outbox: Callable[[RecorderUpdate], None]
    turn: Callable[[], float]  # seconds to wait before connecting, so that not all do it at once
    has_room: Callable[[], bool]
    stop: threading.Event = field(default_factory=threading.Event)


class Capture:
    """One stream's recording.

    Args:
        stream: what is recorded.
        address: gives the address in clear.
        state: that complete files get in the catalogue.
        account: of the stream's time.
        around: shared with the other streams.
    """

    def __init__(
        self,
        stream: Stream,
        address: Callable[[], str],
        state: SegmentState,
        account: GapLedger,
        around: RecorderContext,
    ) -> None:
        self.stream = stream
        self.account = account
        self.alive_at = time.monotonic()
        self.frames = 0
        self.bytes = 0
        self._address = address
        self._state = state
        self._around = around
        self._settings = around.settings
        self._place = RecordingFolder(around.settings.recordings_dir, stream.camera_id, stream.role)
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._health = Health(stream.camera_id, stream.role, StreamState.CONNECTING, since_ms=round(now().wall_ms))
        self._last_frame_ms = 0
        self._clock_jumps = 0
        self._failures = 0
        self._lost = False
        self._thread = threading.Thread(target=self._run, name=f"record-{stream.camera_id}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def leave(self) -> None:
        """Complete the file that is being written, and end; `join` waits for it."""
        self._gone.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end. Returns whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def health(self) -> Health:
        """As it is now. A stream whose frames have stayed away is told so at once, before its connection fails."""
        with self._lock:
            found = replace(self._health, last_frame_ms=self._last_frame_ms, clock_jumps=self._clock_jumps)
        age_ms = now().wall_ms - found.last_frame_ms
        if found.state is StreamState.RECORDING and age_ms > 1000 * self._settings.stream_timeout_s:
            return replace(found, state=StreamState.NO_FRAMES, detail="connected, but nothing comes")
        return found

    def saw(self, size: int, time_ms: int, jumped: bool) -> None:
        """A packet of `size` bytes has come."""
        self.alive_at = time.monotonic()
        self.frames += 1
        self.bytes += size
        self._last_frame_ms = time_ms
        self._clock_jumps += jumped

    # the thread ----------------------------------------------------------------------------------------------

    @property
    def _ending(self) -> bool:
        return self._gone.is_set() or self._around.stop.is_set()

    def _run(self) -> None:
        try:
            while not self._ending:
                try:
                    self._connect()
                except StreamFailure as e:
                    self._failed(e)
                except (XunrenError, OSError, av.FFmpegError) as e:
                    self._failed(meaning_of(e))
                except Exception as e:  # one stream's surprise must not end its recording; the text may hold secrets
                    log.error("%s: %s while recording", self.stream.camera_id, type(e).__name__)
                    self._failed(StreamFailure(StreamState.UNREACHABLE, f"internal error: {type(e).__name__}"))
        finally:
            self._note(state=StreamState.STOPPED, detail="", open_since_ms=0)

    def _failed(self, failure: StreamFailure) -> None:
        at = round(now().wall_ms)
        reason = _REASONS.get(failure.state, Reason.NOT_CONNECTED)
        self.account.trouble(reason, failure.detail, at)
        self._note(state=failure.state, detail=failure.detail, open_since_ms=0)
        log.info("%s %s: %s (%s)", self.stream.camera_id, self.stream.role, failure.state, failure.detail)
        self._wait(self._pause(failure))

    def _pause(self, failure: StreamFailure) -> float:
        self._failures += 1
        if failure.state is StreamState.DISK_FULL:
            return 1.0
        if failure.state is StreamState.REFUSED:
            return self._settings.refused_retry_s * random.uniform(0.8, 1.2)
        longest = min(self._settings.retry_s, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 16))
        return longest * random.uniform(0.5, 1.0)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ending and (left := until - time.monotonic()) > 0:
            self.alive_at = time.monotonic()
            self._gone.wait(min(left, 0.2))

    def _connect(self) -> None:
        if not self._around.has_room():
            raise StreamFailure(StreamState.DISK_FULL, "the disk is nearly full: recording waits for room")
        self._save_lost()
        self._wait(self._around.turn())
        if self._ending:
            return
        self._note(state=StreamState.CONNECTING)
        self.alive_at = time.monotonic()
        with opened(self._address(), self._settings.stream_timeout_s) as container:
            stream = video_of(container)
            with self._lock:
                again = self._last_frame_ms > 0
                self._health = replace(self._health, reconnects=self._health.reconnects + again)
            _Session(self, container, stream).run()

    def _save_lost(self) -> None:
        """Take up the file that could not be completed, now that there is room again."""
        if self._lost:
            for segment in salvage_parts(self._place):
                self._around.outbox(self.account.recorded(segment, self._state))
            self._lost = False

    def _note(self, **changes: Any) -> None:
        with self._lock:
            if "state" in changes and changes["state"] is not self._health.state:
                changes["since_ms"] = round(now().wall_ms)
            self._health = replace(self._health, **changes)


class _Session:
    """One connection, from its first packet to its failure or the recorder's end."""

    def __init__(self, capture: Capture, container: InputContainer, stream: VideoStream) -> None:
        self._capture = capture
        self._container = container
        self._stream = stream
        context = stream.codec_context
        self._shape = StreamShape(context.name, stream.width, stream.height)
        self._sets = b""
        self._is_length_prefixed = bytes(context.extradata or b"").startswith(b"\1")  # avcC or hvcC, as in FLV
        self._tick_ms = float(1000 * (stream.time_base or 0))
        self._timebase = Timebase()
        self._anchor = WallClockAnchor()
        self._writer: SegmentWriter | None = None
        self._first_ms = self._last_ms = 0.0
        self._began = time.monotonic()
        self._cut = False
        self._settings = capture._settings

    def run(self) -> None:
        try:
            for packet in self._container.demux(self._stream):
                if not packet.size:
                    continue
                self._take(packet)
                if self._capture._ending:
                    return
                if self._writer is None and not self._capture._around.has_room():
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
        self._saw(packet, placed, at)
        if placed.gap and self._writer is not None:
            self._finish(self._last_ms + self._timebase.step_ms)
            self._capture.account.trouble(Reason.NO_FRAMES, "frames stayed away", round(at.wall_ms))
        if packet.is_keyframe:
            self._at_key(packet, placed)
        self._anchor.saw(placed, at)
        if self._writer is not None:
            self._write(packet, placed)
        elif time.monotonic() - self._began > _KEYLESS_FACTOR * self._settings.segment_s:
            raise StreamFailure(StreamState.NO_FRAMES, "no key frame comes; set the camera's key frame interval to 2 s")

    def _saw(self, packet: Packet[VideoStream], placed: PlacedPacket, at: PacketArrival) -> None:
        self._capture.saw(packet.size, round(at.wall_ms), placed.jumped)
        if time.monotonic() - self._began > STEADY_S:
            self._capture._failures = 0
        self._cut |= placed.restarted

    def _at_key(self, packet: Packet[VideoStream], placed: PlacedPacket) -> None:
        """A file may end here, and the next one begin."""
        changed = self._look_at_shape(packet)
        long = placed.media_ms - self._first_ms >= 1000 * self._settings.segment_s - self._timebase.step_ms / 2
        full = not self._capture._around.has_room()
        if self._writer is not None and (changed or long or self._cut or full):
            self._finish(placed.media_ms)
        if self._writer is None and not full:
            self._cut = False
            self._begin(placed)

    def _look_at_shape(self, packet: Packet[VideoStream]) -> bool:
        """Whether the stream's pictures are others from this key packet on."""
        if self._is_length_prefixed:  # its parameter sets are beside the packets, and a new connection brings new ones
            return False
        sets = parameter_sets(packet, self._shape.codec)
        if not sets or sets == self._sets:
            return False
        size = size_of(packet, self._shape.codec)
        if size is None:  # damaged: what it says about the pictures is not to be believed
            return False
        first, self._sets = not self._sets, sets
        if not first or sets not in bytes(self._stream.codec_context.extradata or b""):
            self._shape = StreamShape(self._shape.codec, *size, sets)
        return not first

    def _begin(self, placed: PlacedPacket) -> None:
        start_ms = self._anchor.provisional(placed.media_ms) or round(now().wall_ms)
        self._first_ms = placed.media_ms
        self._writer = SegmentWriter(self._capture._place, self._stream, self._shape, start_ms)
        self._capture.account.frames_from(start_ms)
        self._capture._note(
            state=StreamState.RECORDING,
            detail="",
            open_since_ms=start_ms,
            width=self._shape.width,
            height=self._shape.height,
            codec=self._shape.codec,
        )

    def _write(self, packet: Packet[VideoStream], placed: PlacedPacket) -> None:
        assert self._writer is not None  # noqa: S101 - for the type checker
        try:
            self._writer.write(packet, placed.media_ms)
            self._last_ms = placed.media_ms
        except (OSError, av.FFmpegError) as e:
            self._lose(e)

    def _finish(self, end_ms: float) -> None:
        """Complete the file, if one is being written."""
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
            self._capture._clock_jumps += 1
        self._capture._around.outbox(self._capture.account.recorded(segment, self._capture._state))

    def _lose(self, error: Exception) -> NoReturn:
        """The file cannot go on: what is in it is saved as soon as there is room."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()
            self._capture._lost = True
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise StreamFailure(StreamState.DISK_FULL, "the disk is full") from None
        if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
            raise StreamFailure(StreamState.DISK_FULL, f"the recording cannot be written: {error.strerror}") from None
        raise StreamFailure(StreamState.UNREACHABLE, "the stream's packets cannot be stored") from None
