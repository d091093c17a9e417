"""Real video files for tests. Every picture carries its number in a strip of dark and light blocks along its top."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

import imageio_ffmpeg
import numpy as np

from search.types import Image

BITS = 8
FPS = 10
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def ffmpeg(*args: object, data: bytes | None = None) -> bytes:
    """Run the ffmpeg that pip brought; gives what it wrote to its output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, args)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@lru_cache(maxsize=4)
def _background(width: int, height: int) -> Image:
    noise = np.random.default_rng(7).integers(60, 160, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(noise, np.ones((8, 8, 1), np.uint8))[:height, :width])


def picture(number: int, width: int = 320, height: int = 240, colour: tuple[int, int, int] = (220, 30, 30)) -> Image:
    """Picture `number` of the scene: uint8 (height, width, 3), a rectangle moves over a texture."""
    image = _background(width, height).copy()
    left = (number * 6) % (width * 3 // 4)
    image[height // 2 : height * 7 // 8, left : left + width // 8] = colour
    for bit in range(BITS):
        block = slice(bit * (width // BITS), (bit + 1) * (width // BITS))
        image[: height // 6, block] = 235 if number >> bit & 1 else 20
    return image


def number_of(image: Image) -> int:
    """Which picture this is."""
    height, width = image.shape[:2]
    block = width // BITS
    strip = image[height // 24 : height // 8].mean(axis=(0, 2))
    return sum(
        int(strip[bit * block + block // 4 : bit * block + 3 * block // 4].mean() > 128) << bit for bit in range(BITS)
    )


def make(
    path: Path,
    *,
    seconds: float = 4,
    fps: float = FPS,
    size: tuple[int, int] = (320, 240),
    key_every: int = 10,
    encode: Sequence[str] = H264,
    extra: Iterable[object] = (),
    colour: tuple[int, int, int] = (220, 30, 30),
) -> Path:
    """Make a video of numbered pictures; `extra` are ffmpeg's options for the output. Gives `path`."""
    raw = b"".join(picture(n, *size, colour).tobytes() for n in range(round(seconds * fps)))
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", fps, "-i", "-")
    ffmpeg(*source, *encode, "-g", key_every, *extra, path, data=raw)
    return path


def open_files() -> int:
    """How many files this process holds open."""
    return len(list(cast(Iterable[Path], Path("/proc/self/fd").iterdir())))
