"""Privacy masks: the parts that a camera's polygons cover are black before detection, embedding and drawing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from search.catalog import Catalog
from search.errors import Unavailable
from search.media import covered
from search.stream_types import Polygon, Rules
from search.types import Image

log = logging.getLogger(__name__)


def blackened(image: Image, polygons: Sequence[Polygon]) -> Image:
    """Blacken every pixel of `image` (uint8 (H, W, 3)) that `search.media.privacy_masks.covered` names.

    Without polygons the result is the image itself, otherwise a copy.
    """
    if not polygons:
        return image
    height, width = image.shape[:2]
    dark = image.copy()
    dark[covered(width, height, polygons) > 0] = 0
    return dark


class PrivacyMasks:
    """The cameras' masks, at most `refresh_s` old. Safe for threads.

    Where the catalogue does not answer, the masks that were read last stay valid: a mask that could not be read never
    uncovers anything.

    Args:
        catalog: open.
        refresh_s: seconds after which the catalogue is read again.
    """

    def __init__(self, catalog: Catalog, *, refresh_s: float = 3.0) -> None:
        self._catalog = catalog
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._rules: dict[str, Rules] | None = None
        self._due = 0.0

    def masks(self, camera_id: str) -> Sequence[Polygon]:
        """Return the camera's polygons, in shares 0 to 1; empty if it has none.

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
            self._rules = self._catalog.streams.rules()
        except Unavailable as e:
            if self._rules is None:
                raise
            log.warning("masks could not be read again, the last ones stay valid: %s", e)
        self._due = time.monotonic() + self._refresh_s
