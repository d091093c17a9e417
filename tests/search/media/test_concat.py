"""A stretch of a recording by stream copy: it begins with a key frame, and its packets are the recording's."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import pytest

from indexer.decoding.video_source import VideoSource
from search.media.concat import join_files
from search.types import Segment, StartSource
from tests.support.videos import FPS, H264, make, number_of

STEP_MS = 1000 // FPS
START_MS = 1_793_577_600_000
KINDS = {
    "mp4": ("a.mp4", H264),
    "mp4 with B-frames": (
        "a.mp4",
        ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3", "-x264-params", "open-gop=1"),
    ),
    "hevc": (
        "a.mkv",
        ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params", "log-level=0"),
    ),
    "ts": ("a.ts", H264),
    "flv": ("a.flv", H264),
    "avi": ("a.avi", ("-c:v", "mpeg4", "-q:v", "3")),
    "mjpeg": ("a.avi", ("-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p")),
}


def segment(path: Path, seconds: int = 10) -> Segment:
    return Segment("0" * 24, "gate", str(path), "0" * 64, 1, START_MS, StartSource.GIVEN, 1000 * seconds)


def numbers(path: Path) -> list[int]:
    """Which pictures a file shows."""
    with closing(VideoSource(path, interval_s=0.001, max_megapixels=17).frames()) as frames:
        return [number_of(frame.image) for frame in frames]


def payloads(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("from_s", [0, 3.3, 4.0, 9.7])
def test_a_stretch_begins_with_the_key_frame_before_it(tmp_path: Path, kind: str, from_s: float) -> None:
    name, encode = KINDS[kind]
    source = segment(make(tmp_path / name, seconds=10, encode=encode))
    target = tmp_path / "out.mp4"
    until_ms = START_MS + round(1000 * from_s) + 2000
    begin_ms = join_files([source], target, until_ms, from_ms=START_MS + round(1000 * from_s))
    first = (begin_ms - START_MS) / STEP_MS
    wanted = round(from_s * FPS)
    assert wanted - 10 < round(first) <= wanted
    if kind == "mjpeg":
        assert round(first) == wanted
    shown = numbers(target)
    last = min(wanted + 2 * FPS, 100)
    assert shown[0] == round(first)
    assert shown[: last - shown[0]] == list(range(shown[0], last))
    if name.endswith((".mp4", ".avi")):
        copied, later = payloads(target), iter(payloads(Path(source.path)))
        assert all(one in later for one in copied)  # the same ones in the same order
        if "B-frames" not in kind:
            all_ = payloads(Path(source.path))
            assert all_[round(first) : round(first) + len(copied)] == copied


def test_the_whole_file_is_what_it_was(tmp_path: Path) -> None:
    source = segment(make(tmp_path / "a.mp4", seconds=4))
    assert join_files([source], tmp_path / "all.mp4", START_MS + 60_000, from_ms=START_MS - 5000) == START_MS
    assert payloads(tmp_path / "all.mp4") == payloads(Path(source.path))


def test_a_codec_that_mp4_does_not_take_goes_into_matroska(tmp_path: Path) -> None:
    source = segment(make(tmp_path / "a.avi", seconds=4, encode=("-c:v", "ffv1", "-pix_fmt", "yuv420p")))
    assert join_files([source], tmp_path / "out.mkv", START_MS + 3000, from_ms=START_MS + 1000) == START_MS + 1000
    assert numbers(tmp_path / "out.mkv")[:20] == list(range(10, 30))
