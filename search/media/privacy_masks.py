"""Draws privacy masks: which pixels of a frame a camera's polygons cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.stream_types import Polygon
from search.types import Image

_SHIFT = 8  # binary places of a point's pixels
_RIM_PX = 3  # a line of this width covers every pixel that the thin one touches


def covered(width: int, height: int, polygons: Sequence[Polygon]) -> Image:
    """Return uint8 (height, width): 255 in every pixel that a polygon touches and up to two around it, else 0.

    Parts that a self-crossing polygon encloses an even number of times stay. Overlapping polygons cover what either
    covers.
    """
    import cv2

    cover = np.zeros((height, width), np.uint8)
    for polygon in polygons:  # one by one: in one call, parts that two of them cover would stay
        corners = np.asarray(polygon, np.float64) * (width, height) - 0.5  # OpenCV counts from a pixel's middle
        points = np.rint(corners * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(cover, [points], 255, cv2.LINE_8, _SHIFT)
        cv2.polylines(cover, [points], True, 255, _RIM_PX, cv2.LINE_8, _SHIFT)
    return cover


def mask_png(width: int, height: int, polygons: Sequence[Polygon]) -> bytes:
    """Return a PNG of that size: black where a polygon covers it, transparent elsewhere."""
    import cv2

    image = np.zeros((height, width, 4), np.uint8)
    image[..., 3] = covered(width, height, polygons)
    return bytes(cv2.imencode(".png", image)[1])
