"""The HTTP door, through a real server over a small real index."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest

from api.jobs.workers import open_executor
from api.runtime.activity import Activity
from api.runtime.context import AppContext
from api.web.app import create_app
from api.web.permissions import NEEDS
from api.web.routes import media
from api.web.schemas.search import CamerasOut, ClipOut, HealthOut, Problem, SearchAnswer, StatusOut
from indexer.decoding.video_source import VideoSource
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.engine import SearchEngine
from search.errors import BadInput, BadMedia, Conflict, NotFound, Unavailable, XunrenError
from search.stream_types import Rules
from search.types import Camera, Segment, SegmentState, StartSource, StreamRole
from tests.support.browser import HEIGHT, HOSTS, VIDEOS, WIDTH, serving, small_index, walker, with_index
from tests.support.videos import ffmpeg

PROBLEM_KEYS = set(Problem.model_fields)
UNKNOWN = "0" * 24


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    with small_index(tmp_path_factory.mktemp("app"), VIDEOS) as context:
        yield context


@pytest.fixture(scope="module")
def activity() -> Activity:
    return Activity()


@pytest.fixture(scope="module")
def client(context: AppContext, activity: Activity) -> Iterator[httpx.Client]:
    with (
        serving(create_app(context, hosts=HOSTS, activity=activity)) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def red(client: httpx.Client) -> dict[str, Any]:
    """The best clip for somebody in red."""
    return cast(dict[str, Any], found(client, query="a man in a red coat")["clips"][0])


def found(client: httpx.Client, **body: object) -> dict[str, Any]:
    response = client.post("/api/search", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def problem(response: httpx.Response, status: int) -> dict[str, str]:
    """The error in `response`, which has the one shape, the guards' headers and no trace."""
    assert response.status_code == status, response.text
    body: dict[str, str] = response.json()
    assert set(body) == PROBLEM_KEYS
    assert body["what"]
    assert all(isinstance(value, str) for value in body.values())
    assert "Traceback" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    return body


# search ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "camera"), [("a man in a red coat", "gate"), ("穿蓝色上衣的人", "广场 东"), ("  red ", "gate")]
)
def test_a_sentence_finds_the_right_clip(client: httpx.Client, text: str, camera: str) -> None:
    answer = found(client, query=text)
    first = answer["clips"][0]
    assert answer["verdict"] == first["verdict"] == "match"
    assert (first["camera"], first["kind"], first["rank"]) == (camera, "person", 1)
    assert [clip["rank"] for clip in answer["clips"]] == list(range(1, len(answer["clips"]) + 1))


def test_the_answer_has_every_field_that_it_promises(client: httpx.Client) -> None:
    answer = found(client, query="red")
    assert set(answer) == set(SearchAnswer.model_fields)
    for clip in answer["clips"]:
        assert set(clip) == set(ClipOut.model_fields)
        assert clip["start"].endswith("+08:00")
        assert clip["start_ms"] <= clip["time_ms"] < clip["end_ms"]
        assert (clip["frame_width"], clip["frame_height"]) == (WIDTH, HEIGHT)
        assert Path(clip["path"]).is_file()


def test_the_box_is_where_the_walker_is(red: dict[str, Any]) -> None:
    second = red["offset_s"] + (red["time_ms"] - red["start_ms"]) / 1000
    left = 40 + (second - 2) * 70
    x1, y1, x2, y2 = red["box"]
    assert abs(x1 - left) < 24
    assert abs(x2 - left - 44) < 24
    assert abs(y1 - 150) < 24
    assert abs(y2 - 270) < 24


