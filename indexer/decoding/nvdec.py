"""Decoding on a card (NVDEC), through FFmpeg's own hardware decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.config import Settings
from search.errors import Unavailable

if TYPE_CHECKING:
    from av.codec.hwaccel import HWAccel


def decoding_card(settings: Settings) -> HWAccel | None:
    """Return what the setting `decoder` names, for `VideoSource`; None: the CPU. The card is the model's (`device`).

    Raises:
        Unavailable: there is no such card, or no driver for it.
    """
    if settings.decoder == "cpu":
        return None
    import av
    from av.codec.hwaccel import HWAccel

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
