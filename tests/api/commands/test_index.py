"""One batch with everything that people have lying about: each file is indexed or skipped, and the batch goes on."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Command
from tests.support.videos import ffmpeg, make


def odd_files(folder: Path) -> tuple[set[str], set[str]]:
    """Fill `folder`. Returns the names that must be indexed and those that must be skipped."""
    folder.mkdir()
    whole = make(folder / "plain.mp4")
    make(folder / "hevc10.mp4", encode=("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"))
    make(folder / "grey.mp4", encode=("-c:v", "libx264", "-pix_fmt", "gray"))
    make(folder / "odd.mp4", size=(321, 243), encode=("-c:v", "libx264", "-pix_fmt", "yuv444p"))
    ffmpeg("-display_rotation", 90, "-i", whole, "-c", "copy", folder / "phone.mp4")
    (folder / "endless.mkv").write_bytes(ffmpeg("-i", whole, "-c", "copy", "-f", "matroska", "-live", 1, "-"))
    ts = make(folder / "flipped.ts", seconds=5)
    data = bytearray(ts.read_bytes())
    for at in range(len(data) // 3, len(data), 997):
        data[at] ^= 0x55
    ts.write_bytes(data)
    (folder / "cut.mkv").write_bytes(make(folder / "long.mkv", seconds=6).read_bytes()[:-20_000])
    good = {"plain.mp4", "hevc10.mp4", "grey.mp4", "odd.mp4", "phone.mp4", "endless.mkv", "flipped.ts", "cut.mkv"}
    (folder / "long.mkv").unlink()

    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    (folder / "cut.mp4").write_bytes(whole.read_bytes()[:-3000])
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", folder / "sound.mp4")
    (folder / "list.mp4").write_text("#EXTM3U\n#EXTINF:4,\nplain.mp4\n#EXT-X-ENDLIST\n")
    (folder / "script.mp4").write_text("ffconcat version 1.0\nfile plain.mp4\n")
    ffmpeg("-i", whole, "-frames:v", 1, folder / "photo.jpg")
    (folder / "photo.jpg").rename(folder / "photo.mp4")
    make(folder / "8k.mp4", seconds=0.1, size=(7680, 4320))
    bad = {"empty.mp4", "text.mp4", "cut.mp4", "sound.mp4", "list.mp4", "script.mp4", "photo.mp4", "8k.mp4"}
    return good, bad


def test_everything_that_lies_about(tmp_path: Path, xunren: Command) -> None:
    good, bad = odd_files(tmp_path / "v")
    outcome = xunren("index", tmp_path / "v", "--data-dir", tmp_path / "d", "--json")
    assert outcome.code == 3
    assert "Traceback" not in outcome.err
    skipped = {Path(r["path"]).name: r for r in outcome.json["refused"]}
    assert skipped.keys() == bad
    assert all(r["reason"] and r["message"] and r["cure"] for r in skipped.values())
    indexed = {Path(s["path"]).name: s for s in outcome.json["segments"]}
    assert indexed.keys() == good
    for name, segment in indexed.items():
        assert segment["state"] == "indexed", name
        assert segment["rows"] >= 1
        assert segment["seen"] == segment["indexed"] + sum(segment["skipped"].values()), name
    table = xunren("index", tmp_path / "v", "--data-dir", tmp_path / "d")
    assert table.code == 3
    assert "8 of 16 files were already indexed" in table.out
    assert all(name in table.out for name in bad)


def test_only_bad_files_is_status_one(tmp_path: Path, xunren: Command) -> None:
    (tmp_path / "a.mp4").write_text("no film")
    assert xunren("index", tmp_path / "a.mp4", "--data-dir", tmp_path / "d").code == 1