def test_filters(client: httpx.Client) -> None:
    everywhere = found(client, query="red")
    begin = min(clip["start_ms"] for clip in everywhere["clips"])
    assert {c["camera"] for c in found(client, query="red", cameras=["广场 东"])["clips"]} == {"广场 东"}
    assert {c["kind"] for c in found(client, query="red", kinds=["person"])["clips"]} == {"person"}
    assert len(found(client, query="red", limit=1)["clips"]) == 1
    assert found(client, query="red", end=begin - 1)["clips"] == []
    minutes = found(client, query="red", **{"start": "2026-11-02T07:59", "end": "2026-11-02T08:01"})
    assert minutes["clips"] == everywhere["clips"]
    assert (minutes["coverage"]["start"], minutes["coverage"]["with_gaps"]) == ("2026-11-02T07:59:00+08:00", 0)
    late = found(client, query="red", **{"start": begin + 3_600_000})
    assert (late["verdict"], late["clips"]) == ("nothing", [])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"query": ""}, 400, "the sentence is empty"),
        ({"query": " \n\t。"}, 400, "the sentence is empty"),
        ({"query": "红" * 10_000}, 400, "the sentence is too long"),
        ({"query": "a\ud800b"}, 400, "not readable"),
        ({"query": 7}, 400, "query"),
        ({"query": None}, 400, "query"),
        ({}, 400, "the sentence is empty"),
        ([], 400, "the request"),
        ("red", 400, "the request"),
        ({"query": "red", "limit": 0}, 400, "limit"),
        ({"query": "red", "limit": 501}, 400, "limit"),
        ({"query": "red", "limit": "12"}, 400, "limit"),
        ({"query": "red", "limit": True}, 400, "limit"),
        ({"query": "red", "kinds": ["car"]}, 400, "kinds"),
        ({"query": "red", "colour": "red"}, 400, "colour"),
        ({"query": "red", "cameras": "gate"}, 400, "cameras"),
        ({"query": "red", "cameras": ["gate"] * 1001}, 400, "cameras"),
        ({"query": "red", "cameras": ["nowhere"]}, 404, "unknown camera"),
        ({"query": "red", "cameras": ["gate", "Gate"]}, 404, "unknown camera"),
        ({"query": "red", "cameras": ['gate"']}, 400, "not a usable camera id"),
        ({"query": "red", "cameras": ["gate\\"]}, 400, "not a usable camera id"),
        ({"query": "red", "cameras": ["gate' or '1'=='1"]}, 400, "not a usable camera id"),
        ({"query": "red", "cameras": ["\ud800"]}, 400, "not a usable camera id"),
        ({"query": "red", "cameras": [""]}, 400, "not a usable camera id"),
        ({"query": "red", "start": 2000, "end": 1000}, 400, "the time range ends before it starts"),
        ({"query": "red", "start": 1000, "end": 1000}, 400, "the time range ends before it starts"),
        ({"query": "red", "start": "2026-11-02T09:00", "end": "2026-11-02T08:00"}, 400, "ends before it starts"),
        ({"query": "red", "start": "yesterday"}, 400, "not a time"),
        ({"query": "red", "start": "\ud800"}, 400, "not a time"),
        ({"query": "red", "end": -1}, 400, "out of range"),
        ({"query": "red", "end": 10**30}, 400, "out of range"),
        ({"query": "red", "end": 1.5}, 400, "end"),
    ],
)
def test_bad_searches(client: httpx.Client, body: object, status: int, said: str) -> None:
    response = client.post("/api/search", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert said in problem(response, status)["what"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"query": NaN}', b"[" * 100_000])
def test_bodies_that_are_no_search(client: httpx.Client, content: bytes) -> None:
    problem(client.post("/api/search", content=content, headers={"Content-Type": "application/json"}), 400)


def test_too_large_bodies_are_refused(client: httpx.Client) -> None:
    big = json.dumps({"query": "x" * 10_000_000}).encode()
    json_type = {"Content-Type": "application/json"}
    assert "too large" in problem(client.post("/api/search", content=big, headers=json_type), 413)["what"]
    in_parts = (big[at : at + 500_000] for at in range(0, 10_000_000, 500_000))
    problem(client.post("/api/search", content=in_parts, headers=json_type), 413)
    assert found(client, query="red")["clips"]


# who may ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_posted(client: httpx.Client, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    problem(client.post("/api/search", content=b'{"query": "red"}', headers=headers), 415)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_a_foreign_name_is_refused(client: httpx.Client, host: str) -> None:
    for path in ("/", "/api/status", "/static/app.js", "/docs"):
        problem(client.get(path, headers={"Host": host}), 400)


def test_any_name_where_other_machines_may_ask(context: AppContext) -> None:
    with serving(create_app(context, hosts=None)) as url:
        assert httpx.get(url + "/api/health", headers={"Host": "town.example"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
    ],
)
def test_pages_of_other_sites_are_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    problem(client.post("/api/search", json={"query": "red"}, headers=headers), 403)
    problem(client.get("/api/status", headers=headers), 403)


def test_our_own_page_may_ask(client: httpx.Client) -> None:
    origin = str(client.base_url).rstrip("/")
    for headers in ({"Origin": origin}, {"Origin": origin, "Sec-Fetch-Site": "same-origin"}):
        assert client.post("/api/search", json={"query": "red"}, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/static/app.js", "/api/status", "/nowhere", "/api/clips/x.mp4"])
def test_security_headers_are_everywhere(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"


# media -----------------------------------------------------------------------------------------------------------


def test_thumbnails(client: httpx.Client, red: dict[str, Any]) -> None:
    in_file = round(1000 * red["offset_s"]) + red["time_ms"] - red["start_ms"]
    assert red["thumbnail"] == f"/api/thumbnails/{red['segment']}/{in_file}.jpg"
    response = client.get(red["thumbnail"])
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert response.content.startswith(b"\xff\xd8\xff")
    head = client.head(red["thumbnail"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(response.content))


def test_clips_and_byte_ranges(client: httpx.Client, red: dict[str, Any]) -> None:
    whole = client.get(red["clip_url"])
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    assert whole.content[4:8] == b"ftyp"
    assert whole.headers["accept-ranges"] == "bytes"
    part = client.get(red["clip_url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    last = client.get(red["clip_url"], headers={"Range": "bytes=-10"})
    assert (last.status_code, last.content) == (206, whole.content[-10:])
    head = client.head(red["clip_url"])
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))


def test_if_range_and_impossible_ranges(client: httpx.Client, red: dict[str, Any]) -> None:
    whole = client.get(red["clip_url"])
    same = client.get(red["clip_url"], headers={"Range": "bytes=0-9", "If-Range": whole.headers["etag"]})
    other = client.get(red["clip_url"], headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)
    beyond = client.get(red["clip_url"], headers={"Range": "bytes=99999999-"})
    problem(beyond, 416)
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    problem(client.get(red["clip_url"], headers={"Range": "lines=1-2"}), 400)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/thumbnails/{UNKNOWN}/0.jpg", 404),
        (f"/api/thumbnails/{UNKNOWN}/-1.jpg", 400),
        (f"/api/thumbnails/{UNKNOWN}/{'9' * 5000}.jpg", 400),
        (f"/api/thumbnails/{UNKNOWN}/0.png", 404),
        ("/api/thumbnails/gate/0.jpg", 400),
        ("/api/thumbnails/..%2f..%2f..%2fcatalog/0.jpg", 404),
        ("/api/thumbnails/%2e%2e/0.jpg", 400),
        (f"/api/clips/{UNKNOWN}.mp4?offset_ms=0&duration_ms=1000", 404),
        (f"/api/clips/{UNKNOWN}.mp4", 400),
        (f"/api/clips/{UNKNOWN}.mp4?offset_ms=-1&duration_ms=1000", 400),
        (f"/api/clips/{UNKNOWN}.mp4?offset_ms=0&duration_ms=0", 400),
        (f"/api/clips/{UNKNOWN}.mp4?offset_ms=0&duration_ms=99999999", 400),
        (f"/api/clips/{UNKNOWN}.mp4?offset_ms=x&duration_ms=1000", 400),
        ("/api/clips/%00.mp4?offset_ms=0&duration_ms=1000", 400),
        ("/api/clips/..%5c..%5ccatalog.sqlite.mp4?offset_ms=0&duration_ms=1000", 400),
        ("/static/..%2f..%2fapp.py", 404),
        ("/static/%2e%2e/app.py", 404),
        ("/static//etc/passwd", 404),
        ("/static/", 404),
        ("/api", 404),
        ("/api/nothing", 404),
        ("/api/search", 405),
    ],
)
def test_addresses_that_lead_nowhere(client: httpx.Client, path: str, status: int) -> None:
    problem(client.get(path), status)


def test_a_clip_ends_with_its_recording(client: httpx.Client, red: dict[str, Any]) -> None:
    late = f"/api/clips/{red['segment']}.mp4?offset_ms=3600000&duration_ms=1000"
    assert "recording's end" in problem(client.get(late), 400)["what"]


def test_a_recording_that_is_gone(client: httpx.Client, red: dict[str, Any]) -> None:
    source = Path(red["path"])
    away = source.rename(source.with_suffix(".away"))
    try:
        gone = f"/api/clips/{red['segment']}.mp4?offset_ms=100&duration_ms=1234"
        assert problem(client.get(gone), 422)["error"] == "BadMedia"
    finally:
        away.rename(source)


# live recordings -------------------------------------------------------------------------------------------------

BEGAN = 1_793_577_600_000
UPPER = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))


