"""Decoding on a card. Where there is one its pictures are compared; where there is none that is said, in all ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.hwaccel import HWAccel

import indexer.decoding.video_source
from api.composition import open_context
from api.jobs.workers import open_threads
from indexer.decoding.nvdec import decoding_card
from indexer.decoding.video_source import VideoSource
from search.config import Settings
from search.errors import BadMedia, Unavailable
from search.media.containers import open_video
from search.media.timestamps import Timeline
from tests.support.videos import make


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
    with (
        open_context(settings) as context,
        pytest.raises(Unavailable, match="no card decodes") as e,
        open_threads(context),
    ):
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


class BrokenCodec:
    """A card's, as far as FFmpeg tells: it opens, and then fails with each packet, or gives nothing."""

    def __init__(self, codec: Any, says: str) -> None:
        self.__dict__.update(codec=codec, says=says)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.codec, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.codec, name, value)

    def decode(self, _packet: object) -> list[object]:
        if self.says:
            raise av.error.ExternalError(1, self.says)
        return []


@pytest.fixture(params=["cuvidCreateDecoder failed: memory full", ""])
def broken_card(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> HWAccel:
    @contextmanager
    def opened(path: Path, card: HWAccel | None = None) -> Iterator[tuple[Any, Any]]:
        with open_video(path) as (container, stream):
            yield container, BrokenStream(stream, request.param) if card else stream

    class BrokenStream:
        def __init__(self, stream: Any, says: str) -> None:
            self.stream, self.codec_context = stream, BrokenCodec(stream.codec_context, says)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

    class OfStream(Timeline):
        def __init__(self, container: Any, stream: Any) -> None:
            super().__init__(container, getattr(stream, "stream", stream))

    monkeypatch.setattr(indexer.decoding.video_source, "open_video", opened)
    monkeypatch.setattr(indexer.decoding.video_source, "Timeline", OfStream)
    return HWAccel("cuda", allow_software_fallback=False)


def test_a_card_that_fails_while_it_decodes_is_not_the_file_s_fault(tmp_path: Path, broken_card: HWAccel) -> None:
    path = make(tmp_path / "a.mp4")
    with pytest.raises(Unavailable, match="card does not decode") as e:
        read(path, broken_card)
    assert "decoder = cpu" in e.value.cure


def test_a_picture_that_the_card_does_not_know_is_refused(tmp_path: Path, broken_card: HWAccel) -> None:
    path = make(tmp_path / "a.mp4", encode=("-c:v", "libx264", "-pix_fmt", "yuv422p"))
    with pytest.raises(BadMedia, match="cannot decode this kind") as e:
        read(path, broken_card)
    assert "yuv422p" in e.value.got


def test_what_the_cpu_cannot_decode_either_is_damage(tmp_path: Path, broken_card: HWAccel) -> None:
    path = make(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[middle:end] = bytes(end - middle)
    path.write_bytes(data)
    source = VideoSource(path, interval_s=1, max_megapixels=17, card=broken_card)
    assert not list(source.frames())
    assert source.counts.seen
