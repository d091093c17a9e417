"""Evidence of a sighting: complete, signed, and every changed byte is named with its place."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from api.audit.audit_log import AuditFilter as Entries
from api.audit.audit_log import AuditLog, entry_dict
from api.cases.case_store import CaseStore, cases_of
from api.cases.investigation import CaseService
from api.cases.types import CaseInput
from api.evidence.export import ACTION, EvidenceExporter, ExportRequest
from api.evidence.manifest import BLOCK_BYTES, MANIFEST, SIGNATURE, canonical, describe
from api.evidence.verify import verify
from api.runtime.context import AppContext
from api.signing import Signer, as_text
from indexer.decoding.video_source import VideoSource
from search.errors import BadInput, Conflict, NotFound, XunrenError
from search.media.photos import photo_file
from search.query import Query
from search.stream_types import Rules
from search.times import parse_time
from search.types import Camera, Filter, Image
from tests.conftest import ROOT
from tests.support.browser import FPS, HEIGHT, SECONDS, START, WIDTH, index, small_index
from tests.support.fakes import COLOURS
from tests.support.videos import H264, ffmpeg

CAMERA = "路口 gate"
BY_ME = ExportRequest("os:me", "command line")
UPPER = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))
SIZE = (44, 120)
"""Width and height of who walks, pixels."""


def red_at(second: float) -> tuple[int, int]:
    """Left and top of the person who is looked for, from second 2 to second 9."""
    return round(40 + (second - 2) * 70), 30


def blue_at(second: float) -> tuple[int, int]:
    """Of the bystander, the other way."""
    return round(540 - (second - 2) * 70), 220


def scene(second: float) -> Image:
    """Two people in striped clothes, so that sharpness can be measured: uint8 (HEIGHT, WIDTH, 3)."""
    shade = np.random.default_rng(5).integers(118, 138, (HEIGHT // 8, WIDTH // 8, 1), dtype=np.uint8)
    image = np.ascontiguousarray(np.kron(shade, np.ones((8, 8, 3), np.uint8)))
    if 2 <= second < 9:
        for colour, (left, top) in (("red", red_at(second)), ("blue", blue_at(second))):
            body = image[top : top + SIZE[1], left : left + SIZE[0]]
            body[:] = COLOURS[colour][0]
            body[::6] = body[1::6] = np.minimum(255, np.array(COLOURS[colour][0]) + 50)
    return image


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    folder = tmp_path_factory.mktemp("evidence")
    film = folder / "films" / CAMERA / "two.mp4"
    film.parent.mkdir(parents=True)
    raw = b"".join(scene(n / FPS).tobytes() for n in range(SECONDS * FPS))
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", FPS, "-i", "-")
    ffmpeg(*source, *H264, "-crf", 12, "-g", FPS, "-metadata", f"creation_time={START}", film, data=raw)
    with small_index(folder, ()) as context:
        index(context, [film])
        context.catalog.cameras.add(Camera(CAMERA, "北门", "longcheng", 22.72, 114.25, clock_offset_ms=-1500))
        yield context


@pytest.fixture(scope="module")
def cases(context: AppContext) -> CaseStore:
    return cases_of(context.settings, context.catalog)


@pytest.fixture(scope="module")
def case(context: AppContext, cases: CaseStore) -> str:
    """With one sighting: somebody in red."""
    made = cases.new(CaseInput("李明", ("穿红色上衣的男孩", "a boy in red")))
    found = context.engine.search(Query("red", Filter()))
    CaseService(context, cases).confirm(made.id, found.clips[0].id, "glasses")
    return made.id


@pytest.fixture(scope="module")
def exporter(context: AppContext, cases: CaseStore) -> EvidenceExporter:
    return EvidenceExporter(context, cases)


@pytest.fixture(scope="module")
def whole(exporter: EvidenceExporter, case: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with a blurred copy; only to be read."""
    folder = tmp_path_factory.mktemp("whole") / "evidence"
    exporter.export(case, 1, folder, ExportRequest("os:me", "command line", blur=True))
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture
def key(context: AppContext, tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(Signer(context.settings.data_dir).public.pem)
    return path


def manifest_of(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    return data


def faults(folder: Path, key: Path | None = None) -> dict[str, str]:
    """File -> what is wrong with it."""
    found: dict[str, str] = {}
    for fault in verify(folder, key).faults:
        found[fault.name] = f"{found.get(fault.name, '')}; {fault.what}".removeprefix("; ")
    return found


def signed_anew(folder: Path, manifest: dict[str, Any], signer: Signer) -> None:
    data = canonical(manifest)
    (folder / MANIFEST).write_bytes(data)
    (folder / SIGNATURE).write_bytes(as_text(signer.sign(data)))


def recording(context: AppContext) -> Path:
    (path,) = (context.settings.data_dir.parent / "films").rglob("*.mp4")
    return path


# what is in it ---------------------------------------------------------------------------------------------------


def test_an_export_is_whole_and_says_what_it_is(whole: Path, context: AppContext, case: str, key: Path) -> None:
    checked = verify(whole, key)
    assert (checked.faults, checked.is_proven) == ((), True)
    assert checked.fingerprint == Signer(context.settings.data_dir).public.fingerprint
    manifest = manifest_of(whole)
    assert (whole / MANIFEST).read_bytes() == canonical(manifest)
    assert sorted(path.name for path in whole.iterdir()) == [
        "README.txt", "blurred.mp4", "clip.mp4", MANIFEST, SIGNATURE, "original", "public_key.pem", "still.jpg",
    ]  # fmt: skip
    assert (manifest["case"]["id"], manifest["case"]["sentences"]) == (case, ["穿红色上衣的男孩", "a boy in red"])
    assert manifest["camera"]["id"] == CAMERA
    assert manifest["camera"]["lat"] == 22.72
    assert manifest["operator"] == "os:me"
    assert manifest["key"] == {"algorithm": "Ed25519", "fingerprint": checked.fingerprint}
    (recorded,) = manifest["recordings"]
    began = parse_time(START, context.zone)
    assert (recorded["start_ms"], recorded["start"]) == (began, START)
    assert recorded["end_ms"] == began + SECONDS * 1000
    assert recorded["clock"]["offset_ms"] == -1500
    sighting = manifest["sighting"]
    assert sighting["note"] == "glasses"
    assert sighting["start_ms"] < sighting["time_ms"] < sighting["end_ms"]
    assert manifest["index"]["model"] == "colours"
    assert manifest["index"]["rows"] == context.store.count()
    for name in ("version", "exported_ms", "product", "audit", "clip", "still", "blurred"):
        assert manifest[name]


def test_the_original_is_what_is_on_the_disk(whole: Path, context: AppContext) -> None:
    (copy,) = (whole / "original").iterdir()
    assert copy.read_bytes() == recording(context).read_bytes()
    assert manifest_of(whole)["recordings"][0]["name"] == f"original/{copy.name}"


def test_the_record_has_the_entry_that_the_manifest_names(whole: Path, context: AppContext, case: str) -> None:
    found = manifest_of(whole)["audit"]
    audit_log = AuditLog(context.catalog)
    audit_log.verify()
    entry = next(e for e in audit_log.find(Entries(case_id=case, action=ACTION)) if e.number == found["number"])
    assert entry.hash == found["hash"]
    assert entry.act.account == "os:me"
    files = {one["name"]: one["sha256"] for one in manifest_of(whole)["files"]}
    assert entry_dict(entry)["details"]["files"] == files


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_the_clip_is_a_stream_copy(whole: Path, context: AppContext) -> None:
    source, copy = packets(recording(context)), packets(whole / "clip.mp4")
    first = source.index(copy[0])
    assert source[first : first + len(copy)] == copy
    clip, sighting = (manifest_of(whole)[name] for name in ("clip", "sighting"))
    began = parse_time(START, context.zone)
    shown = range(first, first + len(copy))
    assert shown.start == (clip["start_ms"] - began) * FPS // 1000
    assert clip["start_ms"] <= sighting["start_ms"] < clip["start_ms"] + 1000  # a key frame each second
    assert began + shown.stop * 1000 // FPS >= min(sighting["end_ms"], began + SECONDS * 1000)
    assert len(frames(whole / "clip.mp4")) == len(copy)


def test_the_still_has_the_box(whole: Path) -> None:
    box = manifest_of(whole)["sighting"]["box"]
    image = photo_file(whole / "still.jpg").astype(int)
    x1, y1, x2, y2 = box
    edges = [image[y1 - 1, x1:x2], image[y2, x1:x2], image[y1:y2, x1 - 1], image[y1:y2, x2]]
    assert all(np.abs(edge.mean(axis=0) - (255, 64, 0)).max() < 60 for edge in edges)


def frames(path: Path) -> list[tuple[int, Image]]:
    with closing(VideoSource(path, interval_s=0.001, max_megapixels=17).frames()) as found:
        return [(frame.offset_ms, frame.image) for frame in found]


def sharpness(image: Image, at: tuple[int, int]) -> float:
    """Of the stripes of who stands there."""
    left, top = at
    part = cv2.cvtColor(image[top + 8 : top + SIZE[1] - 8, left + 6 : left + SIZE[0] - 6], cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(part, cv2.CV_64F).var())


def test_bystanders_are_blurred_and_the_person_is_not(whole: Path, context: AppContext) -> None:
    manifest = manifest_of(whole)
    assert manifest["blurred"]["other_tracks_blurred"] >= 1
    assert "a person must check" in manifest["blurred"]["how"]
    began = manifest["sighting"]["start_ms"] - parse_time(START, context.zone)
    original = {round(ms / 100): image for ms, image in frames(recording(context))}
    seen = [(began + ms) / 1000 for ms, _ in frames(whole / "blurred.mp4")]
    assert seen[0] * 1000 - began < 100
    assert len(seen) == manifest["blurred"]["pictures"] >= 80
    clear = 0
    for ms, image in frames(whole / "blurred.mp4"):
        number = round((began + ms) / 100)
        if not 2 <= number / FPS < 9:
            continue
        before = original[number]
        assert sharpness(image, blue_at(number / FPS)) < 0.02 * sharpness(before, blue_at(number / FPS)), number
        clear += sharpness(image, red_at(number / FPS)) > 0.5 * sharpness(before, red_at(number / FPS))
    assert clear >= 60  # of 70; before the first look and after the last one nobody knows where the person is
    assert manifest["blurred"]["pictures_with_the_person"] >= clear


# what was changed ------------------------------------------------------------------------------------------------


def flipped(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_one_changed_byte_of_any_file_is_named(folder: Path, key: Path, share: float) -> None:
    names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(names) == 8
    for path in names:
        name, size = str(path.relative_to(folder)), path.stat().st_size
        flipped(path, round(share * (size - 1)))
        for given in (key, None):
            found = faults(folder, given)
            if name in (MANIFEST, SIGNATURE):
                assert SIGNATURE in found
                continue
            assert f"changed between byte 0 and byte {size - 1} " in found[name], name
            assert found.keys() == {name} or name == "public_key.pem"
        flipped(path, round(share * (size - 1)))
    assert not faults(folder, key)


def test_the_place_of_a_change_is_told_to_the_block(folder: Path, context: AppContext) -> None:
    signer = Signer(context.settings.data_dir)
    (path,) = (folder / "original").iterdir()
    path.write_bytes(np.random.default_rng(1).bytes(5 * BLOCK_BYTES + 77))
    manifest = manifest_of(folder)
    place = next(n for n, one in enumerate(manifest["files"]) if one["name"] == f"original/{path.name}")
    manifest["files"][place] = describe(path, f"original/{path.name}").as_dict()
    signed_anew(folder, manifest, signer)
    assert not faults(folder)
    for at in (BLOCK_BYTES, 2 * BLOCK_BYTES + 5, 5 * BLOCK_BYTES + 76):
        flipped(path, at)
    found = [fault.what for fault in verify(folder).faults]
    assert found == [
        f"changed between byte {BLOCK_BYTES} and byte {3 * BLOCK_BYTES - 1} (counted from 0)",
        f"changed between byte {5 * BLOCK_BYTES} and byte {5 * BLOCK_BYTES + 76} (counted from 0)",
    ]
    for at in (BLOCK_BYTES, 2 * BLOCK_BYTES + 5, 5 * BLOCK_BYTES + 76):
        flipped(path, at)
    with path.open("ab") as file:
        file.write(b"x")
    assert [fault.what for fault in verify(folder).faults] == [
        f"it has {5 * BLOCK_BYTES + 78} bytes, expected {5 * BLOCK_BYTES + 77}"
    ]


def test_files_that_are_gone_added_or_renamed_are_named(folder: Path, key: Path) -> None:
    (folder / "still.jpg").unlink()
    (folder / "clip.mp4").rename(folder / "clip2.mp4")
    (folder / "original" / "more.mp4").write_bytes(b"")
    (folder / "empty").mkdir()
    found = faults(folder, key)
    assert found.keys() == {"still.jpg", "clip.mp4", "clip2.mp4", "original/more.mp4", "empty"}
    assert found["still.jpg"] == found["clip.mp4"] == "it is missing"
    assert found["clip2.mp4"] == found["original/more.mp4"] == "it is not in the manifest"


def test_a_manifest_of_another_export_is_found(
    folder: Path, exporter: EvidenceExporter, case: str, tmp_path: Path
) -> None:
    exporter.export(case, 1, tmp_path / "other", BY_ME)
    for name in (MANIFEST, SIGNATURE):
        shutil.copy(tmp_path / "other" / name, folder / name)
    assert faults(folder) == {"blurred.mp4": "it is not in the manifest"}
    shutil.copy(folder / "still.jpg", folder / "clip.mp4")
    assert "clip.mp4" in faults(folder)


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, "public_key.pem"])
def test_without_its_papers_it_is_broken(folder: Path, key: Path, name: str) -> None:
    (folder / name).unlink()
    for given in (key, None):
        assert faults(folder, given)[name] == "it is missing"


def test_who_signs_anew_with_another_key_is_found_with_the_key(folder: Path, key: Path, tmp_path: Path) -> None:
    forger = Signer(tmp_path / "forger")
    manifest = manifest_of(folder)
    manifest["camera"]["id"] = "elsewhere"
    signed_anew(folder, manifest, forger)
    assert "signature does not fit" in faults(folder)[SIGNATURE]
    # The whole folder is made to agree with the forger's key.
    (folder / "public_key.pem").write_bytes(forger.public.pem)
    manifest["key"]["fingerprint"] = forger.public.fingerprint
    place = next(n for n, one in enumerate(manifest["files"]) if one["name"] == "public_key.pem")
    manifest["files"][place] = describe(folder / "public_key.pem", "public_key.pem").as_dict()
    signed_anew(folder, manifest, forger)
    alone = verify(folder)
    assert (alone.faults, alone.is_proven, alone.fingerprint) == ((), False, forger.public.fingerprint)
    found = faults(folder, key)
    assert found.keys() == {SIGNATURE, MANIFEST, "public_key.pem"}
    assert forger.public.fingerprint in found["public_key.pem"]


def changed(what: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        manifest = manifest_of(folder)
        what(manifest)
        (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")

    return change


def _rename(manifest: dict[str, Any], name: object) -> None:
    manifest["files"][0]["name"] = name


BROKEN: dict[str, Callable[[Path], object]] = {
    "empty": lambda f: (f / MANIFEST).write_bytes(b""),
    "a list": lambda f: (f / MANIFEST).write_bytes(b"[]"),
    "bytes": lambda f: (f / MANIFEST).write_bytes(b"\xff\x00"),
    "deep": lambda f: (f / MANIFEST).write_bytes(b"[" * 200_000),
    "digits": lambda f: (f / MANIFEST).write_bytes(b"1" * 100_000),
    "not a number": lambda f: (f / MANIFEST).write_bytes(b'{"format": NaN}'),
    "too large": lambda f: os.truncate(f / MANIFEST, 1 << 40),
    "another version": changed(lambda manifest: manifest.update(version=2)),
    "no files": changed(lambda manifest: manifest.pop("files")),
    "files are words": changed(lambda manifest: manifest.update(files=["x"])),
    "no key": changed(lambda manifest: manifest.update(key=None)),
    "no size": changed(lambda manifest: manifest["files"][0].pop("size")),
    "size true": changed(lambda manifest: manifest["files"][0].update(size=True)),
    "size below zero": changed(lambda manifest: manifest["files"][0].update(size=-1)),
    "size absurd": changed(lambda manifest: manifest["files"][0].update(size=10**30)),
    "hash": changed(lambda manifest: manifest["files"][0].update(sha256="x")),
    "hash of a block": changed(lambda manifest: manifest["files"][0]["blocks"].__setitem__(0, 3)),
    "twice": changed(lambda manifest: manifest["files"].append(manifest["files"][0])),
    "itself": changed(lambda manifest: _rename(manifest, MANIFEST)),
    **{
        f"name {name!r}": changed(partial(_rename, name=name))
        for name in ("../key.pem", "/etc/passwd", "original/../../x", "a/b", "..", ".", "", "a\\b", "a\0b", 3, None)
    },
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_manifest_that_cannot_be_is_refused(folder: Path, key: Path, what: str) -> None:
    BROKEN[what](folder)
    found = faults(folder, key)
    assert MANIFEST in found
    assert found[MANIFEST].startswith(("it cannot be used", "it is far too large"))


def test_no_link_is_followed_and_no_pipe_waited_for(folder: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    for name in ("still.jpg", MANIFEST):
        shutil.move(folder / name, tmp_path / "outside" / name)
        (folder / name).symlink_to(tmp_path / "outside" / name)
    found = faults(folder, key)
    assert found == {MANIFEST: "it is a link, which does not belong here"}
    (folder / MANIFEST).unlink()
    shutil.copy(tmp_path / "outside" / MANIFEST, folder / MANIFEST)
    shutil.move(folder / "original", tmp_path / "outside" / "original")
    (folder / "original").symlink_to(tmp_path / "outside" / "original")
    (folder / "clip.mp4").unlink()
    os.mkfifo(folder / "clip.mp4")
    found = faults(folder, key)
    assert "it is a link" in found["still.jpg"]
    assert "it is a link" in found["original"]
    assert "no plain file" in found["clip.mp4"]
    (folder / SIGNATURE).unlink()
    os.mkfifo(folder / SIGNATURE)
    assert "no plain file" in faults(folder, key)[SIGNATURE]


def test_what_is_no_folder_or_no_key_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        verify(tmp_path / "none")
    with pytest.raises(BadInput, match="not a public key"):
        verify(folder, folder / MANIFEST)


def test_openssl_says_the_same(folder: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "sig").write_bytes(base64.b64decode((folder / SIGNATURE).read_bytes()))
    command = [*["openssl", "pkeyutl", "-verify", "-pubin", "-rawin", "-inkey"], str(key)]
    command += ["-in", str(folder / MANIFEST), "-sigfile", str(tmp_path / "sig")]
    good = subprocess.run(command, capture_output=True, check=False)
    assert good.returncode == 0, good.stderr
    flipped(folder / MANIFEST, 100)
    bad = subprocess.run(command, capture_output=True, check=False)
    assert bad.returncode == 1


def test_verifying_loads_nothing_heavy(folder: Path) -> None:
    script = (
        "import sys, pathlib; from api.evidence.verify import verify; "
        "assert not verify(pathlib.Path(sys.argv[1])).faults; "
        "print([name for name in ('torch', 'av', 'cv2', 'pymilvus', 'sqlalchemy', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, folder], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


# masks -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def masked(context: AppContext) -> Iterator[None]:
    context.catalog.streams.set_rules(Rules(CAMERA, masks=(UPPER,)))
    yield
    context.catalog.streams.set_rules(Rules(CAMERA))


@pytest.mark.usefixtures("masked")
def test_a_masked_camera_keeps_its_original_to_itself(
    exporter: EvidenceExporter, case: str, context: AppContext, tmp_path: Path
) -> None:
    folder = tmp_path / "evidence"
    exporter.export(case, 1, folder, ExportRequest("os:me", "command line", blur=True))
    assert not faults(folder)
    assert not (folder / "original").exists()
    manifest = manifest_of(folder)
    (recorded,) = manifest["recordings"]
    assert recorded["name"] is None
    assert "privacy masks" in recorded["withheld"]
    assert recorded["sha256"] == describe(recording(context), "x").sha256
    for name in ("clip.mp4", "blurred.mp4"):
        shown = frames(folder / name)
        assert len(shown) >= 80
        assert all(image[: HEIGHT // 2].max() < 24 for _, image in shown), name
        assert all(image[HEIGHT // 2 + 8 :].mean() > 60 for _, image in shown), name
    still = photo_file(folder / "still.jpg")
    assert (still[: HEIGHT // 2].max(axis=2) < 40).mean() > 0.9  # but for the box
    assert not list(folder.glob(".*"))


# what cannot be exported -----------------------------------------------------------------------------------------


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_what_there_is_is_never_overwritten(exporter: EvidenceExporter, case: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("there", "link"):
        with pytest.raises(Conflict, match="there already"):
            exporter.export(case, 1, tmp_path / name, BY_ME)
    assert not list((tmp_path / "there").iterdir())


def test_what_is_not_there_is_not_exported(
    exporter: EvidenceExporter, case: str, context: AppContext, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(NotFound, match="no such sighting"):
        exporter.export(case, 7, out / "x", BY_ME)
    with pytest.raises(NotFound, match="no such case"):
        exporter.export("2026-9999", 1, out / "x", BY_ME)
    before = AuditLog(context.catalog).head()
    film = recording(context)
    away = film.rename(tmp_path / "away.mp4")
    try:
        with pytest.raises(NotFound, match="no longer there") as gone:
            exporter.export(case, 1, out / "x", BY_ME)
        assert gone.value.cure
    finally:
        away.rename(film)
    flipped(film, film.stat().st_size // 2)
    try:
        with pytest.raises(Conflict, match="not what was indexed"):
            exporter.export(case, 1, out / "x", BY_ME)
    finally:
        flipped(film, film.stat().st_size // 2)
    assert left_behind(out) == []
    assert AuditLog(context.catalog).head() == before  # nothing was signed


def test_a_copy_that_is_not_the_original_is_refused(
    exporter: EvidenceExporter, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(number: int) -> None:
        os.pwrite(number, b"x", 100)

    monkeypatch.setattr("api.evidence.files.os.fsync", damaged)
    with pytest.raises(XunrenError, match="the copy is not what was read"):
        exporter.export(case, 1, tmp_path / "x", BY_ME)
    assert left_behind(tmp_path) == []


def test_without_the_record_nothing_is_exported(
    exporter: EvidenceExporter, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise Conflict("the record cannot be written")

    monkeypatch.setattr(AuditLog, "append", refused)
    with pytest.raises(Conflict):
        exporter.export(case, 1, tmp_path / "x", BY_ME)
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("moment", ["export.cut_clip", "packaging.on_disk", "export.canonical"])
def test_a_killed_export_leaves_nothing_that_looks_complete(
    exporter: EvidenceExporter, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    child = os.fork()
    if not child:  # pragma: no cover - it is killed
        monkeypatch.setattr(f"api.evidence.{moment}", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        try:
            exporter.export(case, 1, tmp_path / "x", BY_ME)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".x.")
    if "on_disk" not in moment:  # then all was written, but for the name
        assert verify(left).faults
