"""The decoder: packets in, pictures out, an account of what got lost. For `video_source` and its `probe` only."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from search.types import Image


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A decoded picture with its presentation time in the stream's time base."""

    frame: VideoFrame
    pts: int


class Decoder:
    """Decodes runs of packets with one thread. Damage never raises; it is counted in `damaged`.

    Args:
        stream: of an open container.
        max_megapixels: a larger picture inside the stream is refused by the codec.
        by_order: pictures take the times of the packets in rising order, for containers without presentation times.
        doubt: called with a key packet that gave no picture, and why, before it is counted as damaged; it may raise.
    """

    def __init__(
        self,
        stream: VideoStream,
        *,
        max_megapixels: float,
        by_order: bool = False,
        doubt: Callable[[Packet[VideoStream], str], None] | None = None,
    ) -> None:
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
        """Decode one packet. Gives the pictures that are ready, usually of earlier packets."""
        if not packet.size:  # an empty one repeats the last picture; to the codec it would mean the end
            return
        self._clean = False
        self._fed += not packet.is_discard
        heapq.heappush(self._waiting, packet.pts or 0)
        try:
            frames = self._codec.decode(packet)
        except (av.FFmpegError, ValueError) as e:
            self._failed += 1
            if self._doubt and packet.is_keyframe:
                self._doubt(packet, str(e))
            return
        yield from self._timed(frames)

    def single(self, packet: Packet[VideoStream]) -> list[DecodedFrame]:
        """Decode a key packet by itself. Empty if it is damaged, and also if it needs what follows it."""
        self.drop()
        pictures = [*self.feed(packet), *self._flush()]
        if self._doubt and not pictures:
            self._doubt(packet, "no picture")
        self.drop()
        return pictures

    def drain(self) -> Iterator[DecodedFrame]:
        """End the run: gives the pictures that were held back."""
        if self._clean:
            return
        yield from self._flush()
        if self._failed or not self._shown:  # else what is missing is fields, hidden or leading pictures
            self.damaged += max(0, self._fed - self._shown - self._failed)
        self.drop()

    def drop(self) -> None:
        """End the run without its held-back pictures."""
        if not self._clean:
            self._codec.flush_buffers()
        self.damaged += self._failed
        self._begin()

    def image(self, picture: DecodedFrame, size: tuple[int, int]) -> Image:
        """RGB uint8 (H, W, 3) of any pixel format, turned as it is to be shown.

        Args:
            picture: of this decoder.
            size: (width, height) before turning; a stream that changes its size on the way is scaled to it.
        """
        rgb = self._reformatter.reformat(picture.frame, *size, format="rgb24", threads=1)
        turns = rotation(picture) // 90
        image = cast(Image, rgb.to_ndarray())
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

    def _flush(self) -> Iterator[DecodedFrame]:
        try:
            frames = self._codec.decode(None)
        except (av.FFmpegError, ValueError):
            return
        yield from self._timed(frames)

    def _begin(self) -> None:
        self._clean = True
        self._waiting.clear()
        self._fed = self._shown = self._failed = 0

    def _timed(self, frames: list[VideoFrame]) -> Iterator[DecodedFrame]:
        for frame in frames:
            if frame.is_corrupt:
                self._failed += 1  # the codec says so itself: mostly grey smear
                continue
            self._shown += 1
            first = heapq.heappop(self._waiting) if self._waiting else 0
            yield DecodedFrame(frame, first if self._by_order or frame.pts is None else frame.pts)


def rotation(picture: DecodedFrame) -> int:
    """Degrees anticlockwise that the picture is turned for display: 0, 90, 180 or 270."""
    return round(picture.frame.rotation / 90) % 4 * 90
