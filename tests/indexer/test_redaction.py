"""A copy with bystanders blurred: who is spared, who is not, and what happens where nobody knows the person's place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from indexer.decoding.video_source import VideoSource
from indexer.detection.detector import Detections, Earlier
from indexer.redaction import KnownBox, PersonTrack, RedactionReport, blur_others
from search.errors import BadMedia
from search.types import Box, Detection, Frame, Image
from tests.support.videos import FPS, H264, ffmpeg

SIZE = (320, 240)
Span = tuple[int, int]
SECONDS = 6
LEFT, RIGHT = Box(40, 80, 100, 220), Box(220, 80, 280, 220)
OVER = Box(80, 80, 140, 220)
"""In front of who stands at the left."""


class Told:
    """A detector that finds whom it is told of. See `indexer.detection.detector.Detector`."""

    def __init__(self, people: Callable[[int], list[Box]]) -> None:
        self._people = people

    def open(self) -> None: ...

    def close(self) -> None: ...

    def detect(self, frames: Iterable[Frame], *, camera: str = "", earlier: Earlier | None = None) -> Detections:
        for frame in frames:
            yield frame, [Detection(box) for box in self._people(frame.offset_ms)]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine pattern in three colours that stands still."""
    width, height = SIZE
    rows, columns = np.mgrid[:height, :width]
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 1] = 60 + 120 * ((rows // 4 + columns // 4) % 2)
    image[:, : width // 2, 0] = 200
    image[:, width // 2 :, 2] = 200
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", FPS, "-i", "-")
    ffmpeg(*source, *H264, "-crf", 5, "-g", FPS, path, data=image.tobytes() * (SECONDS * FPS))
    return path


def blurred(
    film: Path,
    folder: Path,
    people: Callable[[int], list[Box]],
    known: Box = LEFT,
    span: tuple[int, int] = (1000, 5000),
) -> tuple[RedactionReport, list[tuple[int, Image]]]:
    """The account, and (offset ms in the film, picture) of the copy; the person is at `known` at 3 s."""
    target = folder / "out.mp4"
    where = [KnownBox(3000, Box(*(2 * v for v in known.xyxy)), 2 * SIZE[0], 2 * SIZE[1])]
    account = blur_others(film, target, span, where, Told(people), max_megapixels=17)
    with closing(VideoSource(target, interval_s=0.001, max_megapixels=17).frames()) as frames:
        return account, [(span[0] + frame.offset_ms, frame.image) for frame in frames]


def sharp(image: Image, box: Box) -> float:
    """1: as sharp as the film, 0: nothing to be seen."""
    part = cv2.cvtColor(Box(box.x1 + 4, box.y1 + 4, box.x2 - 4, box.y2 - 4).crop(image), cv2.COLOR_RGB2GRAY)
    return float(part.std()) / 35


def test_the_others_are_blurred_wherever_they_are(film: Path, tmp_path: Path) -> None:
    account, shown = blurred(film, tmp_path, lambda _: [LEFT, RIGHT])
    assert (account.frames, account.with_person, account.others) == (40, 40, 1)
    assert [at for at, _ in shown] == list(range(1000, 5000, 100))
    assert all(sharp(image, RIGHT) < 0.1 < 0.8 < sharp(image, LEFT) for _, image in shown)
    assert shown[0][1].shape == (SIZE[1], SIZE[0], 3)


def test_who_is_looked_for_stays_clear_where_another_covers_them(film: Path, tmp_path: Path) -> None:
    account, shown = blurred(film, tmp_path, lambda _: [LEFT, OVER])
    assert account.others == 1
    beside = Box(LEFT.x2 + 4, OVER.y1, OVER.x2, OVER.y2)
    assert all(sharp(image, beside) < 0.2 < 0.8 < sharp(image, LEFT) for _, image in shown)


def test_everybody_is_blurred_where_nobody_knows_the_persons_place(film: Path, tmp_path: Path) -> None:
    """The person is lost between 3.5 s and 5 s; somebody stands where they stood before."""
    account, shown = blurred(film, tmp_path, lambda at: [RIGHT, LEFT] if at <= 3500 else [RIGHT])
    assert account.frames == 40 > account.with_person
    for at, image in shown:
        assert sharp(image, RIGHT) < 0.1
        if at <= 3700:
            assert sharp(image, LEFT) > 0.8
        elif 3800 <= at < 4500:  # not found any more, and surely not gone far
            assert sharp(image, LEFT) < 0.1, at


def test_where_nobody_is_the_person_everybody_is_blurred(film: Path, tmp_path: Path) -> None:
    elsewhere = Box(140, 10, 180, 60)
    account, shown = blurred(film, tmp_path, lambda _: [LEFT, RIGHT], known=elsewhere)
    assert (account.with_person, account.others) == (0, 2)
    assert all(max(sharp(image, LEFT), sharp(image, RIGHT)) < 0.1 for _, image in shown)


def test_what_lies_between_two_looks_is_blurred_too(film: Path, tmp_path: Path) -> None:
    """Somebody crosses 60 pixels from one look to the next."""

    def crossing(at: int) -> list[Box]:
        x = 30 + at * 60 // 500 % 200
        return [Box(x, 80, x + 40, 220)]

    _, shown = blurred(film, tmp_path, crossing, known=Box(300, 10, 310, 40), span=(500, 1500))
    for at, image in shown:
        x = 30 + at * 60 // 500
        assert sharp(image, Box(x, 80, x + 40, 220)) < 0.3, at


def test_a_recording_without_a_picture_there(film: Path, tmp_path: Path) -> None:
    with pytest.raises(BadMedia, match="no frame there"):
        blurred(film, tmp_path, lambda _: [], span=(60_000, 70_000))
    assert not (tmp_path / "out.mp4").exists()


def test_a_walk() -> None:
    walk = PersonTrack([1000, 2000], [Box(0, 0, 10, 20), Box(100, 0, 110, 20)])
    assert walk.at(1500) == Box(50, 0, 60, 20)
    assert walk.at(999) is None
    assert walk.at(999, 250) == walk.boxes[0]
    assert walk.at(2251, 250) is None
    assert walk.around(1500) == Box(0, 0, 112, 22)
    assert walk.around(3200) is None
    nearly = walk.around(2900)
    assert nearly is not None
    assert nearly.width > 10 + 2 * 16  # gone for 0.9 s
