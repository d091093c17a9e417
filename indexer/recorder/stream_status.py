"""The status of one stream: what its recording thread reports, and what others read meanwhile."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from indexer.recorder.timebase import now
from search.stream_types import Health, Stream, StreamState


class StreamStatus:
    """Safe for threads.

    Args:
        stream: which one.
        silent_s: seconds without a frame after which a connected stream counts as without frames.
    """

    def __init__(self, stream: Stream, silent_s: float) -> None:
        self._silent_ms = 1000 * silent_s
        self._lock = threading.Lock()
        self._health = Health(stream.camera_id, stream.role, StreamState.CONNECTING, since_ms=round(now().wall_ms))
        self._last_frame_ms = 0
        self._clock_jumps = 0
        self._frames = 0
        self._bytes = 0
        self._measured = (now().mono_ms / 1000, 0, 0)
        self.alive_at = now().mono_ms / 1000
        """When the recording thread last gave a sign of life, on the monotonic clock (s)."""

    def beat(self) -> None:
        """Note that the recording thread is alive."""
        self.alive_at = now().mono_ms / 1000

    def packet(self, size: int, time_ms: int, jumped: bool) -> None:
        """Count a packet of `size` bytes that arrived at `time_ms` (Unix); `jumped`: a clock contradicts it."""
        self.beat()
        with self._lock:
            self._frames += 1
            self._bytes += size
            self._last_frame_ms = time_ms
            self._clock_jumps += jumped

    def clock_jumped(self) -> None:
        """Count a jump of a clock."""
        with self._lock:
            self._clock_jumps += 1

    def connected(self) -> None:
        """Count a connection; every one after the first frame is a reconnection."""
        with self._lock:
            again = self._last_frame_ms > 0
            self._health = replace(self._health, reconnects=self._health.reconnects + again)

    def change(self, state: StreamState, **changes: Any) -> None:
        """Set the state and other fields of `Health`."""
        with self._lock:
            since_ms = self._health.since_ms if state is self._health.state else round(now().wall_ms)
            self._health = replace(self._health, state=state, since_ms=since_ms, **changes)

    def health(self) -> Health:
        """Return the health now. A silent stream says so at once, before its connection fails."""
        with self._lock:
            health = replace(self._health, last_frame_ms=self._last_frame_ms, clock_jumps=self._clock_jumps)
        age_ms = now().wall_ms - health.last_frame_ms
        if health.state is StreamState.RECORDING and age_ms > self._silent_ms:
            return replace(health, state=StreamState.NO_FRAMES, detail="connected, but nothing comes")
        return health

    def measured(self) -> Health:
        """Return the health now, with frames and kbit a second since the last call."""
        at = now()
        with self._lock:
            before_s, before_frames, before_bytes = self._measured
            frames, size = self._frames, self._bytes
            self._measured = (at.mono_ms / 1000, frames, size)
        seconds = max(at.mono_ms / 1000 - before_s, 0.1)
        return replace(
            self.health(),
            fps=round((frames - before_frames) / seconds, 1),
            kbit_s=round((size - before_bytes) * 8 / 1000 / seconds, 1),
            updated_ms=round(at.wall_ms),
        )
