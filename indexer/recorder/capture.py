"""Records one live stream, for ever: connects, records a session, and connects again after a pause.

One thread a stream, which spends its time waiting for the network; nothing is decoded.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from indexer.recorder.connection import StreamFailure, meaning_of, opened, video_of
from indexer.recorder.gap_ledger import GapLedger
from indexer.recorder.recovery import salvage_parts
from indexer.recorder.segment_writer import RecordingFolder
from indexer.recorder.session import RecordingSession, SessionContext
from indexer.recorder.stream_status import StreamStatus
from indexer.recorder.timebase import now
from search.catalog import RecorderUpdate
from search.config import Settings
from search.errors import XunrenError
from search.stream_types import Reason, Stream, StreamState
from search.types import Segment, SegmentState

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5

_REASONS = {
    StreamState.REFUSED: Reason.REFUSED,
    StreamState.NO_FRAMES: Reason.NO_FRAMES,
    StreamState.DISK_FULL: Reason.DISK_FULL,
}


@dataclass(slots=True)
class RecorderContext:
    """The parts that all streams of a recorder share."""

    settings: Settings
    outbox: Callable[[RecorderUpdate], None]
    turn: Callable[[], float]  # seconds to wait before connecting, so that not all do it at once
    has_room: Callable[[], bool]
    stop: threading.Event = field(default_factory=threading.Event)


class Capture:
    """The recording of one stream, in a thread of its own.

    Args:
        stream: what is recorded.
        address: returns the address in clear.
        state: state of complete files in the catalogue.
        ledger: ledger of the stream's time.
        context: shared with the other streams.
    """

    def __init__(
        self,
        stream: Stream,
        address: Callable[[], str],
        state: SegmentState,
        ledger: GapLedger,
        context: RecorderContext,
    ) -> None:
        self.stream = stream
        self.ledger = ledger
        self.status = StreamStatus(stream, context.settings.stream_timeout_s)
        self._address = address
        self._state = state
        self._context = context
        self._settings = context.settings
        self._folder = RecordingFolder(context.settings.recordings_dir, stream.camera_id, stream.role)
        self._leaving = threading.Event()
        self._failures = 0
        self._has_lost_file = False
        self._thread = threading.Thread(target=self._run, name=f"record-{stream.camera_id}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def leave(self) -> None:
        """Complete the file that is being written, and end; `join` waits for it."""
        self._leaving.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end, and return whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # the thread ----------------------------------------------------------------------------------------------

    def _is_ending(self) -> bool:
        return self._leaving.is_set() or self._context.stop.is_set()

    def _run(self) -> None:
        import av

        try:
            while not self._is_ending():
                try:
                    self._connect()
                except StreamFailure as e:
                    self._note_failure(e)
                except (XunrenError, OSError, av.FFmpegError) as e:
                    self._note_failure(meaning_of(e))
                except Exception as e:  # one stream's surprise must not end its recording; the text may hold secrets
                    log.error("%s: %s while recording", self.stream.camera_id, type(e).__name__)
                    self._note_failure(StreamFailure(StreamState.UNREACHABLE, f"internal error: {type(e).__name__}"))
        finally:
            self.status.change(StreamState.STOPPED, detail="", open_since_ms=0)

    def _note_failure(self, failure: StreamFailure) -> None:
        reason = _REASONS.get(failure.state, Reason.NOT_CONNECTED)
        self.ledger.trouble(reason, failure.detail, round(now().wall_ms))
        self.status.change(failure.state, detail=failure.detail, open_since_ms=0)
        log.info("%s %s: %s (%s)", self.stream.camera_id, self.stream.role, failure.state, failure.detail)
        self._wait(self._pause_s(failure))

    def _pause_s(self, failure: StreamFailure) -> float:
        self._failures += 1
        if failure.state is StreamState.DISK_FULL:
            return 1.0
        if failure.state is StreamState.REFUSED:
            return self._settings.refused_retry_s * random.uniform(0.8, 1.2)
        longest = min(self._settings.retry_s, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 16))
        return longest * random.uniform(0.5, 1.0)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._is_ending() and (left := until - time.monotonic()) > 0:
            self.status.beat()
            self._leaving.wait(min(left, 0.2))

    def _connect(self) -> None:
        if not self._context.has_room():
            raise StreamFailure(StreamState.DISK_FULL, "the disk is nearly full: recording waits for room")
        self._salvage()
        self._wait(self._context.turn())
        if self._is_ending():
            return
        self.status.change(StreamState.CONNECTING)
        self.status.beat()
        with opened(self._address(), self._settings.stream_timeout_s) as container:
            stream = video_of(container)
            self.status.connected()
            self._record(RecordingSession(self._session_context(), container, stream))

    def _session_context(self) -> SessionContext:
        return SessionContext(
            folder=self._folder,
            ledger=self.ledger,
            status=self.status,
            publish=self._publish,
            has_room=self._context.has_room,
            is_ending=self._is_ending,
            segment_s=self._settings.segment_s,
        )

    def _record(self, session: RecordingSession) -> None:
        try:
            session.run()
        finally:
            self._has_lost_file |= session.has_lost_file
            if session.was_steady:
                self._failures = 0

    def _publish(self, segment: Segment) -> None:
        self._context.outbox(self.ledger.recorded(segment, self._state))

    def _salvage(self) -> None:
        """Complete the file that was lost, now that there is room again."""
        if self._has_lost_file:
            for segment in salvage_parts(self._folder):
                self._publish(segment)
            self._has_lost_file = False
