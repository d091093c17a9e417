from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.decoding.video_source import VideoSource, probe
from search.errors import BadInput, BadMedia, Unavailable
from search.media import clip_cutter
from search.media.clip_cache import ClipCache, delete_segment_media, segments_with_media
from search.media.clip_cutter import ffmpeg_path
from search.media.media_store import MediaStore
from search.types import Segment, StartSource, StreamRole
from tests.support.videos import H264, ffmpeg, make, number_of

SEGMENT = "0123456789abcdef01234567"
START = 1_700_000_000_000
B3 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3")
LOWER_LEFT = ((0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.0, 1.0))


def shown(path: Path) -> list[tuple[int, int]]:
    """(ms in the clip, number) of the pictures that a player shows."""
    frames = VideoSource(path, interval_s=0.001, max_megapixels=17).frames()
    return [(f.offset_ms, number_of(f.image)) for f in frames]


def numbers(path: Path) -> list[int]:
    """Which pictures a player shows."""
    return [number for _, number in shown(path)]


def recorded(folder: Path, *, role: StreamRole = StreamRole.MAIN, size: tuple[int, int] = (320, 240)) -> list[Segment]:
    """A recorder's files of 4 s each: pictures 0 to 119, ten a second, the first one at `START`."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = make(folder / "whole.mp4", seconds=12, size=size, encode=B3)
    copy = ("-c", "copy", "-f", "segment", "-segment_time", 4, "-reset_timestamps", 1)
    ffmpeg("-i", whole, *copy, folder / f"{role}%d.mp4")
    whole.unlink()
    return [
        Segment(f"{role}{n}", "gate", str(path), "0" * 64, 1, START + 4000 * n, StartSource.RECORDER, 4000, role=role)
        for n, path in enumerate(sorted(folder.iterdir()))
    ]


@pytest.fixture
def clips(tmp_path: Path) -> ClipCache:
    return ClipCache(MediaStore(tmp_path / "media"), timeout_s=60)


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The ffmpeg commands that are run."""
    seen: list[list[str]] = []
    run = clip_cutter._run_ffmpeg

    def noted(command: list[str], source: Path, timeout_s: float) -> None:
        seen.append(command)
        run(command, source, timeout_s)

    monkeypatch.setattr(clip_cutter, "_run_ffmpeg", noted)
    return seen


@pytest.mark.parametrize("bad", ["", "..", "../x", "a/b", "/etc", "a\\b", "a\0", "é", "x" * 200, "a.b", "a\n"])
def test_no_id_leads_out_of_the_folder(clips: ClipCache, tmp_path: Path, bad: str) -> None:
    for use in (
        lambda: clips.clip(tmp_path / "a.mp4", bad, 0, 1000),
        lambda: clips.delete_clips(bad),
    ):
        with pytest.raises(BadInput, match="not a segment id"):
            use()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("offset", "duration"), [(-1, 1000), (0, 0), (0, -5), (0, 10**9), (10**15, 1000)])
def test_impossible_times_are_refused(clips: ClipCache, tmp_path: Path, offset: int, duration: int) -> None:
    with pytest.raises(BadInput):
        clips.clip(tmp_path / "a.mp4", SEGMENT, offset, duration)


@pytest.mark.parametrize(
    ("name", "encode", "copied"),
    [
        ("a.mp4", H264, True),
        ("b.mp4", B3, True),
        ("a.mkv", B3, True),
        ("a.ts", B3, True),
        ("a.flv", B3, True),
        ("a.avi", H264, False),
        ("b.avi", B3, False),
        ("c.avi", ("-c:v", "mpeg4", "-bf", "2", "-q:v", "3"), False),
        ("hevc.mp4", ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"), False),
        ("high10.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p10le"), False),
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M"), False),
    ],
)
def test_a_clip_begins_exactly_where_asked(
    clips: ClipCache, tmp_path: Path, cuts: list[list[str]], name: str, encode: tuple[str, ...], copied: bool
) -> None:
    source = make(tmp_path / name, encode=encode, key_every=15)
    for first in (0, 3, 17, 30):
        clip = clips.clip(source, SEGMENT, first * 100, 800)
        shown = numbers(clip)
        assert shown[:8] == list(range(first, first + 8))
        assert len(shown) <= 11  # a copied B-frame or two more
        assert ("copy" in cuts[-1]) is copied
        info = probe(clip, max_megapixels=17)
        assert info.codec == "h264"
        data = clip.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")
        assert b"soun" not in data