def recorded(folder: Path, role: StreamRole, width: int) -> list[Segment]:
    """Somebody in red, in files of 4 s as a recorder makes them."""
    whole = walker(folder / "whole.mp4", "red")
    cut = ("-c:v", "libx264", "-preset", "ultrafast", "-g", 10, "-f", "segment", "-segment_time", 4)
    ffmpeg("-i", whole, "-vf", f"scale={width}:-2", *cut, "-reset_timestamps", 1, folder / f"{role}%d.mp4")
    made = []
    for n, path in enumerate(sorted(folder.glob(f"{role}*.mp4"))):
        sha, at = hashlib.sha256(path.read_bytes()).hexdigest(), BEGAN + 4000 * n
        id_ = segment_id("lane", sha)
        made.append(Segment(id_, "lane", str(path), sha, 1, at, StartSource.RECORDER, 4000, width, role=role))
    return made


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppContext, httpx.Client]]:
    """A server over a live camera of two streams, of which the smaller one is indexed."""
    folder = tmp_path_factory.mktemp("live")
    with small_index(folder, VIDEOS[1:]) as context:
        context.catalog.cameras.add(Camera("lane"))
        kept = [(s, SegmentState.KEPT) for s in recorded(folder / "main", StreamRole.MAIN, WIDTH)]
        waiting = [(s, SegmentState.PENDING) for s in recorded(folder / "sub", StreamRole.SUB, 320)]
        context.catalog.recordings.write(RecorderUpdate(segments=kept + waiting))
        with open_executor(context) as executor:
            assert [report.state for report in executor.run()] == ["indexed"] * 3
        # So small an index has hardly anybody who is not in red: the background is red, too, and scores are low.
        settings = context.settings.model_copy(update={"false_match_share": 0.9, "false_maybe_share": 0.95})
        engine = SearchEngine(settings, context.embedder, context.store, context.catalog)
        app = create_app(with_index(context, engine=engine), hosts=HOSTS)
        with serving(app) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield context, client


