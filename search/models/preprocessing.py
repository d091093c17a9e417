"""Preprocessing of images for a model: on the CPU, or for a whole batch on the model's own device.

Either gives a batch whose channels lie last in memory: convolutions on a CPU take two thirds of the time for it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from search.errors import Unavailable
from search.types import Image

_PLAIN = ("MaybeConvertMode", "MaybeToTensor", "ToTensor", "function")  # RGB and tensors it is given already
_CUBIC = -0.5  # of the bicubic kernel: PIL's, and torch's where it is antialiased
_REACH = {"bicubic": 2.0, "bilinear": 1.0}  # of a kernel, in pixels


class SquashPreprocessing:
    """Preprocessing of a model folder by PIL and numpy: resized to one size whatever the shape, and normalised.

    Args:
        folder: folder with open_clip_config.json.

    Raises:
        Unavailable: the file cannot be read, or asks for what is not done here.
    """

    def __init__(self, folder: Path) -> None:
        try:
            config = json.loads((folder / "open_clip_config.json").read_text("utf-8"))["preprocess_cfg"]
            height, width = config["size"]
            mode, kernel = config["resize_mode"], config["interpolation"]
            mean, std = (255 * np.array(config[key], np.float32) for key in ("mean", "std"))
        except (OSError, ValueError, KeyError, TypeError) as e:
            got = f"{type(e).__name__}: {e}"
            raise Unavailable("the model's preprocessing cannot be read", got=got, cure="restore the folder") from e
        if mode != "squash" or kernel not in _REACH:
            cure, expected = "set runtime to torch", f"squash, {' or '.join(_REACH)}"
            raise Unavailable(
                "open_clip alone prepares images so", got=f"{mode}, {kernel}", expected=expected, cure=cure
            )
        self._size = (int(width), int(height))
        self._kernel = Picture.Resampling[kernel.upper()]
        self._mean, self._std = mean, std

    def __call__(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return a batch, float32 (n, 3, h, w). `images`: uint8 (H, W, 3) RGB of any sizes."""
        resized = [np.asarray(Picture.fromarray(image).resize(self._size, self._kernel)) for image in images]
        pixels = np.stack(resized).astype(np.float32)
        pixels -= self._mean
        pixels /= self._std
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


class CpuPreprocessing:
    """Open_clip's own preprocessing, image by image; normalised a batch at a time.

    Resized by torch as bytes, which takes half to a third of PIL's time; by PIL where a transform knows only PIL.

    Args:
        compose: open_clip's `torchvision.transforms.Compose`.
        device: where the model is.
        dtype: number type of the model.
    """

    def __init__(self, compose: Any, device: Any, dtype: Any) -> None:
        *transforms, _to_tensor, normal = compose.transforms
        resize, crops, _, unknown = _sort(transforms)
        self._by_pil: list[Any] = transforms if unknown else []
        self._by_torch = [*map(_resize_of_bytes, resize), *crops]
        self._normal = _Normal(normal, device, dtype)
        self._device = device

    def batch(self, images: Sequence[Image]) -> Any:
        """Return a tensor (n, 3, h, w), channels last, on the device. `images`: uint8 (H, W, 3) RGB of any sizes."""
        import torch

        return self._normal(torch.stack([self._transform(image) for image in images]).to(self._device))

    def _transform(self, image: Image) -> Any:
        """Return an image as uint8 (h, w, 3)."""
        import torch

        if self._by_pil:
            picture: Any = Picture.fromarray(image)
            for transform in self._by_pil:
                picture = transform(picture)
            return torch.from_numpy(np.array(picture))
        pixels = torch.from_numpy(np.require(image, requirements=["C", "W"])).permute(2, 0, 1)
        for transform in self._by_torch:
            pixels = transform(pixels)
        return pixels.permute(1, 2, 0)


