"""A person detector of torchvision, for those who have its weights."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.detection.detector import Detections, Earlier
from search.errors import BadInput, Unavailable
from search.media import shrink
from search.types import Box, Detection, Frame

if TYPE_CHECKING:
    import torch


PERSON = 1  # COCO's number of the class
BATCH = 4  # frames at once
LARGEST_PX = 1280  # of the longer side of the model's input; it shrinks to 640 itself, but on larger tensors


class TorchvisionDetector:
    """torchvision's Faster R-CNN on MobileNetV3 at 320 pixels, trained on COCO; works on moving cameras too.

    Args:
        weights: a file with the model's state dict; empty takes COCO_V1, downloaded on first use.
        device: auto, cpu, cuda, cuda:N or mps.
        least_score: 0..1; boxes below are left out.

    Raises:
        BadInput: (on open) the weights file is missing, cannot be read or does not fit the model.
        Unavailable: (on open) the weights are neither on disk nor can they be downloaded.
    """

    def __init__(self, weights: str = "", *, device: str = "auto", least_score: float = 0.6) -> None:
        self._weights = weights
        self._device_name = device
        self._least_score = least_score
        self._lock = threading.Lock()  # one forward pass at a time: it uses all cores already
        self._model: Any = None

    def open(self) -> None:
        """Load the weights."""
        from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

        from search.models import pick_device

        if self._model is not None:
            return
        self._device = pick_device(self._device_name)
        state = self._state_dict()
        model = fasterrcnn_mobilenet_v3_large_320_fpn(
            weights=None, weights_backbone=None, box_score_thresh=self._least_score
        )
        try:
            model.load_state_dict(state)
        except RuntimeError as e:
            raise BadInput(
                "the detector's weights do not fit",
                got=f"{self._weights}: {e}",
                expected="a state dict of torchvision's fasterrcnn_mobilenet_v3_large_320_fpn",
                cure="correct detector_weights",
            ) from None
        self._model = model.eval().to(self._device)

    def close(self) -> None:
        """Release the model."""
        self._model = None

    def detect(self, frames: Iterable[Frame], *, camera: str = "", earlier: Earlier | None = None) -> Detections:
        """Yield the frames with the people in them, in batches of `BATCH`; nothing is kept of a camera."""
        stream = iter(frames)
        while batch := list(islice(stream, BATCH)):
            yield from zip(batch, self._detect_batch(batch), strict=True)

    def _detect_batch(self, batch: list[Frame]) -> list[list[Detection]]:
        import torch

        if self._model is None:
            raise Unavailable("the detector is not open", cure="call open() first")
        tensors = [
            torch.tensor(shrink(frame.image, LARGEST_PX)).permute(2, 0, 1).to(self._device).float() / 255
            for frame in batch
        ]
        with self._lock, torch.inference_mode():
            outputs = self._model(tensors)
        sizes = [tuple(tensor.shape[1:]) for tensor in tensors]
        return [self._people(*one) for one in zip(outputs, sizes, batch, strict=True)]

    def _people(self, output: dict[str, torch.Tensor], size: tuple[int, ...], frame: Frame) -> list[Detection]:
        """Return the people in a frame, of which the model got a copy of `size` (height, width)."""
        height, width = frame.image.shape[:2]
        down, across = height / size[0], width / size[1]
        people = []
        for box, label, score in zip(*(output[key].tolist() for key in ("boxes", "labels", "scores")), strict=True):
            x1, y1, x2, y2 = (round(v * by) for v, by in zip(box, (across, down, across, down), strict=True))
            x1, y1, x2, y2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
            if label == PERSON and score >= self._least_score and x1 < x2 and y1 < y2:
                people.append(Detection(Box(x1, y1, x2, y2), score))
        return people

    def _state_dict(self) -> dict[str, torch.Tensor]:
        from torchvision.models.detection import FasterRCNN_MobileNet_V3_Large_320_FPN_Weights as Weights

        if self._weights:
            if not Path(self._weights).is_file():
                raise BadInput("no such weights file", got=self._weights, cure="correct detector_weights")
            return self._read()
        try:
            downloaded: dict[str, torch.Tensor] = Weights.COCO_V1.get_state_dict(progress=False)
        except OSError as e:
            raise Unavailable(
                "the detector's weights cannot be downloaded",
                got=e,
                cure=f"fetch {Weights.COCO_V1.url.rsplit('/', 1)[-1]} (torchvision) on a machine with a network and "
                "set detector_weights to the file, or set detector = motion",
            ) from None
        return downloaded

    def _read(self) -> dict[str, torch.Tensor]:
        import torch

        try:
            loaded = torch.load(self._weights, map_location="cpu", weights_only=True)
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, UnicodeDecodeError, ValueError) as e:
            raise BadInput(
                "the detector's weights cannot be read",
                got=f"{self._weights}: {e}",
                expected="a state dict as torch.save writes it",
                cure="fetch the file again, or correct detector_weights",
            ) from None
        if not isinstance(loaded, dict):
            raise BadInput(
                "the detector's weights are no state dict", got=type(loaded).__name__, cure="correct detector_weights"
            )
        return loaded