def watched(client: httpx.Client, clip: dict[str, Any], folder: Path) -> list[tuple[int, Any]]:
    """(Unix ms, picture) of what the clip shows."""
    response = client.get(clip["clip_url"])
    assert response.status_code == 200, response.text
    path = folder / f"{response.headers['etag'].strip(chr(34))}.mp4"
    path.write_bytes(response.content)
    frames = VideoSource(path, interval_s=0.001, max_megapixels=17).frames()
    return [(clip["start_ms"] + frame.offset_ms, frame.image) for frame in frames]


def test_one_clip_over_the_files_of_a_live_camera(live: tuple[AppContext, httpx.Client], tmp_path: Path) -> None:
    _, client = live
    answer = found(client, query="red")
    clip = answer["clips"][0]
    assert (answer["verdict"], clip["camera"], clip["start_source"]) == ("match", "lane", "recorder's clock")
    assert clip["start_ms"] < BEGAN + 2500
    assert clip["end_ms"] > BEGAN + 8500
    assert (clip["frame_width"], clip["offset_s"]) == (320, (clip["start_ms"] - BEGAN) / 1000)
    assert client.get(clip["thumbnail"]).status_code == 200
    (later, *_) = found(client, query="red", kinds=["person"], **{"start": BEGAN + 5000})["clips"]
    assert later["segment"] == clip["segment"] not in later["thumbnail"]  # padding begins in the file before
    assert client.get(later["thumbnail"]).status_code == 200
    seen = watched(client, clip, tmp_path)
    assert abs(seen[0][0] - clip["start_ms"]) < 100
    assert abs(seen[-1][0] - clip["end_ms"]) < 200
    walking = [(ms, image) for ms, image in seen if BEGAN + 2000 <= ms < BEGAN + 9000]
    assert len(walking) >= 65
    for ms, image in walking:
        assert image.shape == (HEIGHT, WIDTH, 3)  # the stream in full quality
        red = np.flatnonzero((image[200, :, 0] > 150) & (image[200, :, 1] < 90))
        assert abs(red.min() - (40 + (ms - BEGAN - 2000) * 0.07)) < 16  # two pictures: the clip may begin between two


