"""The image tower in half precision, or compiled by torch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from search.errors import Unavailable

ALIKE = 0.9995
"""The least cosine of the images that are tried. Others may be further off, and 0.999 is promised."""


def narrowed(visual: Any, images: Any) -> tuple[Any, Any]:
    """Return the image tower in the first of float16, bfloat16 and float32 whose vectors are float32's, and that type.

    It is tried, not looked up. Nothing overflows bfloat16, but it has so few digits that vectors of the shipped model
    fall to a cosine of 0.998. float16 has the digits (0.99999), but large numbers in a transformer that was trained in
    bfloat16 may overflow it. Such numbers hardly depend on the image, so a few images show them.

    Args:
        visual: in float32.
        images: float32 (n, 3, h, w), prepared.
    """
    import torch

    for dtype in (torch.float16, torch.bfloat16):
        narrow = copy.deepcopy(visual).to(dtype)
        with torch.inference_mode():
            narrow_vectors, vectors = narrow(images.to(dtype)).float(), visual(images)
            alike = torch.nn.functional.cosine_similarity(narrow_vectors, vectors)
        if bool((alike >= ALIKE).all()):  # NaN is not
            return narrow, dtype
    return visual, torch.float32


def compiled(model: Any, example: Any, batch_size: int) -> Callable[[Any], Any]:
    """Compile the image tower by `torch.compile`, which takes minutes. Return it: tensors (n, 3, h, w) to (n, dim).

    Args:
        model: the open_clip model, on its device.
        example: a prepared image (1, 3, h, w), of the type and on the device of the later ones.
        batch_size: the most images at once.

    Raises:
        Unavailable: the compiler is missing, or cannot compile this model.
    """
    import torch

    encode: Any = torch.compile(model.encode_image)

    def run(batch: Any) -> Any:
        alone = len(batch) == 1  # torch would compile once more for one image
        return encode(torch.cat([batch, batch]))[:1] if alone else encode(batch)

    try:
        with torch.inference_mode():
            for count in (max(2, batch_size), 3):  # of one size, and then, as torch does it, of any size
                run(example.expand(count, -1, -1, -1).contiguous(memory_format=torch.channels_last))
    except Exception as e:  # of many kinds; all mean: not here, or not this model
        got = f"{type(e).__name__}: {str(e).strip().splitlines()[0] if str(e).strip() else ''}"
        cure = "install a C++ compiler (CPU) or Triton (CUDA), or set torch_compile to false"
        raise Unavailable("torch.compile cannot be used here", got=got, cure=cure) from e
    return run
