"""A recorder's account of one stream: every moment is in a file or in a gap that has a reason."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from search.catalog.recordings import RecorderUpdate
from search.stream_types import JOIN_MS, Gap, Reason, Stream
from search.types import Segment, SegmentState


@dataclass(slots=True)
class _LedgerEntry:
    start_ms: int
    reason: Reason
    detail: str


class GapLedger:
    """Safe for threads. Times are Unix ms.

    Args:
        stream: whose account it is.
        covered_until: where the catalogue's account ends.
        started_ms: when this recorder began with the stream; what lies before it, no recorder was there for.
    """

    def __init__(self, stream: Stream, covered_until: int, started_ms: int) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._covered = covered_until
        self._ends: int | None = None  # the gap ends here, as far as is known, because frames come again
        self._pieces: list[_LedgerEntry] = []
        if started_ms - covered_until > JOIN_MS:
            self._pieces.append(_LedgerEntry(covered_until, Reason.NOT_RUNNING, ""))
        self._begin(started_ms, Reason.NOT_CONNECTED, "")

    @property
    def covered_until(self) -> int:
        """End of what is recorded."""
        with self._lock:
            return self._covered

    def trouble(self, reason: Reason, detail: str, now_ms: int) -> None:
        """Why nothing is recorded from now on, or, if nothing was wrong before, from the end of the last file on."""
        with self._lock:
            self._begin(now_ms, reason, detail)
            self._ends = None

    def frames_from(self, start_ms: int) -> None:
        """A file was begun, which ends the gap as soon as it is complete."""
        with self._lock:
            self._ends = start_ms

    def recorded(self, segment: Segment, state: SegmentState) -> RecorderUpdate:
        """A file is complete: it and the gap that it ends, for the catalogue."""
        with self._lock:
            apart = segment.start_ms - self._covered > JOIN_MS
            if apart and not self._pieces:  # one file follows the other, so only the clock can have moved
                self._pieces.append(_LedgerEntry(self._covered, Reason.CLOCK_JUMP, ""))
            written = RecorderUpdate(segments=[(segment, state)], gaps=self._gaps(segment.start_ms) if apart else [])
            kept = {gap.start_ms for gap in written.gaps}
            written.no_gaps = [
                Gap(self._stream.camera_id, self._stream.role, p.start_ms, p.start_ms, p.reason)
                for p in self._pieces
                if p.start_ms not in kept
            ]
            last = self._pieces[-1] if self._ends is None else None  # saved of a file that was cut off: trouble goes on
            self._covered = max(self._covered, segment.end_ms)
            self._pieces = [_LedgerEntry(self._covered, last.reason, last.detail)] if last is not None else []
            self._ends = None
            return written

    def open_gaps(self, now_ms: int) -> list[Gap]:
        """The gap that goes on, as it is now, a piece for each reason."""
        with self._lock:
            return self._gaps(now_ms if self._ends is None else min(self._ends, now_ms))

    def _begin(self, now_ms: int, reason: Reason, detail: str) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last is not None and (last.reason, last.detail) == (reason, detail):
            return
        start = self._covered if last is None else max(now_ms, last.start_ms)
        if last is not None and start == last.start_ms:
            self._pieces.pop()
        self._pieces.append(_LedgerEntry(start, reason, detail))

    def _gaps(self, until_ms: int) -> list[Gap]:
        ends = [*(piece.start_ms for piece in self._pieces[1:]), until_ms][: len(self._pieces)]
        return [
            Gap(self._stream.camera_id, self._stream.role, p.start_ms, min(end, until_ms), p.reason, p.detail)
            for p, end in zip(self._pieces, ends, strict=True)
            if min(end, until_ms) > p.start_ms
        ]
