"""A folder and S3 keep the same things the same way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from search import files
from search.config import Settings, check_addresses
from search.errors import BadInput, BadMedia, Unavailable
from search.files import FileCache
from search.media.media_store import MediaStore, open_media
from search.media.s3 import S3Storage
from search.media.storage import FolderStorage, Storage
from search.types import Segment, StartSource, StreamRole
from tests.support.s3_server import S3Server

SEGMENT = "0123456789abcdef01234567"


def on_s3(s3: S3Server, tmp_path: Path) -> S3Storage:
    return S3Storage(s3.url, s3.endpoint, FileCache(tmp_path / "cache", 10**9))


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield FolderStorage(tmp_path / "storage")
        return
    server: S3Server = request.getfixturevalue("s3")
    server.empty()
    yield on_s3(server, tmp_path)


@pytest.fixture
def media(storage: Storage, tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", storage=storage)


def test_what_is_put_is_there(storage: Storage, tmp_path: Path) -> None:
    storage.check()
    assert not storage.exists("a/b.jpg")
    assert not storage.local("a/b.jpg").exists()
    big = os.urandom(7_000_000)
    (tmp_path / "big").write_bytes(big)
    storage.put({"a/b.jpg": b"one", "a/c d/é.jpg": b"two"})
    storage.put_file("a/big", tmp_path / "big")
    assert {key: storage.local(key).read_bytes() for key in storage.keys("a")} == {
        "a/b.jpg": b"one",
        "a/c d/é.jpg": b"two",
        "a/big": big,
    }
    assert storage.exists("a/big")
    assert set(storage.folders("a")) >= {"c d"}
    assert all(abs(at - time.time() * 1000) < 60_000 for at in storage.times("a").values())
    assert list(storage.keys("b")) == list(storage.folders("b")) == []


def test_a_thing_that_is_replaced_is_seen_fresh(storage: Storage) -> None:
    storage.put({"a": b"before"})
    assert storage.local("a", fresh=True).read_bytes() == b"before"
    storage.put({"a": b"after"})
    assert storage.local("a", fresh=True).read_bytes() == b"after"
    storage.delete(["a"])
    assert not storage.local("a", fresh=True).exists()


def test_deleting_twice_is_no_error(storage: Storage) -> None:
    storage.put({"a/b": b"1", "a/c": b"2"})
    storage.delete(["a/b", "a/none"])
    storage.delete(["a/b"])
    assert list(storage.keys("a")) == ["a/c"]


def test_pictures_and_tracks(media: MediaStore) -> None:
    assert media.tracks(SEGMENT) is None
    assert media.now_taken("gate/1") is None
    media.put_thumbnails({(SEGMENT, 0): b"first", (SEGMENT, 2000): b"second"})
    media.put_tracks(SEGMENT, b"[]")
    taken = round(time.time() * 1000) - 3000
    media.put_now("gate/1", b"now", taken)
    assert media.thumbnail_path(SEGMENT, 2000).read_bytes() == b"second"
    assert media.thumbnail_address(SEGMENT, 0).endswith(f"thumbnails/{SEGMENT}/0.jpg")
    assert not media.thumbnail_path(SEGMENT, 4000).is_file()
    assert media.tracks(SEGMENT) == b"[]"
    assert media.now_path("gate/1").read_bytes() == b"now"
    assert list(media.segment_ids()) == [SEGMENT]
    media.put_thumbnail(SEGMENT, 0, b"masked")
    assert media.thumbnail_path(SEGMENT, 0).read_bytes() == b"masked"
    assert media.delete_thumbnails(SEGMENT) == 2
    assert media.delete_thumbnails(SEGMENT) == 0
    assert not media.thumbnail_path(SEGMENT, 0).is_file()
    assert media.tracks(SEGMENT) is None
    assert list(media.segment_ids()) == []


def recording(path: str) -> Segment:
    return Segment(SEGMENT, "gate", path, "0" * 64, 5, 0, StartSource.RECORDER, 1000, role=StreamRole.MAIN)


def test_a_recording_goes_there_and_back(s3: S3Server, tmp_path: Path) -> None:
    s3.empty()
    media = MediaStore(tmp_path / "media", storage=on_s3(s3, tmp_path))
    file = tmp_path / "recordings" / "gate" / "a.mp4"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"movie")
    address = media.put_recording(file, tmp_path / "recordings")
    assert address == f"{s3.url}/recordings/gate/a.mp4"
    assert list(media.recordings()) == [address]
    assert media.has_recording(address)
    here = Path(media.local(recording(address)).path)
    assert (here.read_bytes(), here.name) == (b"movie", "a.mp4")
    media.delete_recording(address)
    assert not media.has_recording(address)
    with pytest.raises(BadMedia) as e:
        media.local(recording(address))
    assert e.value.reason == "missing"
    assert media.fetched([recording(address)]) == [recording(address)]


def test_a_recording_of_another_storage_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="another storage"):
        MediaStore(tmp_path).local(recording("s3://old/recordings/a.mp4"))


def test_a_storage_that_is_away_or_wrong_is_told_with_the_cure(s3: S3Server, tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", 10**9)
    with pytest.raises(Unavailable, match="no such bucket"):
        S3Storage("s3://nobodys", s3.endpoint, cache).check()
    away = S3Storage(s3.url, "http://127.0.0.1:9", cache)
    for act in (away.check, lambda: away.local("a"), lambda: away.delete(["a"]), lambda: list(away.keys("a"))):
        with pytest.raises(Unavailable, match="does not answer") as e:
            act()
        assert "media_endpoint" in e.value.cure


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"media_endpoint": "http://minio:9000"}, "of no use"),
        ({"media_url": "http://minio:9000/city"}, "names no bucket"),
        ({"media_url": "s3://"}, "names no bucket"),
        ({"media_url": "s3://city", "media_endpoint": "minio:9000"}, "no address of a server"),
    ],
)
def test_addresses_that_cannot_be_meant_are_refused(values: dict[str, str], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        check_addresses(Settings(**values))


def test_without_settings_media_lie_in_the_data_folder(tmp_path: Path) -> None:
    media = open_media(Settings(data_dir=tmp_path))
    media.put_thumbnail(SEGMENT, 0, b"jpeg")
    assert (tmp_path / "media" / "thumbnails" / SEGMENT / "0.jpg").read_bytes() == b"jpeg"
    assert not media.takes_recordings


def test_copies_that_were_not_asked_for_the_longest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def three_bytes(target: Path) -> None:
        target.write_bytes(b"xxx")

    cache = FileCache(tmp_path, 10)
    for n in range(6):
        cache.fetched(f"f{n}", three_bytes)
    assert len(list(tmp_path.iterdir())) == 6  # somebody may be about to open them
    for n in range(6):
        os.utime(tmp_path / f"f{n}", (1000 + n, 1000 + n))
    cache.fetched("f1", lambda _: pytest.fail("it is there"))
    monkeypatch.setattr(files, "_IN_USE_S", 0)
    cache.fetched("new", three_bytes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f1", "f5", "new"]


def test_a_copy_that_cannot_be_fetched_leaves_nothing(tmp_path: Path) -> None:
    def gone(_: Path) -> None:
        raise FileNotFoundError

    cache = FileCache(tmp_path, 10)
    with pytest.raises(FileNotFoundError):
        cache.fetched("a/b", gone)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
