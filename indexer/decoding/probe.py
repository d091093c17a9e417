"""Reads what a media file says about itself, or why it cannot be indexed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.decoding.decoder import Decoder, rotation
from search.errors import BadMedia
from search.media import MAX_TOTAL_S, Timeline, check_size, mean_fps, open_video

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_HEAD = 300  # packets; the first frame among them that decodes has the rotation


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """The properties of a video file.

    Attributes:
        width: pixels, as displayed (after rotation).
        height: pixels, as displayed.
        rotation: degrees anticlockwise that the stored frame is turned for display: 0, 90, 180 or 270.
        duration_ms: None where the container does not say.
        codec: FFmpeg's name, such as h264.
        created_ms: creation time in the container, Unix ms; None where there is none.
        fps: mean frames a second, as the container says.
        keyframe_s: mean seconds between key frames; None where only reading the whole file would tell.
    """

    width: int
    height: int
    rotation: int
    duration_ms: int | None
    codec: str
    created_ms: int | None
    fps: float
    keyframe_s: float | None


def probe(path: Path, *, max_megapixels: float) -> MediaInfo:
    """Open a file, read its head and decode one frame: 0.1 to 1 % of a recording of 70 MB.

    Raises:
        BadMedia: with `reason` missing, unreadable, empty, disguised, not-a-video, unsupported, truncated,
            audio-only, too-large-picture or undecodable.
    """
    with open_video(path) as (container, stream):
        check_size(path, stream, max_megapixels)
        keyframe_s = _keyframe_s(stream)
        turned = _rotation(path, container, stream, max_megapixels)
        width, height = stream.width, stream.height
        return MediaInfo(
            width=height if turned % 180 else width,
            height=width if turned % 180 else height,
            rotation=turned,
            duration_ms=_duration_ms(container, stream),
            codec=stream.codec_context.name,
            created_ms=_created_ms(container, stream),
            fps=mean_fps(stream),
            keyframe_s=keyframe_s,
        )


def _rotation(path: Path, container: InputContainer, stream: VideoStream, max_megapixels: float) -> int:
    """Return the rotation of the first frame that decodes; 0 if none of the head does (the rest of the file may)."""
    decoder = Decoder(stream, max_megapixels=max_megapixels)
    empty = True
    for packet in islice(Timeline(container, stream), _HEAD):
        empty = False
        for frame in decoder.feed(packet):
            return rotation(frame)
    for frame in decoder.drain():
        return rotation(frame)
    if empty:
        raise BadMedia("there are no frames in it", reason="truncated", got=path, cure="copy it again")
    return 0


def _duration_ms(container: InputContainer, stream: VideoStream) -> int | None:
    ms = None
    if stream.duration and stream.time_base:
        ms = round(stream.duration * stream.time_base * 1000)
    elif container.duration:
        ms = round(container.duration / 1000)
    return ms if ms is not None and 0 < ms <= MAX_TOTAL_S * 1000 else None


def _keyframe_s(stream: VideoStream) -> float | None:
    """Return the mean of the container's index, which MP4, MOV and AVI have."""
    entries = stream.index_entries
    if len(entries) < 2 or not stream.time_base:
        return None
    keys = [e.timestamp for e in entries if e.is_keyframe]
    span = entries[-1].timestamp - entries[0].timestamp
    return float(span * stream.time_base / len(keys)) if keys and 0 < len(keys) < len(entries) else None


def _created_ms(container: InputContainer, stream: VideoStream) -> int | None:
    for metadata in (container.metadata, stream.metadata):
        for key in ("com.apple.quicktime.creationdate", "creation_time"):
            try:
                made = datetime.fromisoformat(metadata.get(key, ""))
            except ValueError:
                continue
            made = made if made.tzinfo else made.replace(tzinfo=UTC)
            return round(made.timestamp() * 1000)
    return None
