"""Finds people in the pictures of one recording: by motion, or with a detector that was trained on COCO."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from indexer.detection.motion import Answers, Earlier, MotionDetector
from indexer.detection.torchvision_detector import TorchvisionDetector
from search.errors import BadInput
from search.types import Frame

if TYPE_CHECKING:
    pass

__all__ = ["Detector", "MotionDetector", "TorchvisionDetector", "make_detector"]


class Detector(Protocol):
    """Stream in, stream out, so that an implementation may look ahead or fill batches."""

    def open(self) -> None:
        """Load what is heavy."""

    def close(self) -> None:
        """Let it go."""

    def detect(self, frames: Iterable[Frame], *, camera: str = "", earlier: Earlier | None = None) -> Answers:
        """The same frames in the same order, each with the people in it. Several threads may call.

        Args:
            frames: of one recording of one fixed camera.
            camera: where its recordings follow one another; what was learnt of it in one call may be used in the next.
                Empty: all state lives in the call.
            earlier: gives frames from before, for a camera that nothing is known of yet.
        """
        ...


def make_detector(name: str, *, weights: str = "", device: str = "auto") -> Detector:
    """The detector of a `detector` setting.

    Raises:
        BadInput: unknown name; the known ones are listed.
    """
    if name == "motion":
        return MotionDetector()
    if name == "torchvision":
        return TorchvisionDetector(weights, device=device)
    raise BadInput("unknown detector", got=name, expected="motion or torchvision", cure="correct the detector setting")
