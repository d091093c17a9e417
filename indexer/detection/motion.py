"""Detects people on a fixed camera: regions that differ from its background with a person's size and form."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator

import cv2
import numpy as np

from indexer.detection.background_model import SAME, BackgroundModel, difference_between, tone_between, toned
from indexer.detection.blobs import SMALLEST, Blob, Rectangle, blobs_of, changed, columns_of, contour, merged, part_of
from indexer.detection.camera_memory import PerCamera
from indexer.detection.detector import Detections, Earlier
from search.types import Box, Detection, Frame, Image

WORK_WIDTH = 320  # pixels; a person must be about 12 of them tall to be found
AHEAD = 32  # frames that are read before the first one is yielded
AHEAD_BYTES = 192_000_000  # of full frames held meanwhile
AHEAD_LEAST = 4  # frames held however large they are
GHOST = 1.3  # the background's edges along an outline are this much stronger: a person in it has left
GHOST_PROVEN = 2.0  # and so much where the background returned often: many people in the same clothes stood there
OUTLINE = 6.0  # edges (0..255) along a person's outline; a reflection or a change of light has softer ones
FIRM = 18.0  # edges that need no comparison; softer ones must be stronger than the background's there
FIRMER = 1.2  # by so much
TURNED = 0.55  # share of changed pixels from which the light was switched, or the camera was turned
MARGIN = 0.06  # of a box, added on each side
NEAR = 0.35  # of the frame's height; from there on people are cut off by its edges and look wide
MAX_PEOPLE = 60  # in one frame; of more, those with the highest scores

CAMERAS = 300  # whose backgrounds are kept, about 4 MB each

_DetectionsAndScene = Generator[tuple[Frame, list[Detection]], None, "_Scene | None"]
"""Yields detections, and returns the scene of the last frame."""


class MotionDetector:
    """Finds people by motion against a learnt background. Needs a fixed camera and no weights.

    The first `AHEAD` frames (fewer if they are large: about 200 MB) are held until the background is known, so that
    people in the first one are found too. A frame of another size, a light that is switched or a camera that is
    turned restarts this. A person who never moves while the camera records is part of the background.
    Deterministic; the state of a recording belongs to one call of `detect`, that of a live `camera` to the detector.
    """

    def __init__(self) -> None:
        self._cameras = PerCamera(_CameraScene, CAMERAS)

    def open(self) -> None:
        """Do nothing: no weights are needed."""

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def detect(self, frames: Iterable[Frame], *, camera: str = "", earlier: Earlier | None = None) -> Detections:
        """Yield the same frames in the same order, each with the people in it; boxes in its own pixels.

        Args:
            frames: frames of one file of one camera, any interval; made for one every second or two.
            camera: its background is kept from call to call; two calls for the same one wait for each other.
            earlier: frames that a camera's background is learnt from before its first call.
        """
        if not camera:
            yield from _detect(frames, None)
            return
        state = self._cameras.of(camera)
        with state.lock:
            if state.scene is None and earlier is not None:
                state.scene = _learn(earlier())
            state.scene = yield from _detect(frames, state.scene)


class _CameraScene:
    """The scene that is kept of a camera."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.scene: _Scene | None = None


def _detect(frames: Iterable[Frame], scene: _Scene | None) -> _DetectionsAndScene:
    """Detect in all frames. Returns the scene of the last one."""
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
            yield from _detect_ahead(ahead)
            ahead = []
        ahead.append((frame, small))
        if len(ahead) >= max(AHEAD_LEAST, min(AHEAD, AHEAD_BYTES // frame.image.nbytes)):
            scene = yield from _detect_ahead(ahead)
            ahead = []
    return (yield from _detect_ahead(ahead)) or scene


def _learn(frames: Iterable[Frame]) -> _Scene | None:
    """Return the scene that these frames show at their end."""
    scene: _Scene | None = None
    for frame in frames:
        small = _shrunk(frame.image)
        if scene is None or scene.people(small, frame.image) is None:
            scene = _Scene(small)
    return scene


def _detect_ahead(ahead: list[tuple[Frame, Image]]) -> _DetectionsAndScene:
    """Learn from all frames that were held, then detect in them."""
    if not ahead:
        return None
    scene = _Scene(ahead[0][1])
    for frame, small in ahead:
        scene.people(small, frame.image)
    for frame, small in ahead:
        yield frame, scene.people(small, frame.image, learn=False) or []
    return scene


def _shrunk(image: Image) -> Image:
    """Return a copy about `WORK_WIDTH` pixels wide and slightly blurred; halving first is several times faster."""
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
    """Return whether size, light or view differ beyond what a change of exposure explains."""
    if before.shape != after.shape:
        return True
    lit = toned(before, *tone_between(before, after))
    return float(np.mean(difference_between(lit, after) > SAME)) > TURNED


class _Scene:
    """One view in one light, from its first frame on."""

    def __init__(self, first: Image) -> None:
        self._background = BackgroundModel(first)

    def people(self, small: Image, image: Image, *, learn: bool = True) -> list[Detection] | None:
        """Return the people in `image`, of which `small` is the working copy; None if it is another scene."""
        scene = self._background
        if small.shape != scene.shape:
            return None
        now = scene.exposed(small, learn=learn)
        difference = difference_between(now, scene.image)
        far = (difference > SAME).astype(np.uint8)
        if cv2.countNonZero(far) > TURNED * far.size:
            return None
        before = scene.image.copy() if learn else scene.image
        if learn:
            scene.remember(now, far)
        blobs = [b for b in blobs_of(changed(now, before, difference)) if not self._is_ghost(b, now, before, learn)]
        people = [d for blob in merged(blobs) for d in _detections(blob, now, before, image)]
        return sorted(sorted(people, key=lambda d: -d.score)[:MAX_PEOPLE], key=lambda d: d.box.xyxy)

    def _is_ghost(self, blob: Blob, now: Image, before: Image, learn: bool) -> bool:
        """Return whether a person who was taken for background has left; then the view there now is the background."""
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
    """Yield the people of a blob: none if it has no firm outline, several if they stand side by side."""
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
    """Return 0..1, high for a firm outline, a filled form and a standing person's aspect."""
    _, _, w, h = rectangle
    aspect = max(0.2, 1 - abs(np.log(h / w / 2.6)) / 1.6)
    return float((min(1.0, edges / 24) * min(1.0, filled / (0.55 * w * h)) * aspect) ** (1 / 3))


def _full_box(rectangle: Rectangle, small: tuple[int, ...], full: tuple[int, ...]) -> Box:
    """Return the box with a margin, in pixels of the full frame, inside it."""
    x, y, w, h = rectangle
    across, down = full[1] / small[1], full[0] / small[0]
    return Box(
        min(full[1] - 1, max(0, round((x - MARGIN * w) * across))),
        min(full[0] - 1, max(0, round((y - MARGIN * h) * down))),
        min(full[1], max(1, round((x + w + MARGIN * w) * across))),
        min(full[0], max(1, round((y + h + MARGIN * h) * down))),
    )
