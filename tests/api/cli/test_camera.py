"""Cameras, holds and the deep check at the front door: nothing is wiped by accident, and no password ever shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.config import Settings
from search.media.media_store import MediaStore
from search.types import Camera, Segment, SegmentReport, SegmentState, StartSource, StreamRole
from search.vault import Vault
from tests.conftest import Command, Outcome

SECRET = "geheim"
URL = f"rtsp://admin:{SECRET}@10.0.0.7/live/main"
MASK = "0,0 0.5,0 0.5,0.4 0,0.4"


class Line:
    """The command line over one data folder; every outcome is searched for the secret."""

    def __init__(self, data_dir: Path, command: Command) -> None:
        self.settings = Settings(data_dir=data_dir)
        self._command = command

    def __call__(self, *arguments: object, code: int = 0) -> Outcome:
        outcome = self._command("-v", *arguments, "--data-dir", self.settings.data_dir)
        assert outcome.code == code, outcome.out + outcome.err
        assert SECRET not in outcome.out + outcome.err
        assert "Traceback" not in outcome.err
        return outcome

    def camera(self, camera_id: str = "gate") -> dict[str, Any]:
        listed = self("camera", "list", "--json").json["cameras"]
        return next(camera for camera in listed if camera["id"] == camera_id)

    def addresses(self) -> dict[tuple[str, StreamRole], str]:
        """What a recorder would connect to."""
        vault = Vault(self.settings.data_dir, self.settings.secret_key)
        with Catalog(self.settings.catalog_address) as catalog:
            return {(s.camera_id, s.role): vault.open(s.sealed) for s in catalog.streams.all()}


@pytest.fixture
def line(tmp_path: Path, xunren: Command) -> Line:
    return Line(tmp_path, xunren)


def test_a_live_camera_is_added_and_its_address_kept_secret(line: Line) -> None:
    added = line("camera", "add", "gate", "--url", URL, "--lat", 22.72, "--lon", 114.25, "--district", "longcheng")
    assert "camera gate added" in added.out
    assert line.addresses() == {("gate", StreamRole.MAIN): URL}
    assert "rtsp://***@10.0.0.7/live/main" in line("camera", "list").out.replace("\n", "").replace(" ", "")
    camera = line.camera()
    assert (camera["url"], camera["index_url"], camera["district"]) == (
        "rtsp://***@10.0.0.7/live/main",
        None,
        "longcheng",
    )
    stored = b"".join(file.read_bytes() for file in line.settings.data_dir.rglob("*") if file.is_file())
    assert SECRET.encode() not in stored


def test_changing_one_thing_wipes_nothing(line: Line) -> None:
    line("camera", "add", "gate", "--url", URL, "--lat", 1, "--lon", 2, "--name", "North", "--mask", MASK)
    changed = line("camera", "add", "gate", "--keep-days", 7)
    assert "camera gate changed" in changed.out
    assert changed.out.count("\n") == 2
    assert "keep_days: 7" in changed.out
    line("camera", "add", "gate", "--index-url", f"rtsp://admin:{SECRET}@10.0.0.7/live/sub")
    assert "as it was" in line("camera", "add", "gate", "--url", URL, "--name", "North").out
    camera = line.camera()
    assert (camera["name"], camera["lat"], camera["keep_days"], len(camera["masks"])) == ("North", 1, 7, 1)
    assert set(line.addresses()) == {("gate", StreamRole.MAIN), ("gate", StreamRole.SUB)}


def test_a_new_password_is_a_change_that_shows_no_password(line: Line) -> None:
    line("camera", "add", "gate", "--url", URL)
    before = streams(line)
    changed = line("camera", "add", "gate", "--url", URL.replace(SECRET, SECRET + "2"))
    assert "url: rtsp://***@10.0.0.7/live/main" in changed.out
    assert line.addresses() == {("gate", StreamRole.MAIN): URL.replace(SECRET, SECRET + "2")}
    assert [stream.since_ms for stream in streams(line)] == [stream.since_ms for stream in before]


def streams(line: Line) -> list[Any]:
    with Catalog(line.settings.catalog_address) as catalog:
        return catalog.streams.all()


def test_the_same_address_stays_sealed_as_it_is(line: Line) -> None:
    """Or the recorder would connect again."""
    line("camera", "add", "gate", "--url", URL)
    before = streams(line)[0].sealed
    line("camera", "add", "gate", "--url", URL, "--keep-days", 7)
    assert streams(line)[0].sealed == before


def test_an_address_in_brackets_is_no_markup(line: Line) -> None:
    added = line("camera", "add", "gate", "--url", f"rtsp://admin:{SECRET}@[fe80::1]:554/a", "--name", "[red]North")
    assert "url: rtsp://***@[fe80::1]:554/a" in added.out
    assert "name: [red]North" in added.out


def test_what_is_there_can_be_taken_away(line: Line) -> None:
    line("camera", "add", "gate", "--url", URL, "--index-url", URL, "--mask", MASK, "--mask", MASK, "--keep-days", 7)
    assert len(line.camera()["masks"]) == 2
    line("camera", "add", "gate", "--index-url", "none", "--mask", "none", "--keep-days", 0)
    camera = line.camera()
    assert (camera["index_url"], camera["masks"], camera["keep_days"]) == (None, [], None)
    assert "no longer recorded" in line("camera", "stop", "gate").out
    assert line.addresses() == {}
    assert "was not recorded" in line("camera", "stop", "gate").out
    assert "unknown camera" in line("camera", "stop", "gaet", code=1).err
    assert "camera stop gate" in line("camera", "add", "gate", "--url", "", code=1).err


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "gate", "--url", f"rtsp://admin:{SECRET}/live"),
        ("add", "gate", "--url", f"admin:{SECRET}@10.0.0.7"),
        ("add", "gate", "--url", f"rtsp://admin:{SECRET}@10.0.0.7:99999/"),
        (f"add --url=rtsp://admin:{SECRET}/live gate").split(),
        ("add", "gate", "--index-url", URL),
        ("add", URL),
        ("add", "gate", URL),
        ("add", "gate", "--ulr", URL),
        ("add", "gate", "--name", URL),
        ("add", "gate", "--lat", URL),
        ("add", "gate", "--keep-days", URL),
        ("add", "gate", "--mask", URL),
        ("list", URL),
        ("stop", URL),
        (URL,),
        ("add", "a b\\", "--url", URL),
        ("add", "gate", "--url", URL, "--lat", "95", "--lon", "1"),
        ("add", "gate", "--url", URL, "--keep-days", "1e9"),
        ("add", "gate", "--url", URL, "--mask", "0,0 1,1"),
        ("add", "gate", "--url", URL, "--mask", "0,0 2,0 1,1"),
        ("add", "gate", "--url", URL, "--mask", "0 0 1"),
    ],
)
def test_what_is_refused_changes_nothing_and_repeats_no_secret(arguments: tuple[str, ...], line: Line) -> None:
    line("camera", "list")
    refused = line("camera", *arguments, code=1)
    assert "error" in refused.err
    assert line("camera", "list", "--json").json == {"cameras": []}


def test_another_key_is_said_and_cured_by_giving_the_address_again(line: Line) -> None:
    line("camera", "add", "gate", "--url", URL)
    (line.settings.data_dir / "secret.key").unlink()
    line("camera", "list")
    line("camera", "add", "gate", "--keep-days", 7)
    line("camera", "add", "gate", "--url", URL)
    assert line.addresses() == {("gate", StreamRole.MAIN): URL}


# many cameras


def csv(line: Line, *rows: str, header: str = "id,name,url,index_url,keep_days,lat,lon") -> Path:
    file = line.settings.data_dir / "cameras.csv"
    file.write_text("\n".join((header, *rows)), "utf-8")
    return file


def test_cameras_with_addresses_come_from_a_file(line: Line) -> None:
    line("camera", "add", "hall", "--url", URL, "--mask", MASK)
    file = csv(line, f"gate,North,{URL},{URL}2,7,,", "hall,Hall,,,,1,2", "roof,,,,,,")
    imported = line("camera", "import", file)
    assert "2 cameras added, 1 changed, 0 as they were" in imported.out
    assert line.addresses() == {
        ("gate", StreamRole.MAIN): URL,
        ("gate", StreamRole.SUB): URL + "2",
        ("hall", StreamRole.MAIN): URL,
    }
    assert (line.camera("gate")["keep_days"], len(line.camera("hall")["masks"])) == (7, 1)
    assert "0 cameras added, 0 changed, 3 as they were" in line("camera", "import", file).out
    file.unlink()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((f"gate,,{URL},,,,", f"hall,,rtsp://admin:{SECRET}/x,,,,"), ("line 3", "not the address")),
        ((f"gate,,{URL},,x{SECRET},,",), ("line 2", "keep_days")),
        ((f"gate,,{URL},,,{SECRET},1",), ("line 2", "lat")),
        ((f"gate,,{URL},,-7,,",), ("line 2", "days to keep")),
        ((f"gate,,rtsp://admin:ab,{SECRET}@host/x,,,",), ("line 2",)),
        ((f"gate,,rtsp://admin:ab,7,{SECRET}@host/x,,",), ("line 2",)),
        ((f"gate,,{URL},,,,,,{SECRET}",), ("line 2", "more values")),
        ((f'{SECRET}",,{URL},,,,',), ("line 2", "camera id")),
        ((f"{URL},,,,,,",), ("line 2", "no camera id")),
        ((f"gate,,{URL},,,,", f"gate,,{URL},,,,"), ("line 3", "line 2")),
        ((f"gate,,,{URL},,,",), ("line 2", "none to record")),
        ((f",,{URL},,,,",), ("line 2", "camera id")),
    ],
)
def test_a_wrong_line_is_named_without_secrets_and_nothing_is_written(
    rows: tuple[str, ...], words: tuple[str, ...], line: Line
) -> None:
    refused = line("camera", "import", csv(line, *rows), code=1)
    assert all(word in refused.err for word in words), refused.err
    assert line("camera", "list", "--json").json == {"cameras": []}


def test_a_file_without_a_header_is_not_repeated(line: Line) -> None:
    refused = line("camera", "import", csv(line, header=f"gate,North,{URL}"), code=1)
    assert "no header" in refused.err
    (line.settings.data_dir / "cameras.csv").write_bytes(b"id,url\ngate,rtsp://\xff" + SECRET.encode())
    line("camera", "import", line.settings.data_dir / "cameras.csv", code=1)
    line("camera", "import", line.settings.data_dir / "none.csv", code=1)


# masks


def test_a_mask_holds_from_now_on_or_for_all_with_reindex(line: Line) -> None:
    line("camera", "add", "gate")
    media, done = MediaStore(line.settings.media_dir), indexed(line, "gate")
    other = indexed(line, "hall")
    for segment in (done, other):
        media.put_thumbnail(segment.id, 0, b"jpeg")
    said = line("camera", "add", "gate", "--mask", MASK).out
    assert "from now on" in said
    assert "--reindex" in said
    assert media.thumbnail_path(done.id, 0).exists()
    assert "--reindex" not in line("camera", "add", "gate", "--name", "x").out
    assert "1 files of camera gate are indexed again" in line("camera", "add", "gate", "--reindex").out
    assert not media.thumbnail_path(done.id, 0).exists(), "a picture of the masked region is left"
    assert media.thumbnail_path(other.id, 0).exists()
    with Catalog(line.settings.catalog_address) as catalog:
        again = catalog.segments.lease("me", 60_000)
        assert again is not None
        assert (again.id, again.attempt) == (done.id, 2)
        assert catalog.segments.lease("me", 60_000) is None


def indexed(line: Line, camera: str) -> Segment:
    with Catalog(line.settings.catalog_address) as catalog:
        catalog.cameras.add(Camera(camera), replace=False)
        segment = Segment(
            segment_id(camera, "a"), camera, f"/r/{camera}.mp4", "a", 1, 1_790_000_000_000, StartSource.RECORDER,
            10_000, role=StreamRole.MAIN,
        )  # fmt: skip
        catalog.recordings.write(RecorderUpdate(segments=[(segment, SegmentState.PENDING)]))
        leased = catalog.segments.lease("me", 60_000)
        assert leased is not None
        catalog.segments.finish(SegmentReport(leased, SegmentState.INDEXED))
        return leased


# holds


def test_holds_at_the_front_door(line: Line) -> None:
    line("camera", "add", "gate")
    times = ("--from", "2026-11-02T08:00", "--to", "2026-11-02T09:00")
    added = line("hold", "add", "--camera", "gate", *times, "--why", "case 17")
    assert "hold 1: camera gate, 2026-11-02T08:00:00+08:00" in added.out
    line("hold", "add", *times, "--why", "case [18]")
    held = line("hold", "list", "--json").json["holds"]
    assert [(hold["id"], hold["camera_id"], hold["why"]) for hold in held] == [
        (1, "gate", "case 17"),
        (2, "", "case [18]"),
    ]
    assert "case [18]" in line("hold", "list").out
    line("hold", "remove", 1)
    assert "no such hold" in line("hold", "remove", 1, code=1).err
    assert "unknown camera" in line("hold", "add", "--camera", "gaet", *times, "--why", "x", code=1).err
    assert "reason" in line("hold", "add", *times, "--why", " ", code=1).err
    assert "not a time" in line("hold", "add", "--from", "soon", "--to", "later", "--why", "x", code=1).err


# the deep check


def test_doctor_finds_what_is_left_over_and_mends_it(line: Line) -> None:
    line("camera", "add", "gate")
    assert "nothing is left over" in line("doctor", "--deep").out
    MediaStore(line.settings.media_dir).put_thumbnail("f" * 24, 0, b"jpeg")
    found = line("doctor", "--deep", code=1)
    assert "f" * 24 in found.out
    assert "--mend" in found.out
    assert "nothing is left over" in line("doctor", "--deep", "--mend").out
    assert "nothing is left over" in line("doctor", "--deep").out


def test_a_check_of_no_index_makes_none(tmp_path: Path, xunren: Command) -> None:
    refused = xunren("doctor", "--deep", "--data-dir", tmp_path / "none")
    assert refused.code == 1
    assert "no index" in refused.err
    assert not (tmp_path / "none").exists()


def test_json_of_cameras_has_nothing_sealed(line: Line) -> None:
    line("camera", "add", "gate", "--url", URL)
    text = json.dumps(line.camera())
    assert streams(line)[0].sealed not in text
