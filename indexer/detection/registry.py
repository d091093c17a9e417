"""The detectors by the name that the setting `detector` has. A new one is a module and a line in `DETECTORS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from indexer.detection.detector import Detector
from indexer.detection.motion import MotionDetector
from indexer.detection.torchvision_detector import TorchvisionDetector
from search.errors import BadInput

DETECTORS: Mapping[str, Callable[[str, str], Detector]] = {
    "motion": lambda _weights, _device: MotionDetector(),
    "torchvision": lambda weights, device: TorchvisionDetector(weights, device=device),
}
"""Constructors by name, of the settings `detector_weights` and `device`. None of them loads a heavy library."""


def make_detector(name: str, *, weights: str = "", device: str = "auto") -> Detector:
    """Return the detector of a `detector` setting; it is not open.

    Raises:
        BadInput: unknown name; the known ones are listed.
    """
    if name not in DETECTORS:
        raise BadInput(
            "unknown detector", got=name, expected=" or ".join(DETECTORS), cure="correct the detector setting"
        )
    return DETECTORS[name](weights, device)
