"""Reads the photos of a search within limits: upright, RGB."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np

from search.errors import BadInput
from search.types import Box, Image

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 60_000_000
MIN_PX = 16
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "MPO")
_CURE = "save it as JPEG or PNG"


def read_photo(data: bytes, box: Box | None = None, *, name: str = "the photo", longest_px: int = 1024) -> Image:
    """Return the photo upright, uint8 (H, W, 3) RGB, at most `longest_px` on its longer side.

    Args:
        data: a file's bytes.
        box: the part to take, pixels of the upright photo; None: all of it.
        name: name of the file, for messages.
        longest_px: larger photos are scaled down.

    Raises:
        BadInput: not an image, too large, too small, or a box outside it.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps

    if len(data) > MAX_BYTES:
        raise BadInput(f"{name} is too large", got=f"{len(data)} bytes", expected=f"at most {MAX_BYTES}", cure=_CURE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own about size: checked here
            with Pillow.open(io.BytesIO(data), formats=_FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    size = f"{opened.width} x {opened.height}"
                    raise BadInput(f"{name} has too many pixels", got=size, expected=f"at most {MAX_PIXELS}")
                upright = ImageOps.exif_transpose(opened).convert("RGB")
    except BadInput:
        raise
    except Exception as e:  # Pillow raises many kinds for damaged files
        raise BadInput(f"{name} is not an image that can be read", got=type(e).__name__, cure=_CURE) from None
    if box is not None:
        if box.x2 > upright.width or box.y2 > upright.height:
            size = f"{upright.width} x {upright.height}"
            raise BadInput(f"the box is outside {name}", got=box.xyxy, expected=f"inside {size}")
        upright = upright.crop(box.xyxy)
    if min(upright.size) < MIN_PX:
        raise BadInput(f"{name} is too small", got=upright.size, expected=f"at least {MIN_PX} pixels on each side")
    upright.thumbnail((longest_px, longest_px))
    return np.asarray(upright, np.uint8)


def photo_file(path: Path, box: Box | None = None) -> Image:
    """Read a photo from a file (see `read_photo`). Raises `BadInput`, also where the file cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput("the photo is too large", got=path, expected=f"at most {MAX_BYTES} bytes", cure=_CURE)
        return read_photo(path.read_bytes(), box, name=path.name)
    except OSError as e:
        raise BadInput("the photo cannot be read", got=path, cure=str(e.strerror or e)) from None


def jpeg(image: Image) -> bytes:
    """Encode the image as a JPEG file."""
    from PIL import Image as Pillow

    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=92)
    return file.getvalue()
