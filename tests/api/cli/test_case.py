"""Cases at the front door: a boy is looked for, found, confirmed and followed, with a running server and without."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image as Pillow

from api.cases.trail_map import trail_svg
from api.cases.types import CaseInput, LastSeen
from api.commands.case import CaseOptions
from search.errors import BadInput
from search.times import zone_of
from search.types import Camera
from tests.conftest import Command, Demo, Outcome, serving

ZONE = zone_of("Asia/Shanghai")
SENTENCE = "a man in a red coat with a black backpack"
PLACES = {"gate": (22.720, 114.250), "square": (22.7206, 114.250), "street": (22.7206, 114.2512), "hall": (22.8, 114.4)}
SVG = "{http://www.w3.org/2000/svg}"


class Line:
    """The command line over one data folder."""

    def __init__(self, data_dir: Path, command: Command) -> None:
        self.data_dir = data_dir
        self._command = command

    def __call__(self, *arguments: object, code: int = 0) -> Outcome:
        outcome = self._command(*arguments, "--data-dir", self.data_dir)
        assert outcome.code == code, outcome.out + outcome.err
        assert "Traceback" not in outcome.err
        return outcome

    def case(self, *arguments: object) -> dict[str, Any]:
        """`xunren case ... --json`."""
        data: dict[str, Any] = self("case", *arguments, "--json").json
        return data


@pytest.fixture
def line(tmp_path: Path, xunren: Command) -> Line:
    """Without an index."""
    return Line(tmp_path / "data", xunren)


@pytest.fixture
def indexed(demo: Demo, tmp_path: Path, xunren: Command) -> Line:
    """Over a copy of the demo's index, with cameras on the map."""
    made = Line(Path(shutil.copytree(demo.data_dir, tmp_path / "data")), xunren)
    for camera, (lat, lon) in PLACES.items():
        made("camera", "add", camera, "--lat", lat, "--lon", lon, "--name", f"the {camera}")
    return made


def best(answer: dict[str, Any], camera: str) -> dict[str, Any]:
    return next(clip for clip in answer["clips"] if clip["camera"] == camera)


def photo(folder: Path) -> Path:
    """A photo of nobody."""
    file = folder / "photo.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", (20, 20), (200, 30, 30)).save(file)
    return file


# the file --------------------------------------------------------------------------------------------------------


def test_a_case_is_written_and_read(line: Line, tmp_path: Path) -> None:
    line("camera", "add", "gate", "--lat", 22.72, "--lon", 114.25)
    made = line.case(
        "new", "李明", "--sentence", "穿红色外套的男孩", "--sentence", "a boy in red", "--last-seen", "gate",
        "--at", "2026-11-02T07:45", "--riding", "--note", "glasses",
    )  # fmt: skip
    assert (made["name"], made["mode"], made["last_seen"]["camera"]) == ("李明", "riding", "gate")
    assert made["last_seen"]["time"] == "2026-11-02T07:45:00+08:00"
    id_ = made["id"]
    shown = line("case", "show", id_).out
    for word in (
        id_,
        "李明",
        "穿红色外套的男孩",
        "a boy in red",
        "riding, 5 m/s",
        "2026-11-02 07:45:00 gate",
        "glasses",
    ):
        assert word in shown
    listed = line("case", "list").out
    assert "李明" in listed
    assert "(and 1 more)" in listed
    with_photo = line.case("change", id_, "--photo", photo(tmp_path), "--speed", 2)
    assert (with_photo["mode"], len(with_photo["photos"])) == ("own", 1)
    assert Path(with_photo["photos"][0]["image"]).read_bytes().startswith(b"\xff\xd8\xff")
    moved = line.case("change", id_, "--at", "2026-11-02T08:00")["last_seen"]
    assert (moved["camera"], moved["time"]) == ("gate", "2026-11-02T08:00:00+08:00")
    line("case", "close", id_)
    assert "closed" in line("case", "list").out
    line("case", "open", id_)
    assert line.case("show", id_)["open"]
    refused = line("case", "delete", id_, code=1).err
    assert "1 photos, 0 marks and 0 sightings" in refused
    line("case", "delete", id_, "--yes")
    assert line.case("list") == {"cases": []}
    assert not list((line.data_dir / "cases").rglob("*.jpg"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "x"), "nothing says what the person looks like"),
        (("new", "x", "--sentence", "red", "--walking", "--riding"), "more than one speed"),
        (("new", "x", "--sentence", "red", "--last-seen", "1,2"), "nobody knows when"),
        (("new", "x", "--sentence", "red", "--at", "2026-11-02"), "nobody knows where"),
        (("new", "x", "--sentence", "red", "--last-seen", "nowhere", "--at", "2026-11-02"), "unknown camera"),
        (("new", "x", "--sentence", "red", "--last-seen", "95,2", "--at", "2026-11-02"), "not a place on earth"),
        (("new", "x", "--photo", "nowhere.jpg"), "the photo cannot be read"),
        (("new", "x", "--photo", __file__), "test_case.py is not an image"),
        (("show", "2026-0001"), "there is no such case"),
        (("undo", "2026-0001"), "there is no such case"),
        (("trail", "x"), "there is no such case"),
    ],
)
def test_what_cannot_be_done_is_said(line: Line, arguments: tuple[str, ...], said: str) -> None:
    assert said in line("case", *arguments, code=1).err
    assert line.case("list") == {"cases": []}


