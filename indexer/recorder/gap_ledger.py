"""The ledger of one stream: every moment is in a file, or in a gap that has a reason."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from search.catalog import RecorderUpdate
from search.stream_types import JOIN_MS, Gap, Reason, Stream
from search.types import Segment, SegmentState


@dataclass(slots=True)
class _LedgerEntry:
    start_ms: int
    reason: Reason
    detail: str


class GapLedger:
    """The gaps of one stream. Safe for threads. Times are Unix ms.

    Args:
        stream: whose gaps.
        covered_until: end of the stream's time that the catalogue accounts for.
        started_ms: when this recorder began with the stream; no recorder was running between the two.
    """

    def __init__(self, stream: Stream, covered_until: int, started_ms: int) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._covered = covered_until
        self._ends: int | None = None  # the gap ends here, as far as is known, because frames come again
        self._entries: list[_LedgerEntry] = []
        if started_ms - covered_until > JOIN_MS:
            self._entries.append(_LedgerEntry(covered_until, Reason.NOT_RUNNING, ""))
        self._begin(started_ms, Reason.NOT_CONNECTED, "")

    @property
    def covered_until(self) -> int:
        """Return the end of what is recorded."""
        with self._lock:
            return self._covered

    def trouble(self, reason: Reason, detail: str, now_ms: int) -> None:
        """Note why nothing is recorded from `now_ms` on, or, if all was well, from the end of the last file on."""
        with self._lock:
            self._begin(now_ms, reason, detail)
            self._ends = None

    def frames_from(self, start_ms: int) -> None:
        """Note that a file was begun; once complete, it ends the gap."""
        with self._lock:
            self._ends = start_ms

    def recorded(self, segment: Segment, state: SegmentState) -> RecorderUpdate:
        """Return a complete file and the gap that it ends, for the catalogue."""
        with self._lock:
            apart = segment.start_ms - self._covered > JOIN_MS
            if apart and not self._entries:  # one file follows the other, so only the clock can have moved
                self._entries.append(_LedgerEntry(self._covered, Reason.CLOCK_JUMP, ""))
            update = RecorderUpdate(segments=[(segment, state)], gaps=self._gaps(segment.start_ms) if apart else [])
            kept = {gap.start_ms for gap in update.gaps}
            update.no_gaps = [
                Gap(self._stream.camera_id, self._stream.role, p.start_ms, p.start_ms, p.reason)
                for p in self._entries
                if p.start_ms not in kept
            ]
            # Without frames since, the file was salvaged: the trouble goes on after it.
            last = self._entries[-1] if self._ends is None else None
            self._covered = max(self._covered, segment.end_ms)
            self._entries = [_LedgerEntry(self._covered, last.reason, last.detail)] if last is not None else []
            self._ends = None
            return update

    def open_gaps(self, now_ms: int) -> list[Gap]:
        """Return the gap that goes on at `now_ms`, as one `Gap` for each reason."""
        with self._lock:
            return self._gaps(now_ms if self._ends is None else min(self._ends, now_ms))

    def _begin(self, now_ms: int, reason: Reason, detail: str) -> None:
        last = self._entries[-1] if self._entries else None
        if last is not None and (last.reason, last.detail) == (reason, detail):
            return
        start = self._covered if last is None else max(now_ms, last.start_ms)
        if last is not None and start == last.start_ms:
            self._entries.pop()
        self._entries.append(_LedgerEntry(start, reason, detail))

    def _gaps(self, until_ms: int) -> list[Gap]:
        ends = [*(entry.start_ms for entry in self._entries[1:]), until_ms][: len(self._entries)]
        return [
            Gap(self._stream.camera_id, self._stream.role, p.start_ms, min(end, until_ms), p.reason, p.detail)
            for p, end in zip(self._entries, ends, strict=True)
            if min(end, until_ms) > p.start_ms
        ]
