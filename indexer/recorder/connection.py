"""Connects to a live stream, and explains a failure without secrets.

Texts of FFmpeg's errors contain addresses with passwords, so none of them is ever repeated.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from search.errors import XunrenError
from search.stream_types import StreamState

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

CODECS = ("h264", "hevc", "mpeg4", "mjpeg")


class StreamFailure(Exception):
    """A connection that cannot go on. `detail` is for people and holds no secret."""

    def __init__(self, state: StreamState, detail: str) -> None:
        super().__init__(detail)
        self.state = state
        self.detail = detail


def opened(address: str, timeout_s: float) -> InputContainer:
    """Open the stream at an address; each wait for it ends after `timeout_s` with `av.error.ExitError`.

    Raises:
        av.FFmpegError: its text may contain the password; see `meaning_of`.
    """
    import av

    options = {"rtsp_transport": "tcp", "protocol_whitelist": "rtsp,rtsps,rtp,tcp,udp,tls,http,https,httpproxy"}
    if address.startswith("http"):
        options = {
            "format_whitelist": "flv,live_flv,mpegts",  # a playlist would make FFmpeg read other addresses
            "protocol_whitelist": "tcp,tls,http,https,httpproxy",
        }
    # Looking for the stream's parameters ends well before the timeout, which would cut a packet in two.
    options |= {"analyzeduration": str(round(0.4e6 * timeout_s)), "fpsprobesize": "0", "fflags": "+genpts"}
    return av.open(address, options=options, timeout=(timeout_s, timeout_s))


def video_of(container: InputContainer) -> VideoStream:
    """Return the video stream. Raises `StreamFailure` if there is none, or one with a codec that is not recorded."""
    if not container.streams.video:
        raise StreamFailure(StreamState.UNREACHABLE, "there is no video in the stream")
    stream = container.streams.video[0]
    if stream.codec_context is None or stream.codec_context.name not in CODECS:
        name = stream.codec_context.name if stream.codec_context is not None else "unknown"
        raise StreamFailure(StreamState.UNREACHABLE, f"the codec {name} is not recorded; set the camera to H.264")
    return stream


def size_of(packet: Packet[VideoStream], codec: str) -> tuple[int, int] | None:
    """Decode a key packet and return (width, height) of its frame; None if it does not decode."""
    import av

    context = cast("VideoCodecContext", av.CodecContext.create(codec, "r"))
    with suppress(av.FFmpegError, ValueError):
        frames = [*context.decode(packet), *context.decode(None)]
        if frames and not frames[0].is_corrupt:
            return frames[0].width, frames[0].height
    return None


def meaning_of(error: Exception) -> StreamFailure:
    """Return what an error of connecting or reading means, without its text, which may contain the address."""
    if isinstance(error, XunrenError):
        return StreamFailure(StreamState.UNREACHABLE, f"{error.what}; {error.cure}")
    for kinds, state, detail in _meanings():
        if isinstance(error, kinds):
            return StreamFailure(state, detail)
    return StreamFailure(StreamState.UNREACHABLE, f"cannot connect ({type(error).__name__})")


def _meanings() -> tuple[tuple[tuple[type[Exception], ...], StreamState, str], ...]:
    from av import error

    return (
        (
            (error.HTTPUnauthorizedError, error.HTTPForbiddenError),
            StreamState.REFUSED,
            "user or password is wrong; correct it with `xunren camera add ID --url ...`",
        ),
        ((error.HTTPNotFoundError,), StreamState.NOT_FOUND, "the camera knows no such path; correct its --url"),
        ((ConnectionRefusedError,), StreamState.UNREACHABLE, "nobody listens at this address"),
        ((error.ExitError, TimeoutError), StreamState.UNREACHABLE, "no answer in time"),
        ((error.InvalidDataError,), StreamState.UNREACHABLE, "what comes is no video stream"),
        ((EOFError,), StreamState.UNREACHABLE, "the camera has ended the stream"),
    )
