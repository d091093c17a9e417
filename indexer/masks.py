"""Privacy masks: what a camera's polygons cover is black before anything is detected, embedded or drawn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

import cv2
import numpy as np

from search.errors import Unavailable
from search.live import Polygon, Rules
from search.live_catalog import LiveCatalog
from search.types import Image

log = logging.getLogger(__name__)

_SHIFT = 8  # binary places of a point's pixels
_RIM_PX = 3  # a line of this width covers every pixel that the thin one touches


def blackened(image: Image, polygons: Sequence[Polygon]) -> Image:
    """`image` (uint8 (H, W, 3)) with every pixel black that a polygon touches, and up to two pixels around.

    Without polygons it is the image itself, otherwise a copy. Where a polygon crosses itself, what it encloses an even
    number of times stays; polygons that overlap cover what either covers.
    """
    if not polygons:
        return image
    covered = image.copy()
    height, width = image.shape[:2]
    for polygon in polygons:  # one by one: together, what two of them cover would stay
        corners = np.asarray(polygon, np.float64) * (width, height) - 0.5  # OpenCV counts from a pixel's middle
        points = np.rint(corners * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(covered, [points], (0, 0, 0), cv2.LINE_8, _SHIFT)
        cv2.polylines(covered, [points], True, (0, 0, 0), _RIM_PX, cv2.LINE_8, _SHIFT)
    return covered


class MaskBook:
    """The cameras' masks, at most `refresh_s` old. Safe for threads.

    Where the catalogue does not answer, the masks that were read last hold on: nothing is ever shown because a mask
    could not be read.

    Args:
        live: open.
        refresh_s: seconds after which it is asked again.
    """

    def __init__(self, live: LiveCatalog, *, refresh_s: float = 3.0) -> None:
        self._live = live
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._rules: dict[str, Rules] | None = None
        self._due = 0.0

    def masks(self, camera_id: str) -> Sequence[Polygon]:
        """The camera's polygons, shares 0 to 1; empty if it has none.

        Raises:
            Unavailable: the catalogue does not answer, and never did.
        """
        with self._lock:
            if time.monotonic() >= self._due:
                self._read()
            rules = (self._rules or {}).get(camera_id)
        return rules.masks if rules else ()

    def _read(self) -> None:
        try:
            self._rules = self._live.rules()
        except Unavailable as e:
            if self._rules is None:
                raise
            log.warning("masks could not be read again, the last ones hold: %s", e)
        self._due = time.monotonic() + self._refresh_s
