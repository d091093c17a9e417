"""Cuts a stretch of a recording into a small MP4 that browsers play, starting exactly at the requested frame."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.errors import BadInput, BadMedia, Unavailable
from search.media.containers import CONVERT, INPUT_LIMITS, open_video
from search.media.privacy_masks import mask_png
from search.media.timestamps import Timeline
from search.stream_types import Polygon

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_DIRECT = ("mov", "avi")  # containers with an index of their own, in which ffmpeg seeks exactly
_COPY_PIXELS = ("yuv420p", "yuvj420p")
_MAX_PREROLL_MS = 20_000  # frames before the start that a copied clip may carry along, unseen
_LEAD_MS = 10_000  # where a slice begins on its clock, so that no time stamp is negative
_AVI_HEAD_S = 1.0  # ffmpeg aims a little early, and before the start of an AVI it lands anywhere
_MAX_SIDE = (1280, 720)
_MASK_LEAD_S = 3600  # the mask's time lies before that of any frame: earlier ones would be shown without it


@dataclass(frozen=True, slots=True)
class _Cut:
    """A job for ffmpeg. `stream` is the video's index; without `seek`, all is decoded up to the start.

    `mask` is an image of `size` (width, height) that is laid over the video, which is scaled to that size.
    """

    source: Path
    stream: int
    start_s: float  # on the clock of `source`
    seconds: float
    copy: bool
    seek: bool = True
    mask: Path | None = None
    size: tuple[int, int] = (0, 0)


def ffmpeg_path() -> str:
    """Return the path of the ffmpeg program that pip installed.

    Raises:
        Unavailable: there is none.
    """
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (RuntimeError, OSError) as e:
        raise Unavailable("there is no ffmpeg", got=e, cure="pip install --force-reinstall imageio-ffmpeg") from None


def cut(
    source: Path,
    target: Path,
    offset_ms: int,
    duration_ms: int,
    *,
    timeout_s: float,
    masks: Sequence[Polygon] = (),
) -> None:
    """Write `target`: H.264 in MP4 with its index first, no sound. It is copied where a browser plays it, else encoded.

    Args:
        source: a recording.
        target: a file that does not exist.
        offset_ms: from the recording's first frame; the clip begins with the first frame at or after it.
        duration_ms: length of the clip; shorter where the recording ends.
        timeout_s: ffmpeg is stopped after this.
        masks: these parts of the frames are black; then all frames are encoded again, none is carried along.

    Raises:
        BadMedia: the recording cannot be read, or not be cut.
        BadInput: the recording has no frame there.
        Unavailable: ffmpeg is missing, too slow or without room.
    """
    slice_path, mask_path = target.with_name(f"{target.name}.mkv"), target.with_name(f"{target.name}.png")
    try:
        job = _plan(source, slice_path, offset_ms, duration_ms)
        if masks:
            size = _fit(*_shown_size(source))
            mask_path.write_bytes(mask_png(*size, masks))
            job = replace(job, copy=False, mask=mask_path, size=size)
        _run_ffmpeg(_command(job, target), source, timeout_s)
        _check(target, source, offset_ms)
    finally:
        slice_path.unlink(missing_ok=True)
        mask_path.unlink(missing_ok=True)


def _plan(source: Path, slice_path: Path, offset_ms: int, duration_ms: int) -> _Cut:
    """Plan how to cut.

    Of a container without an index of its own, the part that is needed is copied to `slice_path` under the repaired
    clock, so that ffmpeg finds the frames where the index of Xunren has them.
    """
    start_ms = max(0, offset_ms - 1)  # offsets are rounded to milliseconds
    with open_video(source) as (container, stream):
        codec = stream.codec_context
        playable = codec.name == "h264" and codec.pix_fmt in _COPY_PIXELS
        kind, index = container.format.name.split(",")[0], stream.index
        timeline = Timeline(container, stream)
        if kind in _DIRECT:
            first_s = timeline.first_pts * float(stream.time_base or 0)
            if kind == "avi":  # it has decoding times only: ffmpeg shows its frames this much later
                first_s += codec.reorder_depth * timeline.step_ms / 1000
            start_s = first_s + start_ms / 1000
            copy = playable and kind != "avi" and _preroll_ms(container, stream, start_s) <= _MAX_PREROLL_MS
            seek = kind != "avi" or start_s > _AVI_HEAD_S
            return _Cut(source, index, start_s, duration_ms / 1000, copy, seek)
        key, preroll_ms = _key_before(timeline, start_ms)
    _write_slice(source, slice_path, key, start_ms + duration_ms)
    copy = playable and preroll_ms <= _MAX_PREROLL_MS
    return _Cut(slice_path, 0, (_LEAD_MS + preroll_ms) / 1000, duration_ms / 1000, copy)


def _preroll_ms(container: InputContainer, stream: VideoStream, start_s: float) -> float:
    """Return the time from the key frame before `start_s` to there."""
    import av

    base = float(stream.time_base or 1)
    with suppress(av.FFmpegError):
        container.seek(round(start_s / base), stream=stream)
        for packet in container.demux(stream):
            if packet.pts is not None and packet.is_keyframe:
                return 1000 * max(0.0, start_s - packet.pts * base)
    return float("inf")


def _key_before(timeline: Timeline, start_ms: int) -> tuple[int, float]:
    """Return the number of the last key packet up to `start_ms` (0 if none), and how many ms it lies before."""
    key, at, end = 0, 0, 0
    for number, packet in enumerate(timeline):
        offset = timeline.offset_ms(packet.pts or 0)
        end = max(end, offset)
        if (packet.is_keyframe and offset <= start_ms + 1) or not number:
            key, at = number, offset
        if offset > start_ms + _MAX_PREROLL_MS:
            break
    return key, start_ms - at


def _write_slice(source: Path, target: Path, first: int, end_ms: int) -> None:
    """Copy the packets from number `first` on; the first one gets the time `_LEAD_MS`."""
    import av

    with open_video(source) as (container, stream), av.open(str(target), "w", format="matroska") as out:
        copy = out.add_stream_from_template(stream)
        timeline = Timeline(container, stream)
        ticks = Fraction(1, 1000) / Fraction(stream.time_base or 1)
        shift = 0
        for number, packet in enumerate(timeline):
            pts = packet.pts or 0
            if number < first or not packet.size:
                continue
            if number == first:
                shift = round(_LEAD_MS * ticks) - pts
            if timeline.offset_ms(pts) > end_ms + _LEAD_MS:
                break
            packet.pts, packet.dts = pts + shift, None if packet.dts is None else packet.dts + shift
            packet.stream = copy
            with suppress(av.FFmpegError):
                out.mux(packet)


def _shown_size(source: Path) -> tuple[int, int]:
    """Return (width, height) of the first frame that decodes, turned for display: only a frame has its rotation."""
    import av

    with open_video(source) as (container, stream):
        with suppress(av.FFmpegError):
            frame = next(container.decode(stream), None)
            if frame is not None:
                turned = round(frame.rotation / 90) % 2
                return (frame.height, frame.width) if turned else (frame.width, frame.height)
        return stream.width, stream.height


def _fit(width: int, height: int) -> tuple[int, int]:
    """Return the size of a clip's frames: even, and no larger than `_MAX_SIDE`."""
    share = min(1.0, _MAX_SIDE[0] / width, _MAX_SIDE[1] / height)
    return max(2, int(width * share / 2) * 2), max(2, int(height * share / 2) * 2)