def test_a_mask_that_is_drawn_later_holds(live: tuple[AppContext, httpx.Client], tmp_path: Path) -> None:
    context, client = live
    clip = found(client, query="red")["clips"][0]
    before = client.get(clip["clip_url"])
    assert "no-cache" in before.headers["cache-control"]
    context.catalog.streams.set_rules(Rules("lane", masks=(UPPER,)))
    try:
        after = client.get(clip["clip_url"])
        assert after.headers["etag"] != before.headers["etag"]
        seen = watched(client, clip, tmp_path)
        assert len(seen) > 60
        for _, image in seen:
            assert image[: HEIGHT // 2].max() < 16
            assert image[HEIGHT // 2 + 4 :].mean() > 90
    finally:
        context.catalog.streams.set_rules(Rules("lane"))
    assert client.get(clip["clip_url"]).content == before.content


def test_a_file_that_is_lost_costs_its_own_seconds_only(live: tuple[AppContext, httpx.Client], tmp_path: Path) -> None:
    context, client = live
    clip = found(client, query="red")["clips"][0]
    mains = [
        Path(s.path) for s, _, _ in context.catalog.coverage.recordings(BEGAN, BEGAN + 12_000, roles=[StreamRole.MAIN])
    ]
    subs = [
        Path(s.path) for s, _, _ in context.catalog.coverage.recordings(BEGAN, BEGAN + 12_000, roles=[StreamRole.SUB])
    ]
    moved = []
    try:
        moved.append(mains[1].rename(tmp_path / "main1"))
        assert {image.shape[1] for _, image in watched(client, clip, tmp_path)} == {320}
        moved.append(subs[1].rename(tmp_path / "sub1"))
        seen = watched(client, clip, tmp_path)
        assert {image.shape[1] for _, image in seen} == {WIDTH}
        assert not [ms for ms, _ in seen if BEGAN + 4050 <= ms < BEGAN + 7950]
        assert [ms for ms, _ in seen if ms >= BEGAN + 7950]
        moved.extend(path.rename(tmp_path / path.stem) for path in (mains[0], subs[0], mains[2], subs[2]))
        uncut = f"/api/clips/{clip['segment']}.mp4?offset_ms=0&duration_ms=9000"
        assert problem(client.get(uncut), 422)["error"] == "BadMedia"
    finally:
        for path, away in zip((mains[1], subs[1], mains[0], subs[0], mains[2], subs[2]), moved, strict=False):
            away.rename(path)


def test_what_is_being_deleted_is_not_shown(live: tuple[AppContext, httpx.Client], tmp_path: Path) -> None:
    context, client = live
    clip = found(client, query="red")["clips"][0]
    main = [s.id for s, _, _ in context.catalog.coverage.recordings(BEGAN, BEGAN + 12_000, roles=[StreamRole.MAIN])]
    context.catalog.retention.mark_deleting([clip["segment"], *main])
    assert all(c["segment"] != clip["segment"] for c in found(client, query="red")["clips"])
    assert "unknown segment" in problem(client.get(clip["clip_url"]), 404)["what"]
    rest = found(client, query="red")["clips"][0]
    assert rest["start_ms"] >= BEGAN + 4000
    assert {image.shape[1] for _, image in watched(client, rest, tmp_path)} == {320}


# index -----------------------------------------------------------------------------------------------------------


def test_cameras_and_their_coverage(client: httpx.Client) -> None:
    cameras = client.get("/api/cameras").json()
    assert CamerasOut.model_validate(cameras)
    assert [camera["id"] for camera in cameras["cameras"]] == ["gate", "river walk", "station", "广场 东"]
    gate = cameras["cameras"][0]
    assert (gate["segments"], gate["indexed"]) == (1, 1)
    assert gate["first"] == "2026-11-02T08:00:00+08:00"
    assert 11_000 < gate["last_ms"] - gate["first_ms"] <= 12_000


def test_status_tells_what_is_being_indexed(
    client: httpx.Client, context: AppContext, activity: Activity, red: dict[str, Any]
) -> None:
    context.catalog.rejected_files.add("broken.mp4", "empty", "the file is empty", "record it again")
    status = client.get("/api/status").json()
    assert StatusOut.model_validate(status)
    assert (status["model"], status["camera_count"]) == ("colours", 4)
    assert status["rows"] == context.store.count() > 4
    others = dict.fromkeys(("uploading", "pending", "leased", "skipped", "kept", "deleting"), 0)
    assert status["segments"] == {"indexed": 4} | others
    assert (status["refused_count"], status["refused"][0]["path"]) == (1, "broken.mp4")
    context.catalog.rejected_files.remove("broken.mp4")
    activity.note(context.catalog.segments.get(red["segment"]), 3000)
    working = client.get("/api/status").json()["indexing"]
    assert [(w["camera"], w["path"], w["offset_ms"]) for w in working] == [("gate", "red.mp4", 3000)]
    activity.done(context.catalog.segments.get(red["segment"]))
    assert client.get("/api/status").json()["indexing"] == []


def test_health(client: httpx.Client, context: AppContext) -> None:
    healthy = client.get("/api/health")
    assert (healthy.status_code, healthy.json()["status"]) == (200, "ok")
    assert HealthOut.model_validate(healthy.json())

    class Dead:
        def __init__(self) -> None:
            self.segments = self

        def count(self) -> int:
            raise Unavailable("the vector store is not there")

        def states(self) -> dict[str, int]:
            raise OSError("disk")

    dead = cast(Any, Dead())
    with serving(create_app(replace(with_index(context, store=dead), catalog=dead), hosts=HOSTS)) as url:
        said = problem(httpx.get(url + "/api/health"), 503)
        assert said["what"] == "store and catalog cannot answer"
        assert "the vector store is not there" in said["got"]


# errors ----------------------------------------------------------------------------------------------------------


class Failing:
    """An engine that raises what it is given."""

    error: Exception = RuntimeError("secret detail")

    def search(self, _: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadInput("x"), 400, "BadInput"),
        (NotFound("x"), 404, "NotFound"),
        (Conflict("x"), 409, "Conflict"),
        (BadMedia("x", reason="y"), 422, "BadMedia"),
        (Unavailable("x"), 503, "Unavailable"),
        (XunrenError("x"), 500, "XunrenError"),
        (RuntimeError("secret detail"), 500, "XunrenError"),
        (MemoryError(), 500, "XunrenError"),
    ],
)
def test_every_error_has_one_shape(
    context: AppContext, error: Exception, status: int, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing()
    failing.error = error
    app = create_app(with_index(context, engine=cast(SearchEngine, failing)), hosts=HOSTS)
    with caplog.at_level(logging.ERROR, "api"), serving(app) as url:
        response = httpx.post(url + "/api/search", json={"query": "red"})
    assert problem(response, status)["error"] == kind
    assert "secret" not in response.text
    assert bool(caplog.records) == (status >= 500)


def test_openapi_describes_all_routes(client: httpx.Client) -> None:
    spec = client.get("/openapi.json").json()
    assert set(spec["paths"]) == {path for _, path in NEEDS} - {"/", "/docs"}, "what is in no table is for nobody"
    for methods in spec["paths"].values():
        for route in methods.values():
            problem_schema = route["responses"]["default"]["content"]["application/json"]["schema"]
            assert problem_schema == {"$ref": "#/components/schemas/Problem"}
            assert route["description"]


def test_the_page_is_served_from_here(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    folder = Path(media.__file__).parents[1] / "static"
    files = [file.relative_to(folder).as_posix() for file in folder.rglob("*.*")]
    assert "core/dom.js" in files
    for path in ("/", "/docs", *(f"/static/{file}" for file in files)):
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-cache"
        assert "//cdn" not in response.text
        assert "style=" not in response.text
    for path in ("/static/app.js", "/static/core/dom.js"):
        again = client.get(path, headers={"If-None-Match": client.get(path).headers["etag"]})
        assert again.status_code == 304
