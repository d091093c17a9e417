"""Photos that people hand in, good and bad."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from search.errors import BadInput
from search.media.photos import MAX_BYTES, jpeg, photo_file, read_photo
from search.types import Box


def encoded(width: int = 60, height: int = 40, kind: str = "PNG", **more: object) -> bytes:
    picture = Pillow.new("RGB", (width, height), (200, 10, 10))
    picture.paste((10, 10, 200), (width // 2, 0, width, height))  # red on the left, blue on the right
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_usual_files_are_read(kind: str) -> None:
    image = read_photo(encoded(kind=kind))
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    assert image[20, 10, 0] > 150 > 60 > image[20, 50, 0]


def test_a_photo_is_turned_upright() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees
    image = read_photo(encoded(kind="JPEG", exif=exif))
    assert image.shape == (60, 40, 3)
    assert image[5, 20, 0] > 150 > 60 > image[55, 20, 0]


def test_a_box_is_cut_out_and_large_ones_are_made_smaller() -> None:
    assert read_photo(encoded(), Box(30, 0, 60, 40))[..., 2].min() > 150
    assert read_photo(encoded(3000, 1500)).shape == (512, 1024, 3)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_every_kind_of_colour_becomes_rgb(mode: str) -> None:
    file = io.BytesIO()
    Pillow.new(mode, (32, 32)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert read_photo(file.getvalue()).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (encoded()[:90], "not an image"),
        (encoded(kind="GIF"), "not an image"),
        (encoded(8, 200), "too small"),
        (b"x" * (MAX_BYTES + 1), "too large"),
        (encoded(10_000, 6_001, "PNG", compress_level=1), "too many pixels"),
    ],
)
def test_what_is_no_photo_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_photo(data)


def test_a_box_outside_is_refused() -> None:
    with pytest.raises(BadInput, match="outside"):
        read_photo(encoded(), Box(0, 0, 61, 40))


def test_files(tmp_path: Path) -> None:
    (tmp_path / "child.png").write_bytes(encoded())
    image = photo_file(tmp_path / "child.png")
    assert read_photo(jpeg(image)).shape == image.shape
    with pytest.raises(BadInput, match="cannot be read"):
        photo_file(tmp_path / "none.png")
