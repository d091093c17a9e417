"""Media of simulated cameras: Annex-B files whose access units begin with a delimiter, where a server cuts them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

from search.errors import BadInput
from search.media import ffmpeg_path

Codec = Literal["h264", "h265"]

_ENCODERS: dict[str, tuple[str, ...]] = {
    "h264": ("libx264", "-x264-params", "aud=1:open-gop=0:scenecut=0"),
    "h265": ("libx265", "-x265-params", "aud=1:open-gop=0:scenecut=0:repeat-headers=1:log-level=error"),
}


def make_media(
    folder: Path,
    *,
    width: int,
    height: int,
    fps: float = 25,
    seconds: float = 10,
    key_s: float = 1.0,
    bitrate_kbit: int = 300,
    codec: Codec = "h264",
    scene: str | Path = "testsrc2",
) -> Path:
    """The file of that description in `folder`; encoded unless it is there already.

    Args:
        folder: made when missing.
        width: of the picture, in pixels, even.
        height: of the picture, in pixels, even.
        fps: pictures per second.
        seconds: length; a whole number of `key_s` loops without a short group of pictures.
        key_s: seconds between key frames; groups are closed, without B-frames.
        bitrate_kbit: mean, kbit/s; peaks are held to one and a half times of it.
        codec: ends the file's name, which tells a `Mount` what it is.
        scene: a lavfi source that takes `size` and `rate`, or a video file, which is looped and scaled.

    Raises:
        BadInput: ffmpeg cannot make this.
        Unavailable: there is no ffmpeg.
    """
    what = scene.stem if isinstance(scene, Path) else scene
    name = f"{what}-{width}x{height}-{fps:g}fps-{seconds:g}s-key{key_s:g}s-{bitrate_kbit}k.{codec}"
    file = folder / name
    if file.exists():
        return file
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"part-{name}")  # what an interrupted run left half made is not taken for whole
    group = str(max(1, round(key_s * fps)))
    encoder, *parameters = _ENCODERS[codec]
    command = [
        ffmpeg_path(), "-nostdin", "-v", "error", "-y", *_source(scene, width, height, fps),
        "-t", f"{seconds:g}", "-an",
        "-c:v", encoder, "-preset", "veryfast", *parameters, "-bf", "0", "-g", group, "-keyint_min", group,
        "-b:v", f"{bitrate_kbit}k", "-maxrate", f"{bitrate_kbit * 3 // 2}k", "-bufsize", f"{bitrate_kbit * 2}k",
        "-pix_fmt", "yuv420p", "-f", "hevc" if codec == "h265" else "h264", str(part),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        part.unlink(missing_ok=True)
        raise BadInput("ffmpeg cannot make the camera's media", got=done.stderr.decode("utf-8", "replace").strip())
    part.rename(file)
    return file


def _source(scene: str | Path, width: int, height: int, fps: float) -> list[str]:
    """Input and filter options of ffmpeg."""
    if isinstance(scene, Path):
        return ["-stream_loop", "-1", "-i", str(scene), "-vf", f"scale={width}:{height},fps={fps:g}"]
    return ["-f", "lavfi", "-i", f"{scene}=size={width}x{height}:rate={fps:g}"]
