"""Keeps state by camera, for a bounded number of cameras."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


CAMERAS = 1000  # remembered at once, the latest used


class PerCamera(Generic[T]):
    """Something for each camera, made when it is first asked for. Safe for threads.

    Args:
        make: makes it.
        most: how many are kept.
    """

    def __init__(self, make: Callable[[], T], most: int = CAMERAS) -> None:
        self._make = make
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def of(self, camera_id: str) -> T:
        """The one of this camera."""
        with self._lock:
            if camera_id not in self._kept:
                self._kept[camera_id] = self._make()
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(camera_id)
            return self._kept[camera_id]
