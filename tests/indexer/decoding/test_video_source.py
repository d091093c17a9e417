from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.decoding.decoder import DecodedFrame, Decoder
from indexer.decoding.video_source import FrameSource, OpenCVSource, VideoSource, probe
from search.errors import BadInput, BadMedia
from search.media.timestamps import MAX_TOTAL_S, Timeline
from search.types import Frame, Image
from tests.support.videos import FPS, ffmpeg, make, number_of, open_files, picture

MEGAPIXELS = 17.0


def read(path: Path, interval_s: float = 1.0) -> tuple[list[Frame], VideoSource]:
    """All samples of a file; the account must add up, and a second reading must be the same."""
    source = VideoSource(path, interval_s=interval_s, max_megapixels=MEGAPIXELS)
    frames, again = list(source.frames()), source.counts
    counts = source.counts
    assert counts.seen == counts.yielded + counts.not_due + counts.damaged
    assert min(counts.yielded, counts.not_due, counts.damaged) >= 0
    assert counts.yielded == len(frames)
    offsets = [f.offset_ms for f in frames]
    assert offsets == sorted(set(offsets))
    assert not offsets or offsets[0] >= 0
    twice = list(source.frames())
    assert [f.offset_ms for f in twice] == offsets
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, twice, strict=True))
    assert source.counts == again
    return frames, source


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(f.image) for f in frames]


def offsets(frames: list[Frame]) -> list[int]:
    return [f.offset_ms for f in frames]


