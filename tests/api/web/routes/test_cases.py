"""Cases through a real server over a small real index: who was where is known, so what is found can be told."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, cast

import httpx
import numpy as np
import pytest

from api.cases.case_store import cases_of
from api.cases.investigation import CaseSearchOptions, CaseService
from api.cases.pictures import as_jpeg
from api.jobs.workers import open_executor
from api.runtime.context import AppContext
from api.web.app import create_app
from api.web.middleware import security
from api.web.schemas.cases import CaseAnswer, CaseLineOut, CaseOut, CasesOut, SightingOut, TrailOut
from api.web.schemas.search import SearchAnswer
from indexer.importer.registration import register
from search.answer import Answer
from search.engine import SearchEngine
from search.geo.reachability import MOST_OFF
from search.query import Query
from search.times import parse_time
from search.types import Camera, SegmentState
from tests.api.web.test_app import problem
from tests.support.browser import HOSTS, VIDEOS, serving, small_index, walker, with_index

KM = 1 / 111.195  # degrees of latitude
LAT, LON = 22.72, 114.25
HOUR_MS = 3_600_000
PLACES: dict[str, float | None] = {"gate": 0, "school": 1, "airport": 30, "park": 0.5, "广场 东": 5, "hall": None}
"""Kilometres north of the gate."""
LATER = (("school", "08:20"), ("airport", "08:20"), ("park", "12:00"), ("hall", "08:10"))
"""Cameras that somebody in red walks through after eight, when they were at the gate."""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    folder = tmp_path_factory.mktemp("cases")
    with small_index(folder, VIDEOS) as context:
        for camera, at in LATER:
            film = walker(folder / "later" / f"{camera}.mp4", "red")
            start = parse_time(f"2026-11-02T{at}+08:00", context.zone)
            megapixels = context.settings.max_megapixels
            register(
                context.catalog, [film], camera_id=camera, start_ms=start, zone=context.zone, max_megapixels=megapixels
            )
        with open_executor(context) as executor:
            assert all(report.state == SegmentState.INDEXED for report in executor.run())
        for camera, km in PLACES.items():
            lat, lon = (None, None) if km is None else (LAT + km * KM, LON)
            context.catalog.cameras.add(Camera(camera, f"the {camera}", lat=lat, lon=lon))
        yield context


@pytest.fixture(scope="module")
def client(context: AppContext) -> Iterator[httpx.Client]:
    with serving(create_app(context, hosts=HOSTS)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def good(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    return cast(dict[str, Any], response.json())


def opened(client: httpx.Client, **more: object) -> dict[str, Any]:
    body = {"name": "Li Ming", "queries": ["a boy in a red coat", "穿蓝色上衣的人"]} | more
    return good(client.post("/api/cases", json=body), 201)


@pytest.fixture
def case(client: httpx.Client) -> dict[str, Any]:
    """Somebody in red, last seen at the gate at a quarter to eight."""
    return opened(client, last_seen={"camera": "gate", "time": "2026-11-02T07:45"})


def asked(client: httpx.Client, case: dict[str, Any], what: str = "search", **body: object) -> dict[str, Any]:
    return good(client.post(f"/api/cases/{case['id']}/{what}", json={"limit": 60} | body))


def best(answer: dict[str, Any], camera: str) -> dict[str, Any]:
    """The best clip of a camera."""
    return next(clip for clip in answer["clips"] if clip["camera"] == camera)


def cameras(answer: dict[str, Any]) -> set[str]:
    return {clip["camera"] for clip in answer["clips"]}


def red_clip(client: httpx.Client, camera: str) -> dict[str, Any]:
    answer = good(client.post("/api/search", json={"query": "red", "cameras": [camera]}))
    return cast(dict[str, Any], answer["clips"][0])


def sight(client: httpx.Client, case: dict[str, Any], camera: str, **more: object) -> dict[str, Any]:
    body = {"clip": red_clip(client, camera)["id"]} | more
    return good(client.post(f"/api/cases/{case['id']}/sightings", json=body), 201)


def read(client: httpx.Client, case: dict[str, Any]) -> dict[str, Any]:
    return good(client.get(f"/api/cases/{case['id']}"))


def picture(value: int = 200, width: int = 40, height: int = 60) -> dict[str, str]:
    return photo(as_jpeg(np.full((height, width, 3), (value, 30, 30), np.uint8)))


def photo(data: bytes) -> dict[str, str]:
    return {"data": base64.b64encode(data).decode()}


# the file --------------------------------------------------------------------------------------------------------


def test_a_case_is_opened_read_changed_and_deleted(client: httpx.Client) -> None:
    made = opened(client, photos=[picture()], speed="riding", note="glasses")
    assert set(made) == set(CaseOut.model_fields)
    assert (made["name"], made["mode"], made["speed_mps"], made["open"]) == ("Li Ming", "riding", 5.0, True)
    assert made["created"].endswith("+08:00")
    assert read(client, made) == made
    line = good(client.get("/api/cases"))["cases"][0]
    assert line == {name: value for name, value in made.items() if name != "sightings"}
    assert CasesOut.model_validate({"cases": [line]})
    assert set(line) == set(CaseLineOut.model_fields)

    address = f"/api/cases/{made['id']}"
    changed = good(client.patch(address, json={"speed": 2.5, "open": False, "add_photos": [picture(9)]}))
    assert (changed["mode"], changed["speed_mps"], changed["open"]) == ("own", 2.5, False)
    assert changed["closed_ms"] >= made["created_ms"]
    assert (changed["note"], changed["queries"]) == ("glasses", made["queries"])
    assert [photo["number"] for photo in changed["photos"]] == [1, 2]
    again = good(client.patch(address, json={"open": True, "remove_photos": [1], "queries": ["red"]}))
    assert (again["open"], again["closed"], again["queries"]) == (True, None, ["red"])
    assert [photo["image"] for photo in again["photos"]] == [f"{address}/photos/2.jpg"]
    problem(client.get(f"{address}/photos/1.jpg"), 404)
    kept = client.get(f"{address}/photos/2.jpg")
    assert (kept.status_code, kept.headers["content-type"]) == (200, "image/jpeg")

    assert client.delete(address).status_code == 204
    problem(client.get(address), 404)
    problem(client.get(f"{address}/photos/2.jpg"), 404)


def test_where_the_person_was_last_seen(client: httpx.Client, case: dict[str, Any]) -> None:
    seen = case["last_seen"]
    assert (seen["camera"], seen["time"], seen["lat"]) == ("gate", "2026-11-02T07:45:00+08:00", None)
    address = f"/api/cases/{case['id']}"
    here = {"lat": 22.5, "lon": 114, "time": seen["time_ms"], "place": "by the river"}
    changed = good(client.patch(address, json={"last_seen": here}))["last_seen"]
    assert {name: changed[name] for name in here if name != "time"} | {"time": changed["time_ms"]} == here
    assert good(client.patch(address, json={"name": "other"}))["last_seen"] == changed
    assert good(client.patch(address, json={"last_seen": None}))["last_seen"] is None


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"name": ""}, 400, "no name"),
    ({"name": "a\ud800"}, 400, "not readable"),
    ({"queries": []}, 400, "nothing says"),
    ({"queries": [" "]}, 400, "the sentence is empty"),
    ({"queries": "red"}, 400, "queries"),
    ({"photos": [{"data": "?"}]}, 400, "photo 1 is not base64"),
    ({"photos": [picture(), photo(b"GIF89a")]}, 400, "photo 2 is not an image"),
    ({"photos": [picture()] * 9}, 400, "photos"),
    ({"last_seen": {"camera": "nowhere", "time": 0}}, 404, "unknown camera"),
    ({"last_seen": {"camera": "gate"}}, 400, "last_seen.time"),
    ({"last_seen": {"camera": "gate", "time": "noon"}}, 400, "not a time"),
    ({"last_seen": {"time": 0}}, 400, "nobody knows where"),
    ({"last_seen": {"lat": 1, "time": 0}}, 400, "only one of"),
    ({"speed": "flying"}, 400, "speed"),
    ({"speed": 0}, 400, "not a speed"),
    ({"speed": True}, 400, "speed"),
    ({"colour": "red"}, 400, "colour"),
]


@pytest.mark.parametrize(("change", "status", "said"), BAD)
def test_bad_cases_leave_nothing_behind(
    client: httpx.Client, case: dict[str, Any], change: dict[str, Any], status: int, said: str
) -> None:
    before = good(client.get("/api/cases"))
    body = json.dumps({"name": "x", "queries": ["red"]} | change)
    headers = {"Content-Type": "application/json"}
    assert said in problem(client.post("/api/cases", content=body, headers=headers), status)["what"]
    if "photos" not in change and change != {"queries": []}:
        address = f"/api/cases/{case['id']}"
        assert said in problem(client.patch(address, content=json.dumps(change), headers=headers), status)["what"]
    assert good(client.get("/api/cases")) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("DELETE", ""), ("GET", "/trail"), ("GET", "/trail.svg"), ("GET", "/photos/1.jpg"),
        ("GET", "/sightings/1.jpg"), ("DELETE", "/sightings/1"), ("DELETE", "/marks/last"), ("PATCH", ""),
        ("POST", "/search"), ("POST", "/follow"), ("POST", "/marks"), ("POST", "/sightings"),
    ],
)  # fmt: skip
def test_an_unknown_case(client: httpx.Client, case: dict[str, Any], method: str, path: str) -> None:
    body = {"/marks": {"clip": "x", "mark": "like"}, "/sightings": {"clip": "x"}}.get(path, {})
    sent: dict[str, Any] = {"json": body} if method in ("POST", "PATCH") else {}
    for wrong in (case["id"][:-1] + "9999", "x", "..%2f..%2fcatalog.sqlite", "%00"):
        said = problem(client.request(method, f"/api/cases/{wrong}{path}", **sent), 404)
        if "%2f" not in wrong:
            assert said["what"] == "there is no such case"
            assert "20" in said["expected"]


def test_large_bodies_where_photos_are_and_nowhere_else(client: httpx.Client, case: dict[str, Any]) -> None:
    assert [security.most_bytes(path) for path in ("/api/cases", "/api/cases/x/marks", "/api/search")] == [2**23] * 3
    assert {security.most_bytes(path) for path in ("/api/casesx", "/api/index", "/")} == {2**18}
    noise = np.random.default_rng(1).integers(0, 255, (1500, 1500, 3), dtype=np.uint8)
    big = photo(as_jpeg(noise))
    assert len(big["data"]) > 1_500_000
    address = f"/api/cases/{case['id']}"
    assert good(client.patch(address, json={"add_photos": [big, big]}))["photos"]
    assert "too large" in problem(client.patch(address, json={"add_photos": [big] * 6}), 413)["what"]
    in_parts = (b" " * 1_000_000 for _ in range(10))
    json_type = {"Content-Type": "application/json"}
    problem(client.patch(address, content=in_parts, headers=json_type), 413)
    assert len(read(client, case)["photos"]) == 2
    problem(client.post("/api/index", json={"query": "x" * 300_000}), 413)


# search ----------------------------------------------------------------------------------------------------------


def test_what_can_be_reached_comes_first(client: httpx.Client, case: dict[str, Any]) -> None:
    answer = asked(client, case)
    plain = good(client.post("/api/search", json={"query": "red"}))
    assert set(answer) - set(plain) == set(CaseAnswer.model_fields) - set(SearchAnswer.model_fields)
    assert set(answer["clips"][0]) - set(plain["clips"][0]) == {"sighting"}
    assert CaseAnswer.model_validate(answer)
    assert answer["query"] == "a boy in a red coat"
    assert [best(answer, name)["reach"] for name in ("gate", "school", "park", "hall")] == [0, 0, 0, 0]
    assert best(answer, "airport")["reach"] == pytest.approx(-MOST_OFF)
    assert best(answer, "airport")["score"] == pytest.approx(best(answer, "airport")["looks"] - MOST_OFF, abs=0.01)
    assert answer["points"] == [{"lat": LAT, "lon": LON, "time_ms": case["last_seen"]["time_ms"]}]
    hard = asked(client, case, reachable_only=True)
    assert cameras(answer) - cameras(hard) == {"airport", "广场 东"}
    riding = good(client.patch(f"/api/cases/{case['id']}", json={"speed": 30}))
    assert best(asked(client, riding), "airport")["reach"] == 0


def test_the_sentence_that_is_given_counts(client: httpx.Client, case: dict[str, Any]) -> None:
    assert asked(client, case)["clips"][0]["camera"] != "广场 东"
    blue = asked(client, case, query=case["queries"][1])
    assert (blue["query"], blue["clips"][0]["camera"]) == ("穿蓝色上衣的人", "广场 东")
    assert cameras(asked(client, case, cameras=["gate"])) == {"gate"}
    assert cameras(asked(client, case, **{"start": "2026-11-02T08:15", "end": "2026-11-02T09:00"})) == {
        "school",
        "airport",
    }


def test_without_a_place_nothing_is_preferred(client: httpx.Client) -> None:
    lost = opened(client)
    answer = asked(client, lost)
    assert (answer["points"], {clip["reach"] for clip in answer["clips"]}) == ([], {0.0})
    said = problem(client.post(f"/api/cases/{lost['id']}/search", json={"reachable_only": True}), 400)
    assert said["what"] == "nobody knows where the person was"


def test_a_photo_alone_is_enough(client: httpx.Client) -> None:
    photographed = opened(client, queries=[], photos=[picture()])
    assert asked(client, photographed)["clips"][0]["camera"] in {"gate", "school", "airport", "park", "hall"}


# marks -----------------------------------------------------------------------------------------------------------


def test_marks_rank_at_once_and_can_be_undone(client: httpx.Client, case: dict[str, Any]) -> None:
    before = asked(client, case)
    blue = good(client.post("/api/search", json={"query": "blue", "cameras": ["广场 东"]}))["clips"][0]["id"]
    address = f"/api/cases/{case['id']}/marks"
    marked = good(client.post(address, json={"clip": blue, "mark": "like"}), 201)
    assert marked["marks"] == [{"clip": blue, "mark": "like"}]
    assert best(asked(client, case), "广场 东")["looks"] > best(before, "广场 东")["looks"]
    other = good(client.post(address, json={"clip": blue, "mark": "unlike"}), 201)
    assert other["marks"] == [{"clip": blue, "mark": "unlike"}]
    assert blue not in {clip["id"] for clip in asked(client, case)["clips"]}
    assert good(client.delete(f"{address}/last"))["marks"] == marked["marks"]
    assert good(client.delete(f"{address}/last"))["marks"] == []
    assert [clip["id"] for clip in asked(client, case)["clips"]] == [clip["id"] for clip in before["clips"]]
    assert problem(client.delete(f"{address}/last"), 409)["what"] == "there is no mark to undo"


def test_a_clip_that_is_none(client: httpx.Client, case: dict[str, Any]) -> None:
    real = red_clip(client, "gate")["id"]
    for wrong, status in (("nothing", 404), (real + "9", 404), ("\n", 400), ("x" * 257, 400), (7, 400)):
        for path, more in (("marks", {"mark": "like"}), ("sightings", {})):
            said = problem(client.post(f"/api/cases/{case['id']}/{path}", json={"clip": wrong, **more}), status)
            assert real in said["expected"] or wrong != real + "9"
    assert read(client, case) == case


def test_what_is_gone_is_told_and_its_picture_serves(client: httpx.Client, context: AppContext) -> None:
    case = opened(client, queries=[], photos=[picture()])
    film = walker(context.settings.data_dir / "gone.mp4", "red")
    s = context.settings
    register(
        context.catalog, [film], camera_id="gone", start_ms=1000, zone=context.zone, max_megapixels=s.max_megapixels
    )
    with open_executor(context) as executor:
        (report,) = executor.run()
    clip = red_clip(client, "gone")["id"]
    good(client.post(f"/api/cases/{case['id']}/marks", json={"clip": clip, "mark": "like"}), 201)
    first = sight(client, case, "gone")
    assert asked(client, case)["gone_marks"] == []
    context.store.delete_segment(report.segment.id)
    assert asked(client, case)["gone_marks"] == [clip]
    assert client.get(first["thumbnail"]).content.startswith(b"\xff\xd8\xff")
    alone = asked(client, case, "follow", hours=1)  # a query of nothing but the picture that was kept; in 1970
    assert (alone["clips"], alone["gone_marks"]) == ([], [clip])


# sightings, trail, follow ----------------------------------------------------------------------------------------


def test_a_sighting(client: httpx.Client, context: AppContext, case: dict[str, Any]) -> None:
    clip = red_clip(client, "gate")
    made = sight(client, case, "gate", note="his shoes")
    assert set(made) == set(SightingOut.model_fields)
    assert (made["number"], made["camera"], made["note"], made["clip"]) == (1, "gate", "his shoes", clip["id"])
    assert (made["box"], made["time_ms"]) == (clip["box"], clip["time_ms"])
    assert clip["start_ms"] <= made["start_ms"] <= made["time_ms"] < made["end_ms"] <= clip["end_ms"]
    assert client.get(made["thumbnail"]).content == client.get(clip["thumbnail"]).content
    assert client.get(made["clip_url"]).status_code == 200
    holds = context.catalog.retention.holds()
    held = next(hold for hold in holds if hold.id == made["hold"])
    assert (held.camera_id, held.why) == ("gate", f"case {case['id']}")
    assert (held.start_ms, held.end_ms) == (made["start_ms"], made["end_ms"])

    assert sight(client, case, "gate") == made
    assert len(context.catalog.retention.holds()) == len(holds)
    answer = asked(client, case)
    assert best(answer, "gate")["sighting"] == 1
    assert best(answer, "school")["sighting"] is None
    left = good(client.delete(f"/api/cases/{case['id']}/sightings/1"))
    assert left["sightings"] == []
    assert len(context.catalog.retention.holds()) == len(holds) - 1
    problem(client.get(made["thumbnail"]), 404)
    problem(client.delete(f"/api/cases/{case['id']}/sightings/1"), 404)


def test_the_trail(client: httpx.Client, case: dict[str, Any]) -> None:
    for camera in ("airport", "hall", "school", "gate"):
        sight(client, case, camera)
    told = good(client.get(f"/api/cases/{case['id']}/trail"))
    assert set(told) == set(TrailOut.model_fields)
    assert [stop["camera"] for stop in told["stops"]][:3] == ["gate", "gate", "hall"]
    assert [stop["sighting"] for stop in told["stops"]][:3] == [None, 4, 2]
    assert {stop["name"] for stop in told["stops"]} == {"the gate", "the hall", "the school", "the airport"}
    assert [step["possible"] for step in told["steps"]] == [True, None, None, False]
    assert told["steps"][0]["metres"] == 0
    assert "at the same moment" in told["steps"][3]["reason"]
    drawn = client.get(f"/api/cases/{case['id']}/trail.svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.text.count('stroke-dasharray="9 6"') == 1


def test_follow_looks_where_one_can_have_walked(client: httpx.Client, case: dict[str, Any]) -> None:
    said = problem(client.post(f"/api/cases/{case['id']}/follow", json={}), 400)
    assert said["what"] == "there is no sighting to follow yet"
    sight(client, case, "gate")
    found = asked(client, case, "follow")
    assert (found["following"], set(found)) == (1, set(asked(client, case)))
    assert "school" in cameras(found)  # a kilometre in twenty minutes
    assert "hall" in cameras(found)  # nobody knows where it is
    assert not cameras(found) & {"airport", "park", "广场 东"}  # too far, too late, too far
    assert best(found, "gate")["sighting"] == 1
    assert "park" in cameras(asked(client, case, "follow", hours=5))
    assert "school" not in cameras(asked(client, case, "follow", hours=0.2))
    early = asked(client, case, "follow", query="blue", hours=1)
    assert best(early, "school")["looks"] > 0  # its own crops say red


class Listening:
    """An engine that remembers what it was asked."""

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine
        self.query = Query("nothing yet")

    def search(self, query: Query) -> Answer:
        self.query = query
        return self._engine.search(query)


def test_follow_asks_with_all_crops_of_the_track(
    client: httpx.Client, context: AppContext, case: dict[str, Any]
) -> None:
    made = sight(client, case, "gate")
    wrong = made["clip"]
    marks = f"/api/cases/{case['id']}/marks"
    liked = red_clip(client, "hall")["id"]
    for clip, sign in ((liked, "like"), (wrong, "unlike"), (red_clip(client, "park")["id"], "unlike")):
        good(client.post(marks, json={"clip": clip, "mark": sign}), 201)
    engine = Listening(context.engine)
    work = CaseService(
        with_index(context, engine=cast(SearchEngine, engine)), cases_of(context.settings, context.catalog)
    )
    work.follow(case["id"], None, 2, CaseSearchOptions())
    track = wrong.rpartition("-")[0]
    crops = {row for row in context.store.ids(made["segment"]) if row.startswith(f"{track}-")}
    assert len(crops) > 1
    assert set(engine.query.like) == crops | {liked}
    assert engine.query.unlike == (red_clip(client, "park")["id"],)  # what is confirmed cannot be wrong
    assert (engine.query.sentence, len(engine.query.photos)) == ("a boy in a red coat", 0)
    assert engine.query.reach
    assert engine.query.reach.hard
    assert engine.query.where.end_ms == made["time_ms"] + 2 * HOUR_MS


def test_follow_is_held_by_the_neighbours(client: httpx.Client, case: dict[str, Any]) -> None:
    sight(client, case, "gate")
    sight(client, case, "park")
    first = asked(client, case, "follow", sighting=1, hours=12)
    assert {point["time_ms"] for point in first["points"]} > {case["last_seen"]["time_ms"]}
    assert len(first["points"]) == 3
    assert asked(client, case, "follow")["following"] == 2  # the last by time
    sight(client, case, "airport")
    assert len(asked(client, case, "follow", sighting=3)["points"]) == 2  # nobody can come there from the gate
    for body, status in (({"sighting": 9}, 404), ({"hours": 0}, 400), ({"hours": 1e9}, 400), ({"limit": 0}, 400)):
        problem(client.post(f"/api/cases/{case['id']}/follow", json=body), status)