def test_odd_sizes_turned_and_large_pictures_become_playable(clips: ClipCache, tmp_path: Path) -> None:
    odd = make(tmp_path / "odd.mkv", size=(321, 243), encode=("-c:v", "libx264", "-pix_fmt", "yuv444p"))
    info = probe(clips.clip(odd, "odd", 0, 500), max_megapixels=17)
    assert (info.width % 2, info.height % 2) == (0, 0)
    large = make(tmp_path / "large.avi", size=(1920, 1080), seconds=0.5, encode=("-c:v", "mpeg4"))
    info = probe(clips.clip(large, "large", 0, 500), max_megapixels=17)
    assert (info.width, info.height) == (1280, 720)
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", 90, "-i", make(tmp_path / "a.mp4"), "-c", "copy", turned)
    info = probe(clips.clip(turned, "turned", 1000, 500), max_megapixels=17)
    assert (info.width, info.height) == (240, 320)


def test_sound_is_left_out(clips: ClipCache, tmp_path: Path) -> None:
    source = tmp_path / "loud.mp4"
    tone = ("-f", "lavfi", "-i", "sine", "-shortest")
    ffmpeg("-i", make(tmp_path / "a.mp4"), *tone, "-c:v", "copy", source)
    assert numbers(clips.clip(source, SEGMENT, 500, 500))[0] == 5
    assert b"soun" not in clips.clip(source, SEGMENT, 500, 500).read_bytes()


def test_clock_that_jumps_or_runs_back_is_cut_where_the_index_says(clips: ClipCache, tmp_path: Path) -> None:
    piece = make(tmp_path / "a.ts", seconds=3)
    twice = tmp_path / "twice.ts"
    twice.write_bytes(piece.read_bytes() * 2)
    where = {f.offset_ms: number_of(f.image) for f in VideoSource(twice, interval_s=0.7, max_megapixels=17).frames()}
    assert max(where) > 4000
    for offset, number in where.items():
        assert numbers(clips.clip(twice, SEGMENT, offset, 300))[0] == number


def test_a_key_frame_far_away_means_encoding(
    clips: ClipCache, tmp_path: Path, cuts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_cutter, "_MAX_PREROLL_MS", 1000)
    source = make(tmp_path / "a.mp4", key_every=40)
    assert numbers(clips.clip(source, SEGMENT, 900, 300))[0] == 9
    assert numbers(clips.clip(source, SEGMENT, 2900, 300))[0] == 29
    assert ["copy" in c for c in cuts] == [True, False]


