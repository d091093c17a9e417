"""Decoding on a card (NVDEC), through FFmpeg's own hardware decoders."""

from __future__ import annotations

import av
from av.codec.hwaccel import HWAccel

from search.config import Settings
from search.errors import Unavailable


def decoding_card(settings: Settings) -> HWAccel | None:
    """What the setting `decoder` names, for `VideoSource`; None for the CPU. The card is the model's (`device`).

    Raises:
        Unavailable: there is no such card, or no driver for it.
    """
    if settings.decoder == "cpu":
        return None
    _, _, number = settings.device.partition(":")
    card = number if settings.device.startswith("cuda") else ""
    # Each file gets a context of its own, which takes time: FFmpeg refuses the card's primary one where torch was there
    # first, with other flags.
    accel = HWAccel("cuda", card or None, allow_software_fallback=False)
    try:
        accel.create(av.Codec("h264", "r"))
    except (av.FFmpegError, NotImplementedError, MemoryError) as e:
        raise Unavailable(
            "no card decodes video here",
            got=f"decoder = cuda, device = {settings.device}: {e}",
            expected="an NVIDIA card with NVDEC and its driver",
            cure="set decoder = cpu",
        ) from None
    return accel
