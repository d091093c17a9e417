"""People on a fixed camera: what differs from its background and has a person's size and form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator

import cv2
import numpy as np

from indexer.detection.background_model import SAME, BackgroundModel, difference_between, tone_between, toned
from indexer.detection.blobs import SMALLEST, Blob, Rectangle, blobs_of, changed, columns_of, contour, merged, part_of
from indexer.detection.camera_memory import PerCamera
from search.types import Box, Detection, Frame, Image

WORK_WIDTH = 320  # pixels; a person must be about 12 of them tall to be found
AHEAD = 32  # pictures that are looked at before the first one is answered
AHEAD_BYTES = 192_000_000  # of full pictures held meanwhile
AHEAD_LEAST = 4  # pictures held however large they are
GHOST = 1.3  # the background's edges along an outline are this much stronger: somebody in it has left
GHOST_PROVEN = 2.0  # and so much where the background came back often: many who wore the same stood there
OUTLINE = 6.0  # edges (0..255) along a person's outline; a reflection or a change of light has softer ones
FIRM = 18.0  # edges that need no comparison; softer ones must be stronger than the background's there
FIRMER = 1.2  # by so much
TURNED = 0.55  # share of changed pixels from which the light was switched, or the camera moved
MARGIN = 0.06  # of a box, added on each side
NEAR = 0.35  # of the picture's height; from there on people are cut off by its edges and look wide
MOST = 60  # people in one picture; of more, the ones with the highest scores

CAMERAS = 300  # whose backgrounds are remembered, about 4 MB each

Answers = Iterator[tuple[Frame, list[Detection]]]
Answering = Generator[tuple[Frame, list[Detection]], None, "_Scene | None"]
"""Answers, and the scene that they end with."""
Earlier = Callable[[], Iterable[Frame]]


class MotionDetector:
    """Finds people by motion against a learnt background. Needs a fixed camera and no weights.

    The first `AHEAD` pictures (fewer if they are large: about 200 MB) are held until the background is known, so that
    who is there from the start is found too. A picture of another size, a light that is switched or a camera that is
    turned starts anew in the same way. Somebody who never moves while the camera records is part of the background.
    Deterministic; the state of a recording belongs to one call of `detect`, that of a live `camera` to the detector.
    """

    def __init__(self) -> None:
        self._known = PerCamera(_CameraScene, CAMERAS)

    def open(self) -> None:
        """Nothing is heavy here."""

    def close(self) -> None:
        """Nothing is held."""

    def detect(self, frames: Iterable[Frame], *, camera: str = "", earlier: Earlier | None = None) -> Answers:
        """The same frames in the same order, each with the people in it; boxes in its own pixels.

        Args:
            frames: of one file of one camera, any interval; made for one every second or two.
            camera: whose background is remembered from call to call; two calls for the same one wait for each other.
            earlier: frames that a camera's background is learnt from before its first call.
        """
        if not camera:
            yield from _detected(frames, None)
            return
        known = self._known.of(camera)
        with known.lock:
            if known.scene is None and earlier is not None:
                known.scene = _learnt(earlier())
            known.scene = yield from _detected(frames, known.scene)


class _CameraScene:
    """What is remembered of a camera."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.scene: _Scene | None = None