def _command(job: _Cut, target: Path) -> list[str]:
    import ffmpeg

    where = {"ss": f"{job.start_s:.6f}", "t": f"{job.seconds:.3f}"}
    source = str(job.source.absolute())
    how: dict[str, Any] = _how(job)
    # Where a recording changes its size, ffmpeg would begin anew, without the mask; the filters follow the size, too.
    limits = INPUT_LIMITS | ({"reinit_filter": 0} if job.mask else {})
    if job.seek:
        video = ffmpeg.input(source, seek_timestamp=1, **where, **limits)
    else:
        video, how = ffmpeg.input(source, **limits), how | where
    layer = video[str(job.stream)]
    if job.mask:
        mask = ffmpeg.input(str(job.mask.absolute()), f="png_pipe", protocol_whitelist="file", itsoffset=-_MASK_LEAD_S)
        layer = layer.filter("scale", *job.size).overlay(mask).filter("format", "yuv420p")
    out = layer.output(
        str(target.absolute()), f="mp4", movflags="+faststart", map_metadata=-1, fflags="+bitexact", **how
    )
    args = out.global_args("-nostdin", "-v", "error").overwrite_output().compile(cmd=ffmpeg_path())
    return [str(arg) for arg in args]


def _how(job: _Cut) -> dict[str, Any]:
    """Return the options for encoding."""
    if job.copy:
        return {"c:v": "copy"}
    width, height = _MAX_SIDE
    fit = f"scale=w='min(iw,{width})':h='min(ih,{height})':force_original_aspect_ratio=decrease"
    size = {} if job.mask else {"vf": f"{fit}:force_divisible_by=2,format=yuv420p"}
    return size | {"c:v": "libx264", "preset": "veryfast", "crf": 23, "fps_mode": "vfr", "threads": 2}


def _run_ffmpeg(command: list[str], source: Path, timeout_s: float) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        cure = "ask for a shorter clip, or try again when the machine is less busy"
        raise Unavailable("cutting the clip took too long", got=f"more than {timeout_s:g} s", cure=cure) from None
    except OSError as e:
        raise Unavailable("ffmpeg cannot be run", got=e, cure="pip install --force-reinstall imageio-ffmpeg") from None
    message = done.stderr.decode("utf-8", "replace").strip()
    if "No space left" in message:
        raise Unavailable("there is no room for the clip", cure="free some disk space in the data folder")
    if done.returncode:
        got = message.splitlines()[-1] if message else f"exit status {done.returncode}"
        raise BadMedia("the clip cannot be cut", reason="undecodable", got=f"{source}: {got}", cure=CONVERT)


def _check(target: Path, source: Path, offset_ms: int) -> None:
    """Raise `BadInput` if the clip has no frame: ffmpeg reports success for an empty result."""
    with suppress(BadMedia), open_video(target) as (container, stream):
        if next((p for p in container.demux(stream) if p.size and not p.is_discard), None) is not None:
            return
    target.unlink(missing_ok=True)
    raise BadInput("the recording has no frame there", got=f"{offset_ms} ms in {source}", cure="ask for another time")