class DevicePreprocessing:
    """The same as open_clip's own preprocessing of PIL images, to within rounding: same resize, crop and normalise.

    Pictures go over as bytes, through pinned memory. Resizing with antialiasing is two products with matrices, made for
    all sizes of a batch at once: resized one by one, small crops would cost more time in calls than the model takes. On
    a card all of it runs on a stream of its own, beside the batch before, which the model computes.

    Args:
        compose: open_clip's `torchvision.transforms.Compose`.
        device: where the model is.
        dtype: number type of the model.
        products: type in which is multiplied; None takes half precision on a card, float32 elsewhere.

    Raises:
        NotImplementedError: a transform that is not known here.
    """

    def __init__(self, compose: Any, device: Any, dtype: Any, products: Any = None) -> None:
        import torch

        resize, crops, normal, unknown = _sort(compose.transforms)
        if unknown or (len(resize), len(normal)) != (1, 1) or len(crops) != isinstance(resize[0].size, int):
            raise NotImplementedError(", ".join(sorted(unknown)) or str(compose))
        self._resize, self._crops = resize[0], crops
        self._kernel = str(self._resize.interpolation.value)
        if self._kernel not in _REACH:
            raise NotImplementedError(self._kernel)
        self._device = device
        self._normal = _Normal(normal[0], device, dtype)
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._products = products or (torch.float32 if self._stream is None else torch.float16)

    def batch(self, images: Sequence[Image]) -> Any:
        """Return a tensor (n, 3, h, w), channels last, on the device. `images`: uint8 (H, W, 3) RGB of any sizes."""
        import torch

        if self._stream is None:
            return self._batch(images)
        with torch.cuda.stream(self._stream):
            pictures = self._batch(images)
        here = torch.cuda.current_stream(self._device)
        here.wait_stream(self._stream)
        pictures.record_stream(here)  # its memory is not given away before the model has read it
        return pictures

    def _batch(self, images: Sequence[Image]) -> Any:
        import torch

        parts, order = [], []
        for numbers in _alike(images):
            parts.append(self._resize_batch([images[n] for n in numbers]))
            order += numbers
        back = self._sent(torch.argsort(torch.tensor(order)))
        return self._normal(torch.cat(parts)[back])

    def _resize_batch(self, images: Sequence[Image]) -> Any:
        """Return images as (n, h, w, 3), whole numbers 0 to 255."""
        import torch

        moved = self._sent(_stack(images, pinned=self._stream is not None)).to(self._products)
        height, width = moved.shape[1:3]
        places = [self._place(*image.shape[:2]) for image in images]  # for each axis: from, to, cut off
        rows, columns = (self._sent(torch.tensor([place[axis] for place in places])) for axis in (0, 1))
        h, w = self._shape(*images[0].shape[:2])
        across = torch.einsum("nyxc,nvx->nyvc", moved, self._weights(columns, w, width))
        across = across.round_().clamp_(0, 255)  # between the two axes, too, as PIL does
        return torch.einsum("nyvc,nuy->nuvc", across, self._weights(rows, h, height)).round_().clamp_(0, 255)

    def _weights(self, places: Any, length: int, taps: int) -> Any:
        """Return the weight of each of `taps` pixels in each of `length`: (n, length, taps); rows sum up to one.

        `places`: (n, 3) for each picture its pixels, those it is resized to, and those that are cut off before.
        """
        import torch

        size, resized, cut = (column.view(-1, 1, 1).float() for column in places.unbind(1))
        scale = size / resized
        at, tap = (torch.arange(n, device=self._device).float() for n in (length, taps))
        centre = (at.view(1, -1, 1) + cut + 0.5) * scale
        x = ((tap.view(1, 1, -1) + 0.5 - centre) / scale.clamp(min=1)).abs()
        if self._kernel == "bicubic":
            near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
            far = ((x - 5) * x + 8) * x * _CUBIC - 4 * _CUBIC
            weights = torch.where(x < 1, near, far)
        else:
            weights = 1 - x
        weights = weights * (x < _REACH[self._kernel]) * (tap.view(1, 1, -1) < size)
        return (weights / weights.sum(dim=2, keepdim=True)).to(self._products)

    def _place(self, height: int, width: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Return for both axes: pixels, pixels after resizing, pixels that are cut off before the first."""
        inner, (h, w) = self._inner(height, width), self._shape(height, width)
        top, left = (round((whole - part) / 2) for whole, part in zip(inner, (h, w), strict=True))
        return (height, inner[0], top), (width, inner[1], left)

    def _shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the size (h, w) of the prepared image."""
        h, w = self._crops[0].size if self._crops else self._inner(height, width)
        return int(h), int(w)

    def _inner(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to which torchvision resizes: both sides, or the shorter one."""
        shorter = self._resize.size
        if not isinstance(shorter, int):
            return int(shorter[0]), int(shorter[1])
        longer = int(shorter * max(height, width) / min(height, width))
        return (shorter, longer) if height <= width else (longer, shorter)

    def _sent(self, tensor: Any) -> Any:
        """Copy a tensor to the device, without waiting for it."""
        if self._stream is None:
            return tensor.to(self._device)
        return (tensor if tensor.is_pinned() else tensor.pin_memory()).to(self._device, non_blocking=True)


class _Normal:
    """From (n, h, w, 3), 0 to 255, to what the model takes: (n, 3, h, w), in memory as it was."""

    def __init__(self, normalize: Any, device: Any, dtype: Any) -> None:
        import torch

        self._mean, self._std = (255 * torch.tensor(of, device=device) for of in (normalize.mean, normalize.std))
        self._dtype = dtype

    def __call__(self, pixels: Any) -> Any:
        values = pixels.float().sub_(self._mean).div_(self._std)  # in place: fresh memory costs more than the sums
        return values.to(self._dtype).permute(0, 3, 1, 2)


def _sort(transforms: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any], set[str]]:
    """Return the transforms that resize, crop and normalise, and the names of those that are unknown here."""
    from torchvision.transforms import CenterCrop, Normalize, Resize

    resize, crops, normal = ([t for t in transforms if isinstance(t, kind)] for kind in (Resize, CenterCrop, Normalize))
    others = {type(t).__name__ for t in transforms if not isinstance(t, Resize | CenterCrop | Normalize)}
    return resize, crops, normal, others - set(_PLAIN)


def _resize_of_bytes(resize: Any) -> Any:
    """Return the same transform for uint8 tensors, without a way over floats."""
    from torchvision.transforms import v2

    return v2.Resize(resize.size, interpolation=resize.interpolation, antialias=True)


def _alike(images: Sequence[Image]) -> Iterable[list[int]]:
    """Group the numbers of the images whose sides lie between the same powers of two: little padding is needed."""
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for n, image in enumerate(images):
        groups[(image.shape[0] - 1).bit_length(), (image.shape[1] - 1).bit_length()].append(n)
    return groups.values()


def _stack(images: Sequence[Image], *, pinned: bool) -> Any:
    """Return uint8 (n, H, W, 3) of the largest sides. Pixels beyond an image are undefined, and have no weight."""
    import torch

    height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
    tensor = torch.empty((len(images), height, width, 3), dtype=torch.uint8, pin_memory=pinned)
    array: np.ndarray[Any, Any] = tensor.numpy()
    for row, image in zip(array, images, strict=True):
        row[: image.shape[0], : image.shape[1]] = image
    return tensor