def retime(source: Path, target: Path, move: Callable[[int, int], int | None]) -> Path:
    """Copy packets with `move(number, milliseconds)` as their time; None leaves the packet out."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        base = cast(Fraction, stream.time_base)
        for number, packet in enumerate(p for p in old.demux(stream) if p.size):
            moved = move(number, round((packet.pts or 0) * base * 1000))
            if moved is not None:
                packet.pts = packet.dts = round(moved / 1000 / base)
                packet.stream = copy
                new.mux(packet)
    return target


NO_B = ("-bf", "0")
QUIET = ("-x265-params", "log-level=none")


@pytest.mark.parametrize("interval_s", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("key_every", [1, 10, 15, 40])
def test_samples_are_the_pictures_that_are_due(tmp_path: Path, interval_s: float, key_every: int) -> None:
    frames, source = read(make(tmp_path / "a.mp4", key_every=key_every), interval_s)
    assert source.counts.seen == 40
    assert source.counts.damaged == 0
    half_ms = 500 / FPS
    if key_every == 15 and interval_s == 2.0:  # key frames every 1.5 s are dense enough: the nearest ones are taken
        half_ms = 750
    assert len(frames) in (int(4 / interval_s), int(4 / interval_s) + 1)
    for n, frame in enumerate(frames):
        assert abs(frame.offset_ms - n * interval_s * 1000) <= half_ms
        assert number_of(frame.image) == round(frame.offset_ms * FPS / 1000)


def test_key_frames_alone_are_decoded_where_dense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fed = []
    feed = Decoder.feed

    def counted(decoder: Decoder, packet: Any) -> Iterator[DecodedFrame]:
        fed.append(packet)
        return feed(decoder, packet)

    monkeypatch.setattr(Decoder, "feed", counted)
    for key_every, decoded in ((10, 4), (40, 40)):
        fed.clear()
        path = make(tmp_path / f"{key_every}.mp4", key_every=key_every, extra=NO_B)
        list(VideoSource(path, interval_s=1, max_megapixels=MEGAPIXELS).frames())
        assert len(fed) == decoded


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("a.mkv", ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3")),
        ("a.ts", ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3")),
        ("a.avi", ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2")),
        ("b.avi", ("-c:v", "mpeg4", "-bf", "2", "-q:v", "3")),
        ("a.flv", ("-c:v", "flv", "-q:v", "3")),
        ("a.mpg", ("-c:v", "mpeg2video", "-q:v", "3", "-r", "25")),
        ("a.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-b:v", "1M")),
        ("mjpeg.mov", ("-c:v", "mjpeg", "-q:v", "3")),
        ("hevc10.mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", *QUIET)),
        ("grey.mp4", ("-c:v", "libx264", "-pix_fmt", "gray")),
        ("444.mkv", ("-c:v", "libx264", "-pix_fmt", "yuv444p")),
    ],
)  # fmt: skip
def test_kinds_of_files(tmp_path: Path, name: str, encode: tuple[str, ...]) -> None:
    path = make(tmp_path / name, encode=encode)
    assert probe(path, max_megapixels=MEGAPIXELS).width == 320
    frames, source = read(path)
    assert source.counts.damaged == 0
    assert len(frames) == 4
    late = 2 if name == "b.avi" else 1  # AVI does not say by how much B-frames move a key frame
    for n, frame in enumerate(frames):
        assert abs(frame.offset_ms - n * 1000) <= 500
        assert abs(number_of(frame.image) - frame.offset_ms / 100) <= late
    if "-bf" not in encode and name != "a.mpg":
        assert (numbers(frames), offsets(frames)) == ([0, 10, 20, 30], [0, 1000, 2000, 3000])
    want = picture(numbers(frames)[1])
    if name == "grey.mp4":
        want = np.repeat(want.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert np.abs(frames[1].image.astype(int) - want).mean() < 12
    simple = list(OpenCVSource(path, interval_s=1, max_megapixels=MEGAPIXELS).frames())
    assert np.abs(np.array(numbers(simple)) - [0, 10, 20, 30]).max() <= 3


def test_container_says_when_and_how_it_was_made(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", extra=("-metadata", "creation_time=2026-11-02T08:00:00Z"))
    info = probe(path, max_megapixels=MEGAPIXELS)
    assert (info.width, info.height, info.rotation, info.codec) == (320, 240, 0, "h264")
    assert (info.duration_ms, info.fps, info.created_ms) == (4000, 10.0, 1_793_606_400_000)
    assert info.keyframe_s == pytest.approx(1, abs=0.05)
    assert probe(make(tmp_path / "b.mkv"), max_megapixels=MEGAPIXELS).created_ms is None


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_rotated_phone_video(tmp_path: Path, angle: int) -> None:
    flat = make(tmp_path / "flat.mp4")
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", angle, "-i", flat, "-c", "copy", path)
    info = probe(path, max_megapixels=MEGAPIXELS)
    assert info.rotation == angle
    assert (info.width, info.height) == ((240, 320) if angle % 180 else (320, 240))
    frames, _ = read(path)
    assert frames[0].image.shape == (info.height, info.width, 3)
    assert numbers([Frame(np.rot90(f.image, -angle // 90), f.offset_ms) for f in frames]) == [0, 10, 20, 30]
    simple = list(OpenCVSource(path, interval_s=1, max_megapixels=MEGAPIXELS).frames())
    assert np.abs(simple[1].image.astype(int) - frames[1].image).mean() < 3  # turned the same way


@pytest.mark.parametrize("size", [(321, 243), (333, 241), (98, 50)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make(tmp_path / "a.mp4", size=size, encode=("-c:v", "libx264", "-pix_fmt", "yuv444p"))
    frames, _ = read(path)
    assert frames[0].image.shape == (size[1], size[0], 3)
    assert numbers(frames) == [0, 10, 20, 30]


def test_variable_frame_rate_goes_by_time(tmp_path: Path) -> None:
    def slower(number: int, ms: int) -> int:
        return ms if number < 20 else 2000 + (number - 20) * 400

    path = retime(make(tmp_path / "a.mp4", extra=NO_B, key_every=40), tmp_path / "vfr.mkv", slower)
    frames, _ = read(path)
    assert offsets(frames)[:3] == [0, 1000, 2000]
    assert offsets(frames)[-1] >= 9000
    assert all(
        number_of(f.image) == (f.offset_ms // 100 if f.offset_ms < 2000 else 20 + (f.offset_ms - 2000) // 400)
        for f in frames
    )
    assert len(frames) == 10


@pytest.mark.parametrize("how", ["streamed.mkv", "fragmented.mp4", "open.mkv"])
def test_file_without_a_duration(tmp_path: Path, how: str) -> None:
    whole, path = make(tmp_path / "a.mp4"), tmp_path / how
    if how == "fragmented.mp4":
        flags = ("-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4")
        path.write_bytes(ffmpeg("-i", whole, "-c", "copy", *flags, "-"))
    else:
        path.write_bytes(ffmpeg("-i", whole, "-c", "copy", "-f", "matroska", "-live", int(how == "open.mkv"), "-"))
        assert probe(path, max_megapixels=MEGAPIXELS).duration_ms is None
    assert numbers(read(path)[0]) == [0, 10, 20, 30]


def test_ten_hour_jump_stays_a_gap_and_is_not_filled(tmp_path: Path) -> None:
    jump = 36_000_000
    for key_every in (10, 40):
        whole = make(tmp_path / f"{key_every}.mp4", extra=NO_B, key_every=key_every)
        for kind in ("mkv", "mp4", "ts"):
            path = retime(whole, tmp_path / f"jump-{key_every}.{kind}", lambda n, ms: ms + jump * (n >= 20))
            frames, _ = read(path)
            assert offsets(frames) == [0, 1000, jump + 2000, jump + 3000], path.name
            assert numbers(frames) == [0, 10, 20, 30]


def test_impossible_jumps_are_joined(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.mp4", extra=NO_B)
    far = retime(whole, tmp_path / "far.mkv", lambda n, ms: ms + 200_000_000 * (n >= 20))
    assert offsets(read(far)[0]) == [0, 1000, 2000, 3000]


class FakePacket:
    """A packet as `Timeline` sees it."""

    is_discard, size = False, 1

    def __init__(self, pts: int | None, dts: int | None) -> None:
        self.pts, self.dts = pts, dts


class FakeStream:
    """A container with one stream at ten pictures a second, in milliseconds."""

    format = SimpleNamespace(name="matroska")
    time_base = Fraction(1, 1000)
    average_rate = guessed_rate = Fraction(FPS)

    def __init__(self, packets: list[FakePacket]) -> None:
        self._packets = packets

    def demux(self, _stream: object) -> Iterator[FakePacket]:
        return iter(self._packets)


def clock(packets: list[FakePacket]) -> list[int]:
    fake = cast(Any, FakeStream(packets))
    timeline = Timeline(fake, fake)
    return [timeline.offset_ms(cast(int, p.pts)) for p in timeline]


def test_a_single_wrong_stamp_is_replaced() -> None:
    for wrong in (36_000_000, -36_000_000, 2**60):
        stamps = [n * 100 for n in range(40)]
        stamps[13] = wrong
        assert clock([FakePacket(s, s) for s in stamps]) == [n * 100 for n in range(40)]


def test_missing_stamps_follow_the_last_one() -> None:
    assert clock([FakePacket(None, None) for _ in range(5)]) == [0, 100, 200, 300, 400]
    stamps = [1000, None, 1200, None, None, 1500]
    assert clock([FakePacket(s, s) for s in stamps]) == [0, 100, 200, 300, 400, 500]


STAMPS = st.one_of(st.none(), st.integers(-(2**62), 2**62), st.integers(0, 100_000))


@given(st.lists(st.tuples(STAMPS, STAMPS), max_size=80))
def test_any_stamps_give_a_bounded_clock(stamps: list[tuple[int | None, int | None]]) -> None:
    once = clock([FakePacket(*s) for s in stamps])
    assert once == clock([FakePacket(*s) for s in stamps])
    assert len(once) == len(stamps)
    assert all(abs(offset) <= 2 * MAX_TOTAL_S * 1000 for offset in once)


@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=80), st.integers(-(10**9), 10**9))
def test_a_sound_clock_is_left_alone(steps: list[int], start: int) -> None:
    stamps = [start + sum(steps[:n]) for n in range(len(steps))]
    assert clock([FakePacket(s, s) for s in stamps]) == [s - start for s in stamps]


def test_time_stamps_backwards_are_joined(tmp_path: Path) -> None:
    piece = make(tmp_path / "a.ts", seconds=3)
    path = tmp_path / "twice.ts"
    path.write_bytes(piece.read_bytes() * 2)
    frames, source = read(path)
    assert source.counts.seen == 60
    assert numbers(frames) == [0, 10, 20, 0, 10, 20]
    assert [round(o, -2) for o in offsets(frames)] == [0, 1000, 2000, 3000, 4000, 5000]


def test_start_in_the_middle_of_a_group(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.ts", extra=("-bf", "0", "-x264-params", "scenecut=0"), encode=("-c:v", "libx264"))
    path = retime(whole, tmp_path / "cut.ts", lambda n, ms: ms if n >= 5 else None)
    frames, source = read(path)
    assert source.counts.seen == 35
    assert numbers(frames)[0] == 10
    assert offsets(frames)[0] == 500
    edited = tmp_path / "edited.mp4"
    ffmpeg("-ss", "1.55", "-i", make(tmp_path / "b.mp4", key_every=40), "-c", "copy", edited)
    assert numbers(read(edited)[0]) == [16, 26, 36]


def test_intra_refresh_has_no_self_contained_key_frames(tmp_path: Path) -> None:
    path = make(tmp_path / "a.ts", encode=("-c:v", "libx264", "-bf", "0"), extra=("-x264-params", "intra-refresh=1"))
    frames, _ = read(path)
    assert numbers(frames)[0] == 0
    assert numbers(frames)[-1] == 30


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0.05, 0.99), st.integers(1, 255)), min_size=1, max_size=40), st.booleans())
def test_flipped_bytes_never_break_the_account(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[float, int]], dense: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = folder / f"whole{dense}.ts"
    if not whole.exists():
        make(whole, seconds=3, key_every=10 if dense else 30)
    data = bytearray(whole.read_bytes())
    for where, mask in flips:
        data[int(where * len(data))] ^= mask
    bad = folder / "flipped.ts"
    bad.write_bytes(data)
    try:
        frames, source = read(bad)
    except BadMedia:
        return
    assert source.counts.seen <= 60
    assert len(frames) <= 60


def test_one_damaged_packet_costs_one_picture(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.avi", encode=("-c:v", "mjpeg", "-q:v", "3"))
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        packets = [(p.pos or 0, p.size) for p in container.demux(video=0) if p.size]
    for hit in (7, 20):
        at, size = packets[hit]
        data[at + 8 : at + size] = bytes(size - 8)
    bad = tmp_path / "bad.avi"
    bad.write_bytes(data)
    frames, source = read(bad, 0.1)
    assert source.counts.damaged == 2
    assert numbers(frames) == [n for n in range(40) if n not in (7, 20)]
    frames, _ = read(bad)
    assert numbers(frames)[:2] + numbers(frames)[3:] == [0, 10, 30]
    assert numbers(frames)[2] == 21  # the next one stands in


def test_cut_off_file_gives_what_is_there(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.mp4", extra=("-movflags", "+faststart"))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    frames, source = read(cut)
    assert numbers(frames)[:2] == [0, 10]
    assert source.counts.seen < 40


REFUSED: dict[str, Callable[[Path], object]] = {
    "missing": lambda p: None,
    "empty": lambda p: p.write_bytes(b""),
    "not-a-video": lambda p: p.write_text("Dear all, please find the video attached.\n" * 40),
    "audio-only": lambda p: ffmpeg("-f", "lavfi", "-i", "sine", "-t", 1, p),
    "unsupported": lambda p: make(p, seconds=1, extra=("-f", "asf"), encode=("-c:v", "wmv2")),
    "too-large-picture": lambda p: make(p, seconds=0.1, size=(7680, 4320)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refusals_say_what_got_and_cure(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "a.mp4"
    REFUSED[reason](path)
    before = open_files()
    for look in (lambda: probe(path, max_megapixels=MEGAPIXELS), lambda: read(path)):
        with pytest.raises(BadMedia) as caught:
            look()
        assert caught.value.reason == reason
        assert "a.mp4" in caught.value.got
        assert caught.value.cure
    del caught
    gc.collect()
    assert open_files() == before
    with pytest.raises(BadMedia):
        list(OpenCVSource(path, interval_s=1, max_megapixels=MEGAPIXELS).frames())


def test_refuses_what_is_no_regular_file_and_what_lost_its_index(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path, tmp_path / "pipe.mp4"):
        with pytest.raises(BadMedia, match="not a file") as caught:
            probe(path, max_megapixels=MEGAPIXELS)
        assert caught.value.reason == "not-a-video"
    cut = make(tmp_path / "a.mp4")
    cut.write_bytes(cut.read_bytes()[:-3000])
    with pytest.raises(BadMedia) as caught:
        probe(cut, max_megapixels=MEGAPIXELS)
    assert caught.value.reason == "truncated"
    with pytest.raises(BadMedia):
        probe(tmp_path / "nul\0.mp4", max_megapixels=MEGAPIXELS)


@pytest.mark.parametrize("what", ["m3u8", "ffconcat", "ffconcat-utf8", "jpg", "png", "sdp", "mpd", "spaced"])
def test_disguised_files_never_lead_to_their_neighbour(tmp_path: Path, what: str) -> None:
    neighbour = make(tmp_path / "neighbour.ts")
    accessed = neighbour.stat().st_atime_ns
    path = tmp_path / "innocent.mp4"
    texts = {
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{neighbour}\n#EXT-X-ENDLIST\n",
        "ffconcat": "ffconcat version 1.0\nfile neighbour.ts\n",
        "ffconcat-utf8": "\ufeffffconcat version 1.0\nfile neighbour.ts\n",
        "spaced": "\n\n  ffconcat version 1.0\nfile neighbour.ts\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "mpd": f'<?xml version="1.0"?><MPD><Period><BaseURL>{neighbour}</BaseURL></Period></MPD>',
    }
    if what in texts:
        path.write_text(texts[what])
    else:
        ffmpeg("-i", neighbour, "-frames:v", 1, tmp_path / f"photo.{what}")
        path.write_bytes((tmp_path / f"photo.{what}").read_bytes())
    for look in (
        lambda: probe(path, max_megapixels=MEGAPIXELS),
        lambda: list(VideoSource(path, interval_s=1, max_megapixels=MEGAPIXELS).frames()),
        lambda: list(OpenCVSource(path, interval_s=1, max_megapixels=MEGAPIXELS).frames()),
    ):
        with pytest.raises(BadMedia) as caught:
            look()
        assert caught.value.reason == "disguised"
    if what in texts:
        assert neighbour.stat().st_atime_ns == accessed


@pytest.mark.parametrize(
    "text", ["#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile {}\n"]
)
def test_even_without_the_first_look_ffmpeg_refuses_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    neighbour = make(tmp_path / "neighbour.ts")
    path = tmp_path / "list.m3u8"
    path.write_text(text.format("neighbour.ts"))
    with av.open(str(path)) as container:  # the canary sings: without limits FFmpeg reads the neighbour
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert number_of(cast(Image, first)) == 0
    monkeypatch.setattr("search.media.containers._disguise", lambda head: None)
    with pytest.raises(BadMedia):
        list(VideoSource(path, interval_s=1, max_megapixels=MEGAPIXELS).frames())
    assert neighbour.exists()


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a.mp4").rename(tmp_path / "concat:a|b.mp4")
    monkeypatch.chdir(tmp_path)
    assert numbers(read(Path("concat:a|b.mp4"))[0]) == [0, 10, 20, 30]


def test_larger_pictures_inside_the_stream_are_not_decoded(tmp_path: Path) -> None:
    small, large = make(tmp_path / "s.ts", seconds=2), make(tmp_path / "l.ts", seconds=2, size=(640, 480))
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    frames, _ = read(path)
    assert {f.image.shape for f in frames} == {(240, 320, 3)}  # a change of size is scaled to the first
    assert numbers(frames) == [0, 10, 0, 10]
    source = VideoSource(path, interval_s=1, max_megapixels=0.1)
    assert numbers(list(source.frames())) == [0, 10]
    assert source.counts.damaged >= 1


@pytest.mark.parametrize("kind", [VideoSource, OpenCVSource])
def test_abandoned_reading_closes_the_file(tmp_path: Path, kind: type[VideoSource] | type[OpenCVSource]) -> None:
    source: FrameSource = kind(make(tmp_path / "a.mp4"), interval_s=0.2, max_megapixels=MEGAPIXELS)
    before = open_files()
    for _ in range(3):
        with closing(source.frames()) as frames:
            next(frames)
            assert open_files() > before
        assert open_files() == before
        counts = source.counts
        assert counts.seen == counts.yielded + counts.not_due + counts.damaged


def test_impossible_interval_is_refused(tmp_path: Path) -> None:
    for interval_s in (0, -1, float("nan"), float("inf")):
        with pytest.raises(BadInput):
            VideoSource(tmp_path, interval_s=interval_s, max_megapixels=MEGAPIXELS)
