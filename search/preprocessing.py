"""What a model does to pictures before it sees them, as tensors on its own device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from search.types import Image

_PLAIN = ("MaybeConvertMode", "MaybeToTensor", "ToTensor", "function")  # RGB and tensors it is given already


class DevicePreprocessing:
    """The same as open_clip's own preprocessing of PIL images, to within rounding: same resize, crop and normalise.

    Pictures of one size go over as bytes, in one copy, a quarter of what prepared ones take.

    Args:
        compose: open_clip's `torchvision.transforms.Compose`.
        device: where the model is.
        dtype: of the model.

    Raises:
        NotImplementedError: a transform that is not known here.
    """

    def __init__(self, compose: Any, device: Any, dtype: Any) -> None:
        from torchvision import transforms

        self._spatial = [t for t in compose.transforms if isinstance(t, transforms.Resize | transforms.CenterCrop)]
        self._normal = [t for t in compose.transforms if isinstance(t, transforms.Normalize)]
        others = {type(t).__name__ for t in compose.transforms if t not in self._spatial and t not in self._normal}
        if unknown := others - set(_PLAIN):
            raise NotImplementedError(", ".join(sorted(unknown)))
        self._device, self._dtype = device, dtype

    def batch(self, images: Sequence[Image]) -> Any:
        """`images`: uint8 (H, W, 3) RGB of any sizes. Returns a tensor (n, 3, h, w), channels last, on the device."""
        import torch

        by_size: dict[tuple[int, ...], list[int]] = {}
        for n, image in enumerate(images):
            by_size.setdefault(image.shape, []).append(n)
        parts, order = [], []
        for numbers in by_size.values():
            parts.append(self._prepared(np.stack([images[n] for n in numbers])))
            order += numbers
        back = torch.argsort(torch.tensor(order)).to(self._device)
        return torch.cat(parts)[back].contiguous(memory_format=torch.channels_last)

    def _prepared(self, images: np.ndarray[Any, Any]) -> Any:
        """Of one size, uint8 (n, H, W, 3)."""
        import torch

        pictures = torch.from_numpy(images)
        if self._device.type == "cuda":
            pictures = pictures.pin_memory().to(self._device, non_blocking=True)
        pictures = pictures.permute(0, 3, 1, 2)
        for transform in self._spatial:  # on bytes, as PIL does: rounded after the resize
            pictures = transform(pictures)
        pictures = pictures.to(torch.float32) / 255
        for transform in self._normal:
            pictures = transform(pictures)
        return pictures.to(self._dtype)
