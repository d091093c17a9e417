from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from search.errors import BadInput, Unavailable
from search.media.media_store import MediaStore, encode_thumbnail, shrink
from tests.support.videos import number_of, picture

SEGMENT = "0123456789abcdef01234567"
NO_IDS = ["", "..", "../x", "a/b", "/etc", "a\\b", "a\0", "é", "x" * 200, "a.b", "a\n"]


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def test_thumbnails_are_small_jpegs() -> None:
    image = picture(3, 1280, 720)
    back = cv2.imdecode(np.frombuffer(encode_thumbnail(image), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert back.shape == (360, 640, 3)
    assert number_of(np.asarray(cv2.cvtColor(back, cv2.COLOR_BGR2RGB), np.uint8)) == 3
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 200
    back = cv2.imdecode(np.frombuffer(encode_thumbnail(red), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert back.shape == (40, 60, 3)
    assert back[20, 30, 2] > 180 > 40 > back[20, 30, 0]
    tall = cv2.imdecode(np.frombuffer(encode_thumbnail(picture(0, 720, 1280)), np.uint8), cv2.IMREAD_COLOR)
    assert tall is not None
    assert tall.shape == (1138, 640, 3)
    assert shrink(image, 640).shape == (360, 640, 3)
    assert shrink(image, 5000) is image
    assert shrink(np.zeros((1, 3000, 3), np.uint8), 100).shape == (1, 100, 3)


def test_a_thumbnail_is_stored_whole_and_only_once(store: MediaStore) -> None:
    path = store.thumbnail_path(SEGMENT, 1000)
    assert not path.exists()
    store.put_thumbnail(SEGMENT, 1000, b"one")
    store.put_thumbnail(SEGMENT, 1000, b"one")
    assert path.read_bytes() == b"one"
    assert [p.name for p in path.parent.iterdir()] == ["1000.jpg"]


def test_a_file_in_the_way_of_the_folder_is_an_error_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        MediaStore(tmp_path / "media").put_thumbnail(SEGMENT, 0, b"x")


@pytest.mark.parametrize("bad", NO_IDS)
def test_no_id_leads_out_of_the_folder(store: MediaStore, tmp_path: Path, bad: str) -> None:
    for use in (lambda: store.thumbnail_path(bad, 0), lambda: store.put_thumbnail(bad, 0, b"")):
        with pytest.raises(BadInput, match="not a segment id"):
            use()
    assert not list(tmp_path.iterdir())