def test_without_an_index_nothing_is_searched(line: Line) -> None:
    assert "there is no index here" in line("case", "search", "2026-0001", code=1).err


def test_words_change_what_they_name() -> None:
    seen = LastSeen(1000, lat=1.0, lon=2.0, place="here")
    before = CaseInput("a", ("red",), seen, 5.0, "note")
    assert CaseOptions().applied(before, ZONE) == before
    assert CaseOptions(place="there").applied(before, ZONE).last_seen == LastSeen(1000, lat=1.0, lon=2.0, place="there")
    assert CaseOptions(last_seen="gate").applied(before, ZONE).last_seen == LastSeen(1000, "gate")
    assert CaseOptions(last_seen=" -3.5, 7 ").applied(before, ZONE).last_seen == LastSeen(1000, lat=-3.5, lon=7.0)
    assert CaseOptions(last_seen="none").applied(before, ZONE).last_seen is None
    assert CaseOptions(walking=True).applied(before, ZONE).speed_mps == 1.4
    with pytest.raises(BadInput):
        CaseOptions(speed=1.0, riding=True).applied(before, ZONE)


# the search ------------------------------------------------------------------------------------------------------


def looked_for(line: Line) -> tuple[str, dict[str, Any]]:
    """A case, and the answer to its first search; the right clips of three cameras become sightings."""
    id_ = line.case("new", "Man", "--sentence", SENTENCE, "--last-seen", "gate", "--at", "2026-11-02T08:00")["id"]
    answer = line.case("search", id_, "--limit", 60)
    for camera in ("gate", "square"):
        line("case", "sight", id_, best(answer, camera)["id"], "--note", f"at the {camera}")
    return id_, answer


