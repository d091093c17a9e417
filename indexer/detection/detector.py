"""The protocol of a person detector: frames of one recording in, the same frames with their people out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from search.types import Detection, Frame

Detections = Iterator[tuple[Frame, list[Detection]]]
"""Frames in order of time, each with the people in it; boxes in pixels of the frame."""
Earlier = Callable[[], Iterable[Frame]]
"""Returns frames of a camera from before a recording."""


class Detector(Protocol):
    """Stream in, stream out, so that an implementation may read ahead or fill batches."""

    def open(self) -> None:
        """Load what is heavy."""

    def close(self) -> None:
        """Release what `open` loaded."""

    def detect(self, frames: Iterable[Frame], *, camera: str = "", earlier: Earlier | None = None) -> Detections:
        """Yield the same frames in the same order, each with the people in it. Several threads may call.

        Args:
            frames: frames of one recording of one fixed camera.
            camera: where its recordings follow one another; a call may use what earlier calls learnt of it.
                Empty: all state lives in the call.
            earlier: returns frames from before, for a camera of which nothing is known yet.
        """
        ...
