"""Keeps state by camera, for a bounded number of cameras."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


CAMERAS = 1000  # kept at once, the latest used


class PerCamera(Generic[T]):
    """A value for each camera, made on first use. Safe for threads.

    Args:
        make: makes a value.
        most: how many are kept.
    """

    def __init__(self, make: Callable[[], T], most: int = CAMERAS) -> None:
        self._make = make
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[str, T] = OrderedDict()

    def of(self, camera_id: str) -> T:
        """Return the value of this camera; make it on first use."""
        with self._lock:
            if camera_id not in self._values:
                self._values[camera_id] = self._make()
                if len(self._values) > self._most:
                    self._values.popitem(last=False)
            self._values.move_to_end(camera_id)
            return self._values[camera_id]
