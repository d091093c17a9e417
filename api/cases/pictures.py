"""The images of cases, each case in a folder of its own. They appear whole."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np

from search.errors import NotFound, Unavailable
from search.media import photo_file, read_photo
from search.types import Box, Image

PHOTO_PX = 1024
_QUALITY = 92


def as_jpeg(image: Image) -> bytes:
    """Encode `image`, uint8 (H, W, 3), without any metadata of the original."""
    from PIL import Image as Pillow

    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def photo_bytes(data: bytes, name: str = "the photo") -> bytes:
    """Return a photo as it is kept: JPEG, at most `PHOTO_PX` on its longer side. Raises `BadInput`."""
    return as_jpeg(read_photo(data, name=name, longest_px=PHOTO_PX))


def person_in(path: Path, box: Box, width: int, height: int) -> Image:
    """Cut `box` out of a kept image; the box is in pixels of `width` x `height`, the size of the original frame."""
    image = photo_file(path)
    scale_y, scale_x = image.shape[0] / height, image.shape[1] / width
    x1, y1 = int(box.x1 * scale_x), int(box.y1 * scale_y)
    x2, y2 = max(x1 + 1, round(box.x2 * scale_x)), max(y1 + 1, round(box.y2 * scale_y))
    return np.ascontiguousarray(image[y1:y2, x1:x2])


class CasePictures:
    """Photos, which somebody handed in, and stills, which show sightings; JPEG, by case and number.

    Args:
        root: a folder; made when first needed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def photo(self, case_id: str, number: int) -> Path:
        """Return the path of a photo; it may not exist."""
        return self._root / case_id / f"photo-{number}.jpg"

    def still(self, case_id: str, number: int) -> Path:
        """Return the path of a sighting's image; it may not exist."""
        return self._root / case_id / f"sighting-{number}.jpg"

    def put(self, path: Path, jpeg: bytes) -> None:
        """Store an image where `photo` or `still` says. Raises `Unavailable`."""
        temporary = path.with_suffix(".tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(jpeg)
            temporary.replace(path)
        except OSError as e:
            cure = f"{e.strerror or e}; check room and rights of the data folder"
            raise Unavailable("an image of the case cannot be written", got=path, cure=cure) from None

    def remove(self, case_id: str) -> None:
        """Remove all images of a case."""
        shutil.rmtree(self._root / case_id, ignore_errors=True)


def existing(path: Path) -> Path:
    """Return `path`, or raise `NotFound`."""
    if not path.is_file():
        raise NotFound("there is no such image", got=path.name, cure="it was deleted by hand, or never there")
    return path
