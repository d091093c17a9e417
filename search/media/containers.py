"""Opens media files from unknown sources: nothing but this one file is ever read, and refusals say why.

FFmpeg follows playlists, ffconcat scripts and addresses that it finds inside a file, whatever the file is called.
So only containers that hold their own data are allowed, and only the `file` protocol.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import BadMedia, Unavailable

if TYPE_CHECKING:
    from av.codec.hwaccel import HWAccel
    from av.container import InputContainer
    from av.video.stream import VideoStream

INPUT_LIMITS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv",
    "protocol_whitelist": "file",
}
"""Options for opening a media file, with PyAV or with the ffmpeg program."""

CONVERT = "convert it to H.264 MP4, for instance `ffmpeg -i FILE -c:v libx264 -an OUT.mp4`"
DEFAULT_FPS = 25.0
_SIDES = (144, 4096)  # pixels that every NVDEC takes

_DISGUISES: tuple[tuple[bytes, str], ...] = (
    (b"#EXTM3U", "a playlist"),
    (b"[playlist]", "a playlist"),
    (b"ffconcat", "an ffconcat script"),
    (b"<?xml", "an XML document"),
    (b"<MPD", "a DASH manifest"),
    (b"v=0", "a session description"),
    (b"\xff\xd8\xff", "a JPEG photo"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
)
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_MP4_BOXES = (b"ftyp", b"mdat", b"moov", b"free", b"wide", b"skip")


@contextmanager
def open_video(path: Path, card: HWAccel | None = None) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a container and its video stream, and close it when the block ends.

    Args:
        path: a media file.
        card: decodes the frames; None: the CPU.

    Raises:
        BadMedia: missing, unreadable, empty, disguised, not-a-video, unsupported, truncated, audio-only, undecodable.
        Unavailable: the card does not decode, and the file is not the reason.
    """
    head = _check_file(path)
    with _container(path, head) as container:
        stream = _video_stream(path, container)
        if card is None:
            yield container, stream
            return
    # Opened again, with the card: the file itself is known to be sound by now.
    with _decoded_by(card, path) as container:
        stream = _video_stream(path, container)
        if not stream.codec_context.is_hwaccel:
            raise _unknown_to_card(path, stream.codec_context.name)
        yield container, stream


def _container(path: Path, head: bytes) -> InputContainer:
    import av

    try:
        # An absolute path: "cam:1.mp4" would be taken for the protocol "cam".
        return av.open(str(path.absolute()), options=dict(INPUT_LIMITS))
    except (av.FFmpegError, UnicodeError) as e:
        raise _refusal(path, head, e) from None


def _decoded_by(card: HWAccel, path: Path) -> InputContainer:
    import av

    try:
        return av.open(str(path.absolute()), options=dict(INPUT_LIMITS), hwaccel=card)
    except RuntimeError as e:  # raised by PyAV if it can decode none of the streams
        raise _unknown_to_card(path, str(e)) from None
    except av.FFmpegError as e:
        raise _failing_card(path, str(e)) from None


def _failing_card(path: Path, got: str) -> Unavailable:
    cure = "look at the card and its memory (nvidia-smi), or set decoder = cpu"
    return Unavailable("the card does not decode", got=f"{got} for {path}", cure=cure)


def _unknown_to_card(path: Path, got: str) -> BadMedia:
    return BadMedia(
        "the card cannot decode this kind of video",
        reason="undecodable",
        got=f"{got} in {path}",
        cure="index it with decoder = cpu",
    )


def not_by_card(path: Path, stream: VideoStream, got: str) -> BadMedia | Unavailable:
    """Return the error for a frame that only the CPU decodes: the card fails, or does not know this kind of video.

    FFmpeg's error is the same for both. So a kind that every card with NVDEC knows is not the reason.
    """
    context = stream.codec_context
    kind = f"{context.name} {context.pix_fmt} {stream.width} x {stream.height}"
    known = context.name in ("h264", "hevc") and context.pix_fmt in ("yuv420p", "yuvj420p")
    if known and all(_SIDES[0] <= side <= _SIDES[1] for side in (stream.width, stream.height)):
        return _failing_card(path, f"{got}, {kind}")
    return _unknown_to_card(path, kind)


def check_size(path: Path, stream: VideoStream, max_megapixels: float) -> None:
    """Raise `BadMedia` (too-large-picture) before memory is spent on decoding."""
    if stream.width * stream.height > max_megapixels * 1e6:
        raise BadMedia(
            "its frames are too large",
            reason="too-large-picture",
            got=f"{stream.width} x {stream.height} in {path}",
            expected=f"at most {max_megapixels:g} megapixels",
            cure="scale the file down, or raise max_megapixels if the memory suffices",
        )


def mean_fps(stream: VideoStream) -> float:
    """Return the frames a second that the container names, or 25 where it names none or an impossible number."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and 0.05 <= rate <= 1000:
            return float(rate)
    return DEFAULT_FPS


def _check_file(path: Path) -> bytes:
    """Return the first bytes of a readable, non-empty regular file that does not look like something else."""
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise BadMedia("not a file", reason="not-a-video", got=path, cure="give a video file")
        with path.open("rb") as f:
            head = f.read(1024)
    except FileNotFoundError:
        raise BadMedia("there is no such file", reason="missing", got=path, cure="check the path") from None
    except (OSError, ValueError) as e:
        cure = f"{getattr(e, 'strerror', None) or e}; check the file's name and its rights"
        raise BadMedia("the file cannot be read", reason="unreadable", got=path, cure=cure) from None
    if not head:
        raise BadMedia("the file is empty", reason="empty", got=path, cure="copy it again from its source")
    if kind := _disguise(head):
        raise BadMedia(
            f"this is {kind}, not a video",
            reason="disguised",
            got=path,
            expected="a file that holds its own frames",
            cure="give the video files themselves",
        )
    return head


def _disguise(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, kind in _DISGUISES:
        if head.startswith(start) or text[: len(start)].lower() == start.lower():
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return "a photo"
    return None


def _refusal(path: Path, head: bytes, error: Exception) -> BadMedia:
    import av

    got = f"{path}: {getattr(error, 'strerror', None) or error}"
    if isinstance(error, UnicodeError):
        return BadMedia("the file's name is not valid text", reason="unreadable", got=repr(path), cure="rename it")
    if isinstance(error, av.error.PermissionError | av.error.OSError) and not isinstance(error, ValueError):
        return BadMedia("the file cannot be read", reason="unreadable", got=got, cure="check the disk and its rights")
    if head[4:8] in _MP4_BOXES:
        return BadMedia(
            "the file is cut off: its table of contents is missing",
            reason="truncated",
            got=got,
            cure="copy it again, or repair it with a tool like untrunc",
        )
    if isinstance(error, av.error.ArgumentError) and b"\x00" in head:
        return BadMedia("a kind of file that is not read here", reason="unsupported", got=got, cure=CONVERT)
    return BadMedia(
        "this is not a video file", reason="not-a-video", got=got, expected="MP4, MKV, AVI, TS, FLV ...", cure=CONVERT
    )


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    from av.stream import Disposition

    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        sound = bool(container.streams.audio)
        raise BadMedia(
            "there is sound in it, but no video" if sound else "there is no video in it",
            reason="audio-only" if sound else "not-a-video",
            got=path,
            cure="give a file with a video stream",
        )
    stream = streams[0]
    if stream.codec_context is None or stream.width <= 0 or stream.height <= 0:
        raise BadMedia("its frames cannot be decoded", reason="undecodable", got=path, cure=CONVERT)
    return stream