def test_a_clip_is_cut_once(clips: ClipCache, tmp_path: Path, cuts: list[list[str]]) -> None:
    source = make(tmp_path / "a.mp4")
    got: list[Path] = []
    threads = [threading.Thread(target=lambda: got.append(clips.clip(source, SEGMENT, 1000, 500))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 6
    assert len(set(got)) == len(cuts) == 1
    assert ClipCache(MediaStore(tmp_path / "media")).clip(source, SEGMENT, 1000, 500) == got[0]
    assert len(cuts) == 1
    assert [p.name for p in got[0].parent.iterdir()] == [got[0].name]
    assert not clips._cutting


def test_the_least_recently_asked_for_clip_goes_first(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4")
    size = ClipCache(MediaStore(tmp_path / "probe")).clip(source, SEGMENT, 0, 500).stat().st_size
    clips = ClipCache(MediaStore(tmp_path / "media"), max_clip_bytes=size * 5 // 2)
    first, second = clips.clip(source, "one", 0, 500), clips.clip(source, "two", 0, 500)
    for path, age in ((first, 200), (second, 100)):
        os.utime(path, (time.time() - age, time.time() - age))
    left = first.parent / ".left.tmp"
    left.write_bytes(b"")
    os.utime(left, (0, 0))
    clips.clip(source, "one", 0, 500)  # used again
    third = clips.clip(source, "three", 0, 500)
    assert {p.name for p in first.parent.iterdir()} == {first.name, third.name}
    tiny = ClipCache(MediaStore(tmp_path / "media"), max_clip_bytes=1)
    newest = tiny.clip(source, "four", 0, 500)
    assert list(first.parent.iterdir()) == [newest]


def test_what_cannot_be_cut_says_why_and_leaves_nothing(
    clips: ClipCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "a.mp4")
    with pytest.raises(BadInput, match="no frame there"):
        clips.clip(source, SEGMENT, 60_000, 1000)
    with pytest.raises(BadMedia) as caught:
        clips.clip(tmp_path / "gone.mp4", SEGMENT, 0, 1000)
    assert caught.value.reason == "missing"
    neighbour = make(tmp_path / "neighbour.ts")
    script = tmp_path / "script.mp4"
    script.write_text("ffconcat version 1.0\nfile neighbour.ts\n")
    with pytest.raises(BadMedia) as caught:
        clips.clip(script, SEGMENT, 0, 1000)
    assert caught.value.reason == "disguised"
    slow = ClipCache(MediaStore(tmp_path / "media"), timeout_s=0.001)
    with pytest.raises(Unavailable, match="too long"):
        slow.clip(neighbour, SEGMENT, 0, 1000)
    monkeypatch.setattr(clip_cutter, "ffmpeg_path", lambda: str(tmp_path / "no-ffmpeg"))
    with pytest.raises(Unavailable, match="ffmpeg cannot be run"):
        clips.clip(source, SEGMENT, 0, 1000)
    assert not list((tmp_path / "media" / "clips").iterdir())


def test_a_clip_goes_on_in_the_next_files(clips: ClipCache, tmp_path: Path, cuts: list[list[str]]) -> None:
    files = recorded(tmp_path / "v")
    for first, count in ((35, 10), (0, 120), (12, 90), (39, 2)):
        seen = shown(clips.clip_of(files, START + 100 * first, 100 * count))
        assert [number for _, number in seen[:count]] == list(range(first, first + count))
        assert len(seen) <= count + 3  # a copied B-frame or two more
        assert all(abs(ms - 100 * n) <= 1 for n, (ms, _) in enumerate(seen))
    assert all("copy" in command for command in cuts)
    assert not [p for p in (tmp_path / "media" / "clips").iterdir() if p.name.startswith(".")]


def test_steered_clocks_cost_no_picture(clips: ClipCache, tmp_path: Path) -> None:
    files = recorded(tmp_path / "v")
    files = [files[0], replace(files[1], start_ms=START + 3980), replace(files[2], start_ms=START + 8030)]
    seen = shown(clips.clip_of(files, START + 3000, 7000))
    assert [number for _, number in seen[:70]] == list(range(30, 100))
    assert [ms for ms, _ in seen[8:12]] == pytest.approx([800, 900, 1000, 1100], abs=1)
    assert [ms for ms, _ in seen[49:52]] == pytest.approx([4900, 5030, 5130], abs=1)


def test_a_gap_stays_a_gap(clips: ClipCache, tmp_path: Path) -> None:
    files = recorded(tmp_path / "v")
    seen = shown(clips.clip_of([files[0], files[2]], START + 3000, 6000))
    assert seen[:11] == [(100 * n, 30 + n) for n in range(10)] + [(5000, 80)]
    Path(files[1].path).write_bytes(b"\0" * 1000)
    again = shown(clips.clip_of(files, START + 3000, 6000))
    assert again == seen
    Path(files[0].path).unlink()
    with pytest.raises(BadMedia) as caught:
        clips.clip_of(files, START + 3000, 5500)
    assert caught.value.reason == "missing"
    with pytest.raises(BadMedia):
        clips.clip_of(files[:2], START + 3000, 6000)


def test_other_pictures_end_the_clip(clips: ClipCache, tmp_path: Path) -> None:
    files = recorded(tmp_path / "v")
    other = recorded(tmp_path / "w", size=(160, 120))
    assert numbers(clips.clip_of([files[0], other[1], files[2]], START + 3000, 6000)) == list(range(30, 40))
    coded = tmp_path / "other.mp4"
    ffmpeg("-i", files[1].path, "-c:v", "mpeg4", coded)
    changed = replace(files[1], id="changed", path=str(coded))
    assert numbers(clips.clip_of([files[0], changed], START + 3000, 6000)) == list(range(30, 40))


def test_a_clip_goes_with_any_of_its_segments(clips: ClipCache, tmp_path: Path) -> None:
    files = recorded(tmp_path / "v")
    for n in range(3):
        both, first = clips.clip_of(files[:2], START + 3500, 1000), clips.clip_of(files[:1], START + 100, 1000)
        last = clips.clip_of(files[2:], START + 8000, 1000)
        assert len({both, first, last}) == 3
        clips.delete_clips(files[n].id)
        assert [p.exists() for p in (both, first, last)] == [n == 2, n != 0, n != 2]
    for segment in files:
        clips.delete_clips(segment.id)
    assert not [p for p in (tmp_path / "media").rglob("*") if p.is_file()]


def test_thumbnails_and_clips_of_a_segment_are_deleted_together(clips: ClipCache, tmp_path: Path) -> None:
    media = MediaStore(tmp_path / "media")
    files = recorded(tmp_path / "v")
    clip = clips.clip_of(files[:2], START + 3500, 1000)
    for segment in files[1:]:
        media.put_thumbnail(segment.id, 0, b"jpeg")
        media.put_tracks(segment.id, b"{}")
    assert set(segments_with_media(media)) == {segment.id for segment in files}
    assert delete_segment_media(media, files[1].id) == 2
    assert not clip.exists()
    assert set(segments_with_media(media)) == {files[2].id}


def test_a_segment_that_is_deleted_while_its_clip_is_cut_leaves_none(
    clips: ClipCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = recorded(tmp_path / "v")
    run = clip_cutter._run_ffmpeg

    def slow(command: list[str], source: Path, timeout_s: float) -> None:
        run(command, source, timeout_s)
        Path(files[1].path).unlink()
        clips.delete_clips(files[1].id)

    monkeypatch.setattr(clip_cutter, "_run_ffmpeg", slow)
    with pytest.raises(BadMedia, match="gone"):
        clips.clip_of(files, START + 3000, 2000)
    assert not list((tmp_path / "media" / "clips").iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.avi"])
def test_what_a_mask_covers_is_black(clips: ClipCache, tmp_path: Path, name: str) -> None:
    source = make(tmp_path / name, key_every=15)
    plain = clips.clip(source, SEGMENT, 700, 800)
    masked = clips.clip(source, SEGMENT, 700, 800, masks=[LOWER_LEFT])
    assert masked != plain
    assert clips.clip(source, SEGMENT, 700, 800, masks=[LOWER_LEFT[:3]]) not in (plain, masked)
    assert numbers(masked)[:8] == list(range(7, 15))
    for frame in VideoSource(masked, interval_s=0.001, max_megapixels=17).frames():
        assert frame.image[120:, :160].max() < 16  # H.264's black is not quite black
        assert frame.image[124:, 164:].mean() > 60
        assert frame.image[40:116].mean() > 60
    assert not [p for p in masked.parent.iterdir() if p.suffix != ".mp4"]
    assert clips.delete_clips(SEGMENT) == 3


def test_masks_on_joined_turned_and_changing_pictures(clips: ClipCache, tmp_path: Path) -> None:
    files = recorded(tmp_path / "v")
    joined = clips.clip_of(files, START + 3500, 1000, masks=[LOWER_LEFT])
    assert numbers(joined)[:10] == list(range(35, 45))
    turned, grown = tmp_path / "turned.mp4", tmp_path / "grown.ts"
    ffmpeg("-display_rotation", 90, "-i", make(tmp_path / "a.mp4"), "-c", "copy", turned)
    small, large = (make(tmp_path / f"{w}.ts", seconds=1, size=(w, w * 3 // 4)) for w in (160, 640))
    grown.write_bytes(small.read_bytes() + large.read_bytes())
    for source in (turned, grown):
        clip = clips.clip(source, source.stem, 0, 1500, masks=[LOWER_LEFT])
        assert source is turned or numbers(clip)[12:15] == [2, 3, 4]  # the size has changed
        for frame in VideoSource(clip, interval_s=0.001, max_megapixels=17).frames():
            height, width = frame.image.shape[:2]
            assert (width < height) is (source is turned)
            assert frame.image[height // 2 :, : width // 2].max() < 16
            assert frame.image[height // 2 + 4 :, width // 2 + 4 :].mean() > 60


def test_the_ffmpeg_program_has_the_same_limits(tmp_path: Path) -> None:
    make(tmp_path / "neighbour.ts")
    script = tmp_path / "script.mp4"
    script.write_text("ffconcat version 1.0\nfile neighbour.ts\n")
    job = clip_cutter._Cut(script, 0, 0.0, 1.0, True)
    with pytest.raises(BadMedia):
        clip_cutter._run_ffmpeg(clip_cutter._command(job, tmp_path / "out.mp4"), script, 30)
    assert not (tmp_path / "out.mp4").exists()


def test_ffmpeg_came_with_pip() -> None:
    assert "imageio_ffmpeg" in ffmpeg_path()
