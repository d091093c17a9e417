"""Devices of torch."""

from __future__ import annotations

from typing import Any

from search.errors import BadInput, Unavailable


def pick_device(name: str) -> Any:
    """Return the torch device for a `device` setting. Load torch.

    Raises:
        BadInput: torch does not know the name.
        Unavailable: this machine does not have the device; it is never replaced by another one.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadInput("unknown device", got=name, expected="auto, cpu, cuda, cuda:N or mps") from None
    missing = (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise Unavailable("the device is not there", got=name, cure="set device = auto or cpu")
    return device


def is_card(device: Any) -> bool:
    """Return whether images are prepared and embedded on a CUDA device, beside what the CPU does."""
    return bool(device.type == "cuda")