def without_places(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer less what is another with a server: addresses, and what no two answers share."""
    kept = {name: answer[name] for name in answer.keys() - {"id", "took_ms", "coverage"}}
    clips = [{name: clip[name] for name in clip.keys() - {"thumbnail", "clip_url"}} for clip in answer["clips"]]
    return kept | {"clips": clips}


def test_a_person_is_looked_for_and_followed(indexed: Line, tmp_path: Path) -> None:
    id_, first = looked_for(indexed)
    assert first["clips"][0]["camera"] in ("gate", "square", "street")
    assert best(first, "hall")["reach"] < 0  # 17 km in a minute
    for option in ("--reachable-only", "--hard"):  # the second one is its old name
        assert "hall" not in {clip["camera"] for clip in indexed.case("search", id_, option)["clips"]}
    printed = indexed("case", "search", id_)
    assert first["clips"][0]["id"] in printed.out.replace("\n", "")
    assert "Known already: " in printed.out
    assert "no camera was preferred" not in printed.out

    shown = indexed.case("show", id_)
    assert [s["camera"] for s in shown["sightings"]] == ["gate", "square"]
    assert all(Path(s["thumbnail"]).is_file() for s in shown["sightings"])
    assert [h["why"] for h in indexed("hold", "list", "--json").json["holds"]] == [f"case {id_}"] * 2
    told = indexed.case("trail", id_)
    assert [stop["camera"] for stop in told["stops"]] == ["gate", "gate", "square"]
    assert all(step["possible"] for step in told["steps"])

    followed = indexed.case("follow", id_, "--hours", 1)
    assert (followed["following"], best(followed, "square")["sighting"]) == (2, 2)
    assert best(followed, "street")["sighting"] is None
    assert "hall" not in {clip["camera"] for clip in followed["clips"]}
    indexed("case", "sight", id_, best(first, "hall")["id"])
    jump = indexed("case", "trail", id_, "--map", tmp_path / "trail.svg")
    assert "impossible" in jump.out
    assert "more than 2.5 times the usual 1.4 m/s" in jump.out.replace("\n", " ")
    assert "the hall" in (tmp_path / "trail.svg").read_text("utf-8")
    indexed("case", "withdraw", id_, 3)
    assert len(indexed("hold", "list", "--json").json["holds"]) == 2


def test_marks_at_the_command_line(indexed: Line) -> None:
    id_ = indexed.case("new", "Man", "--sentence", SENTENCE)["id"]
    first = indexed.case("search", id_)
    wrong, right = first["clips"][0], first["clips"][1]
    indexed("case", "unlike", id_, wrong["id"])
    assert "2 marks" in indexed("case", "like", id_, right["id"]).out
    second = indexed.case("search", id_)
    looks = {clip["id"]: clip["looks"] for clip in second["clips"]}
    assert looks.get(right["id"], -9) - right["looks"] > looks.get(wrong["id"], -9) - wrong["looks"]
    assert f"undone: like {right['id']}; 1 marks left" in indexed("case", "undo", id_).out
    indexed("case", "undo", id_)
    assert without_places(indexed.case("search", id_)) == without_places(first)
    assert "no mark to undo" in indexed("case", "undo", id_, code=1).err
    missing = indexed("case", "like", id_, wrong["id"] + "1", code=1).err
    assert wrong["id"] in missing


def test_the_same_with_a_running_server(indexed: Line) -> None:
    id_, _ = looked_for(indexed)
    alone = [indexed.case("search", id_), indexed.case("follow", id_, "--sighting", 1)]
    with serving(indexed.data_dir) as (url, _):
        served = [indexed.case("search", id_), indexed.case("follow", id_, "--sighting", 1)]
        assert served[0]["clips"][0]["thumbnail"].startswith(f"{url}/api/thumbnails/")
        street = best(served[1], "street")["id"]
        sighted = indexed.case("sight", id_, street)
        assert sighted["thumbnail"] == f"{url}/api/cases/{id_}/sightings/3.jpg"
        indexed("case", "like", id_, street)
        shown = indexed.case("show", id_)
        assert (len(shown["marks"]), len(shown["sightings"])) == (1, 3)
        indexed("case", "undo", id_)
        indexed("case", "withdraw", id_, 3)
        assert "there is no such clip" in indexed("case", "sight", id_, "x", code=1).err
        made = indexed.case("new", "Other", "--sentence", "red")["id"]
        indexed("case", "delete", made, "--yes")
    assert [without_places(answer) for answer in served] == [without_places(answer) for answer in alone]


# the map ---------------------------------------------------------------------------------------------------------


def stop(n: int | None, camera: str, at: str, name: str = "") -> dict[str, Any]:
    lat, lon = PLACES.get(camera, (None, None))
    return {
        "sighting": n, "camera": camera, "name": name, "place": "", "lat": lat, "lon": lon, "time": f"2026-11-02T{at}",
    }  # fmt: skip


def test_the_map_is_to_scale() -> None:
    stops = [stop(None, "gate", "08:00"), stop(1, "square", "08:05", "<North> & 广场\x00"), stop(2, "gate", "08:09")]
    stops += [stop(3, "nowhere", "08:10"), stop(4, "street", "08:11")]
    steps = [{"possible": possible} for possible in (True, False, None, None)]
    told = {"case": "2026-0001", "name": "李明", "stops": stops, "steps": steps}
    others = [Camera("far", lat=50, lon=7), Camera("lost"), Camera("near", "Near", lat=22.7203, lon=114.2506)]
    drawn = ElementTree.fromstring(trail_svg(told, others))  # noqa: S314 - our own
    words = [node.text or "" for node in drawn.iter(f"{SVG}text")]
    for word in ("2026-0001  李明", "<North> & 广场 ", "★, 2", "1", "4", "Near", "dashed red: impossible in the time"):
        assert word in words
    assert any("not on the map: 3 (nowhere)" in word for word in words)
    assert not {"far", "lost"} & set(words)
    lines = [node for node in drawn.iter(f"{SVG}path") if node.get("stroke-width") == "2.5"]
    assert [line.get("stroke-dasharray") for line in lines] == [None, "9 6", "2 5"]
    marks = {node.text: node for node in drawn.iter(f"{SVG}text") if node.text in ("1", "4", "★, 2")}
    spot = {n: (float(node.get("x", 0)), float(node.get("y", 0))) for n, node in marks.items()}
    scale = next(node.get("d", "") for node in drawn.iter(f"{SVG}path") if node.get("stroke") == "#111827").split()
    metres = float(next(word for word in words if word.endswith(" m")).split()[0])
    pixels = (float(scale[6]) - float(scale[1])) / metres
    assert (spot["★, 2"][1] - spot["1"][1]) / pixels == pytest.approx(66.7, rel=0.01)  # north is up
    assert (spot["4"][0] - spot["1"][0]) / pixels == pytest.approx(123.1, rel=0.01)


def test_a_trail_of_nothing_is_a_map_too() -> None:
    told = {"case": "2026-0001", "name": "x", "stops": [], "steps": []}
    assert ElementTree.fromstring(trail_svg(told, [])).tag == f"{SVG}svg"  # noqa: S314 - our own
    alone = told | {"stops": [stop(None, "gate", "08:00")]}
    assert "gate" in trail_svg(alone, [])
