"""Decoding on a card. Where there is one its pictures are compared; where there is none that is said, in all ways."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.codec.hwaccel import HWAccel

from api.parts import open_parts
from indexer.cards import decoding_card
from indexer.sources import VideoSource
from search.config import Settings
from search.errors import BadMedia, Unavailable
from tests.videos import make


def has_card() -> bool:
    try:
        HWAccel("cuda", allow_software_fallback=False).create(av.Codec("h264", "r"))
    except (av.FFmpegError, NotImplementedError):
        return False
    return True


def read(path: Path, card: HWAccel | None) -> list[tuple[int, float]]:
    """Offset and mean brightness of each picture."""
    source = VideoSource(path, interval_s=1, max_megapixels=17, card=card)
    return [(frame.offset_ms, float(np.mean(frame.image))) for frame in source.frames()]


def test_the_cpu_decodes_unless_it_is_asked_for() -> None:
    assert decoding_card(Settings(device="cpu")) is None


def test_a_card_gives_the_same_pictures_or_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", decoder="cuda")
    if has_card():
        path = make(tmp_path / "a.mp4")
        np.testing.assert_allclose(read(path, decoding_card(settings)), read(path, None), atol=1)
        return
    with open_parts(settings) as parts, pytest.raises(Unavailable, match="no card decodes") as e, parts.threads():
        pytest.fail("it opened")
    assert e.value.cure == "set decoder = cpu"


def test_a_kind_of_video_that_the_card_does_not_know_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", encode=("-c:v", "ffv1"))
    assert read(path, None)
    with pytest.raises(BadMedia, match="cannot decode this kind") as e:
        read(path, HWAccel("cuda", allow_software_fallback=False))
    assert e.value.reason == "undecodable"
    assert "decoder = cpu" in e.value.cure


def test_a_card_that_fails_is_not_the_file_s_fault(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4")
    with pytest.raises(Unavailable, match="card does not decode"):
        read(path, HWAccel("cuda", "99", allow_software_fallback=False))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadMedia):
        read(path, HWAccel("cuda", "99", allow_software_fallback=False))