def _detected(
    frames: Iterable[Frame], scene: _Scene | None
) -> Generator[tuple[Frame, list[Detection]], None, _Scene | None]:
    """Answer all frames. Returns the scene of the last one."""
    ahead: list[tuple[Frame, Image]] = []
    for frame in frames:
        small = _shrunk(frame.image)
        if scene is not None:
            people = scene.people(small, frame.image)
            if people is not None:
                yield frame, people
                continue
            scene = None
        if ahead and _is_turned(ahead[-1][1], small):
            yield from _answered(ahead)
            ahead = []
        ahead.append((frame, small))
        if len(ahead) >= max(AHEAD_LEAST, min(AHEAD, AHEAD_BYTES // frame.image.nbytes)):
            scene = yield from _answered(ahead)
            ahead = []
    return (yield from _answered(ahead)) or scene


def _learnt(frames: Iterable[Frame]) -> _Scene | None:
    """The scene that these frames show at their end."""
    scene: _Scene | None = None
    for frame in frames:
        small = _shrunk(frame.image)
        if scene is None or scene.people(small, frame.image) is None:
            scene = _Scene(small)
    return scene


def _answered(ahead: list[tuple[Frame, Image]]) -> Answering:
    """Learn from all pictures that were held, then answer them."""
    if not ahead:
        return None
    scene = _Scene(ahead[0][1])
    for frame, small in ahead:
        scene.people(small, frame.image)
    for frame, small in ahead:
        yield frame, scene.people(small, frame.image, learn=False) or []
    return scene


def _shrunk(image: Image) -> Image:
    """About `WORK_WIDTH` pixels wide and slightly blurred; halving first is several times faster than one step."""
    while image.shape[1] >= 2 * WORK_WIDTH and image.shape[0] >= 2:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        image = np.asarray(
            cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    height, width = image.shape[:2]
    size = (WORK_WIDTH, min(4 * WORK_WIDTH, max(16, round(height * WORK_WIDTH / width))))
    small = image if size == (width, height) else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(small, (3, 3)), np.uint8)


def _is_turned(before: Image, after: Image) -> bool:
    """Whether two pictures show another size, light or view, beyond what a change of exposure explains."""
    if before.shape != after.shape:
        return True
    lit = toned(before, *tone_between(before, after))
    return float(np.mean(difference_between(lit, after) > SAME)) > TURNED


class _Scene:
    """One view in one light, from its first picture on."""

    def __init__(self, first: Image) -> None:
        self._background = BackgroundModel(first)

    def people(self, small: Image, image: Image, *, learn: bool = True) -> list[Detection] | None:
        """Boxes in pixels of `image`, of which `small` is the copy to work on; None if it is another scene."""
        scene = self._background
        if small.shape != scene.shape:
            return None
        now = scene.exposed(small, learn=learn)
        difference = difference_between(now, scene.picture)
        far = (difference > SAME).astype(np.uint8)
        if cv2.countNonZero(far) > TURNED * far.size:
            return None
        before = scene.picture.copy() if learn else scene.picture
        if learn:
            scene.remember(now, far)
        blobs = [b for b in blobs_of(changed(now, before, difference)) if not self._is_ghost(b, now, before, learn)]
        found = [d for blob in merged(blobs) for d in _detections(blob, now, before, image)]
        return sorted(sorted(found, key=lambda d: -d.score)[:MOST], key=lambda d: d.box.xyxy)

    def _is_ghost(self, blob: Blob, now: Image, before: Image, learn: bool) -> bool:
        """Whether somebody who was taken for background has left; then what is there now is the background."""
        (x, y, _, _), mask = blob
        rows, columns = np.nonzero(mask)
        pixels = (rows + y) * now.shape[1] + columns + x
        part = part_of(blob[0])
        limit = GHOST_PROVEN if self._background.is_proven(pixels) else GHOST
        if contour(before[part], mask) < limit * contour(now[part], mask):
            return False
        if learn:
            self._background.replace(pixels)
        return True


def _detections(blob: Blob, now: Image, before: Image, image: Image) -> Iterator[Detection]:
    """The people of a blob: none if it has no firm outline, several if they stand side by side."""
    (x, y, _, _), mask = blob
    part = part_of(blob[0])
    edges = contour(now[part], mask)
    if edges <= OUTLINE or edges <= min(FIRM, FIRMER * contour(before[part], mask)):
        return
    for left, right in columns_of(mask):
        piece = mask[:, left:right]
        filled = np.flatnonzero(piece.any(axis=1))
        if not filled.size:
            continue
        top, bottom = int(filled[0]), int(filled[-1]) + 1
        rectangle = (x + left, y + top, right - left, bottom - top)
        if _is_person_like(rectangle, int(piece.sum()), now.shape):
            yield Detection(_full_box(rectangle, now.shape, image.shape), _score(rectangle, int(piece.sum()), edges))


def _is_person_like(rectangle: Rectangle, filled: int, shape: tuple[int, ...]) -> bool:
    _, _, w, h = rectangle
    widest = 0.6 if h >= NEAR * shape[0] else 1.0
    return h >= SMALLEST * shape[0] and 0.3 * w * h <= filled and widest <= h / w <= 6.5


def _score(rectangle: Rectangle, filled: int, edges: float) -> float:
    """0..1: a firm outline, a filled form and a standing person's aspect."""
    _, _, w, h = rectangle
    aspect = max(0.2, 1 - abs(np.log(h / w / 2.6)) / 1.6)
    return float((min(1.0, edges / 24) * min(1.0, filled / (0.55 * w * h)) * aspect) ** (1 / 3))


def _full_box(rectangle: Rectangle, small: tuple[int, ...], full: tuple[int, ...]) -> Box:
    """With a margin, in pixels of the full picture, inside it."""
    x, y, w, h = rectangle
    across, down = full[1] / small[1], full[0] / small[0]
    return Box(
        min(full[1] - 1, max(0, round((x - MARGIN * w) * across))),
        min(full[0] - 1, max(0, round((y - MARGIN * h) * down))),
        min(full[1], max(1, round((x + w + MARGIN * w) * across))),
        min(full[0], max(1, round((y + h + MARGIN * h) * down))),
    )
