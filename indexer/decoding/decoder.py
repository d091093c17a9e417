"""The decoder: packets in, frames out, damage counted. For this room only; others use `video_source`."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from search.types import Image

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame with its presentation time in the stream's time base."""

    frame: VideoFrame
    pts: int


class Decoder:
    """Decodes runs of packets with one thread. Damage never raises; it is counted in `damaged`.

    Args:
        stream: stream of an open container.
        max_megapixels: a larger frame inside the stream is refused by the codec.
        by_order: frames take the times of the packets in rising order, for containers without presentation times.
        doubt: called with a key packet that gave no frame, and why, before it is counted as damaged; it may raise.
    """

    def __init__(
        self,
        stream: VideoStream,
        *,
        max_megapixels: float,
        by_order: bool = False,
        doubt: Callable[[Packet[VideoStream], str], None] | None = None,
    ) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        self._errors = (av.FFmpegError, ValueError)
        self._codec = stream.codec_context
        self._codec.thread_count = 1
        self._codec.options = {"max_pixels": str(int(max_megapixels * 1e6))}
        self._reformatter = VideoReformatter()
        self._by_order = by_order
        self._doubt = doubt
        self._waiting: list[int] = []
        self._clean = True
        self.damaged = 0
        """Packets that were lost to damage in finished runs, so far."""
        self._begin()

    def feed(self, packet: Packet[VideoStream]) -> Iterator[DecodedFrame]:
        """Decode one packet, and yield the frames that are ready, usually of earlier packets."""
        if not packet.size:  # an empty one repeats the last frame; to the codec it would mean the end
            return
        self._clean = False
        self._fed += not packet.is_discard
        heapq.heappush(self._waiting, packet.pts or 0)
        try:
            frames = self._codec.decode(packet)
        except self._errors as e:
            self._failed += 1
            if self._doubt and packet.is_keyframe:
                self._doubt(packet, str(e))
            return
        yield from self._with_times(frames)

    def single(self, packet: Packet[VideoStream]) -> list[DecodedFrame]:
        """Decode a key packet by itself. The result is empty if it is damaged, or needs what follows it."""
        self.drop()
        frames = [*self.feed(packet), *self._flush()]
        if self._doubt and not frames:
            self._doubt(packet, "no frame")
        self.drop()
        return frames

    def drain(self) -> Iterator[DecodedFrame]:
        """End the run, and yield the frames that were held back."""
        if self._clean:
            return
        yield from self._flush()
        if self._failed or not self._shown:  # else fields, hidden or leading frames are missing
            self.damaged += max(0, self._fed - self._shown - self._failed)
        self.drop()

    def drop(self) -> None:
        """End the run without the frames that were held back."""
        if not self._clean:
            self._codec.flush_buffers()
        self.damaged += self._failed
        self._begin()

    def image(self, decoded: DecodedFrame, size: tuple[int, int]) -> Image:
        """Return RGB uint8 (H, W, 3) of a frame of any pixel format, turned for display.

        Args:
            decoded: by this decoder.
            size: (width, height) before turning; a stream that changes its size on the way is scaled to it.
        """
        rgb = self._reformatter.reformat(decoded.frame, *size, format="rgb24", threads=1)
        turns = rotation(decoded) // 90
        image = cast(Image, rgb.to_ndarray())
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

    def _flush(self) -> Iterator[DecodedFrame]:
        try:
            frames = self._codec.decode(None)
        except self._errors:
            return
        yield from self._with_times(frames)

    def _begin(self) -> None:
        self._clean = True
        self._waiting.clear()
        self._fed = self._shown = self._failed = 0

    def _with_times(self, frames: list[VideoFrame]) -> Iterator[DecodedFrame]:
        for frame in frames:
            if frame.is_corrupt:
                self._failed += 1  # the codec says so itself: mostly grey smear
                continue
            self._shown += 1
            first = heapq.heappop(self._waiting) if self._waiting else 0
            yield DecodedFrame(frame, first if self._by_order or frame.pts is None else frame.pts)


def rotation(decoded: DecodedFrame) -> int:
    """Return the degrees anticlockwise that the frame is turned for display: 0, 90, 180 or 270."""
    return round(decoded.frame.rotation / 90) % 4 * 90
