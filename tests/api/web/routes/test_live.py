"""Live cameras over HTTP: hours, how they are now, pictures, metrics; over a catalogue as a recorder leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.runtime.context import AppContext
from api.web.app import create_app
from api.web.routes.live import MOST_CAMERA_DAYS
from api.web.schemas.live import CoverageHourOut, CoverageHoursOut, LiveOut, StreamOut, TotalsOut
from api.web.schemas.search import CoverageOut, GapOut, Problem
from search.coverage.accounting import DEAD_MS
from search.errors import Unavailable
from search.stream_types import Reason, Stream, StreamState
from search.times import now_ms
from search.types import Camera, SegmentState, StreamRole
from search.vault import Vault, shown
from search.vector_store.base import VectorStore
from tests.support import recordings
from tests.support.browser import HOSTS, VIDEOS, serving, small_index, with_index

HOUR = recordings.HOUR_MS
NAME = "river #2"
"""Its characters must not end an address."""


@pytest.fixture(scope="module")
def now() -> int:
    return now_ms()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, now: int) -> Iterator[AppContext]:
    """`gate` records; `hall` with a sub-stream had an outage; the third is refused; the fourth no recorder knows."""
    since = now - HOUR
    with small_index(tmp_path_factory.mktemp("live"), VIDEOS[:1]) as context:
        context.catalog.cameras.add(context.catalog.cameras.get("gate"))
        recordings.add(context, "gate", since, name="North gate")
        recordings.record(context, "gate", since, 356)
        recordings.record(context, "gate", since + 3_560_000, 1, state=SegmentState.SKIPPED, reason="undecodable")
        recordings.record(context, "gate", since + 3_570_000, 2, state=SegmentState.PENDING)
        recordings.add(context, "hall", since, sub=True)
        recordings.record(context, "hall", since, 200, role=StreamRole.SUB)
        recordings.record(context, "hall", since, 300, state=SegmentState.KEPT)
        recordings.missing(
            context, "hall", since + 2_000_000, since + 2_600_000, Reason.NO_FRAMES, "silent", StreamRole.SUB
        )
        recordings.record(context, "hall", since + 2_600_000, 99, role=StreamRole.SUB)
        recordings.add(context, NAME, since)
        recordings.missing(context, NAME, since, now, Reason.REFUSED, "401")
        recordings.add(context, "lost", since)
        keep_telling(context, now)
        yield context


def keep_telling(context: AppContext, now: int) -> None:
    """What the recorder says of the three that it knows."""
    recordings.tell(context, "gate", StreamState.RECORDING, now, open_ms=10_000)
    for role in (StreamRole.MAIN, StreamRole.SUB):
        recordings.tell(context, "hall", StreamState.RECORDING, now, role=role, open_ms=10_000, reconnects=3)
    recordings.tell(context, NAME, StreamState.REFUSED, now, detail="401", age_ms=HOUR)


@pytest.fixture(scope="module")
def client(context: AppContext) -> Iterator[httpx.Client]:
    with serving(create_app(context, hosts=HOSTS)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def asked(client: httpx.Client, path: str, **params: object) -> dict[str, Any]:
    response = client.get(path, params={k: v for k, v in params.items() if v is not None})  # type: ignore[misc]
    assert response.status_code == 200, response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    return cast(dict[str, Any], response.json())


def streams(client: httpx.Client, context: AppContext) -> dict[tuple[str, str], dict[str, Any]]:
    keep_telling(context, now_ms())
    return {(one["camera"], one["role"]): one for one in asked(client, "/api/live")["streams"]}


def sums(accounts: list[dict[str, Any]], field: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in accounts:
        for reason, seconds in line[field].items():
            found[reason] = found.get(reason, 0) + seconds
    return found


# coverage --------------------------------------------------------------------------------------------------------


def test_every_hour_adds_up_and_says_why(client: httpx.Client, context: AppContext, now: int) -> None:
    # What was told more than 15 s ago is a dead recorder's, and its open file is missing.
    keep_telling(context, now_ms())
    answer = asked(client, "/api/coverage", **{"start": now - 2 * HOUR, "end": now})
    assert set(answer) == set(CoverageHoursOut.model_fields)
    by = {
        camera: [a for a in answer["coverage_hours"] if a["camera"] == camera]
        for camera in ("gate", "hall", NAME, "lost")
    }
    for line in answer["coverage_hours"]:
        assert set(line) == set(CoverageHourOut.model_fields)
        assert line["start_ms"] // HOUR == (line["end_ms"] - 1) // HOUR
        assert line["expected_s"] == pytest.approx(line["recorded_s"] + sum(line["missing_s"].values()))
        assert line["recorded_s"] == pytest.approx(line["indexed_s"] + sum(line["not_indexed_s"].values()))
    for lines in by.values():
        assert sum(line["expected_s"] for line in lines) == pytest.approx(3600)
    assert sums(by["gate"], "not_indexed_s") == pytest.approx({"undecodable": 10, "waiting": 30})
    assert sums(by["hall"], "missing_s") == pytest.approx({"no frames": 600})
    assert sums(by[NAME], "missing_s") == pytest.approx({"wrong password": 3600})
    assert sums(by["lost"], "missing_s") == pytest.approx({"recorder not running": 3600})
    totals = answer["totals"]
    assert set(totals) == set(TotalsOut.model_fields)
    for name in ("expected_s", "recorded_s", "indexed_s"):
        assert totals[name] == pytest.approx(sum(line[name] for line in answer["coverage_hours"]))
    for name in ("not_indexed_s", "missing_s"):
        assert totals[name] == pytest.approx(sums(answer["coverage_hours"], name))
    assert totals["expected_s"] == pytest.approx(4 * 3600)


def test_coverage_of_some_cameras_and_of_a_time_in_words(client: httpx.Client, now: int) -> None:
    chosen = asked(client, "/api/coverage", cameras=["hall", NAME])["coverage_hours"]
    assert {line["camera"] for line in chosen} == {"hall", NAME}
    day = asked(client, "/api/coverage", **{"start": "2026-11-02", "end": "20261103"})
    assert (day["start"], day["end"]) == ("2026-11-02T00:00:00+08:00", "2026-11-03T00:00:00+08:00")
    assert day["coverage_hours"] == []
    assert asked(client, "/api/coverage")["coverage_hours"], "the last day"


@pytest.mark.parametrize(
    ("params", "status", "said"),
    [
        ({"start": "2026-10-01", "end": "2026-11-02"}, 400, "at most 31 days"),
        ({"start": "2026-11-02", "end": "2026-11-01"}, 400, "ends before it starts"),
        ({"start": "yesterday"}, 400, "not a time"),
        ({"start": "9" * 40}, 400, "between 1970 and 2100"),
        ({"cameras": "nobody"}, 404, "unknown camera"),
        ({"cameras": "a'b"}, 400, "not a usable camera id"),
    ],
)
def test_coverage_that_cannot_be(client: httpx.Client, params: dict[str, str], status: int, said: str) -> None:
    response = client.get("/api/coverage", params=params)
    assert response.status_code == status
    assert set(response.json()) == set(Problem.model_fields)
    assert said in " ".join(response.json().values())


def test_so_much_coverage_is_refused_before_it_is_counted(tmp_path: Path) -> None:
    with small_index(tmp_path, []) as context, serving(create_app(context, hosts=HOSTS)) as url:
        for n in range(MOST_CAMERA_DAYS // 31 + 1):
            recordings.add(context, f"c{n}", 0)
        with httpx.Client(base_url=url, timeout=30) as client:
            month = {"start": "2026-10-01", "end": "2026-11-01"}
            refused = client.get("/api/coverage", params=month)
            assert refused.status_code == 400
            assert "name fewer cameras" in refused.json()["cure"]
            assert client.get("/api/coverage", params=month | {"cameras": "c1"}).status_code == 200


# now -------------------------------------------------------------------------------------------------------------


def test_every_stream_as_it_is_now(client: httpx.Client, context: AppContext, now: int) -> None:
    earliest = now_ms()
    found = streams(client, context)
    passed = (earliest - now) / 1000, (now_ms() - now) / 1000  # since the catalogue was filled
    assert set(found) == {("gate", "main"), ("hall", "main"), ("hall", "sub"), (NAME, "main"), ("lost", "main")}
    for stream in found.values():
        assert set(stream) == set(StreamOut.model_fields)
    gate, sub, kept = found["gate", "main"], found["hall", "sub"], found["hall", "main"]
    assert (gate["name"], gate["state"], gate["fps"], gate["kbit_s"]) == ("North gate", "recording", 25, 4012.5)
    assert (gate["width"], gate["height"], gate["codec"], gate["waiting_s"]) == (1920, 1080, "h264", 20)
    assert 0.4 <= gate["last_frame_age_s"] <= 0.5 + passed[1] - passed[0]
    assert 39 + passed[0] <= gate["lag_s"] <= 41 + passed[1]
    assert sub["reconnects"] == 3
    assert 9 + passed[0] <= sub["lag_s"] <= 11 + passed[1]
    assert kept["lag_s"] is None, "the sub-stream is indexed instead"
    assert (found[NAME, "main"]["state"], found[NAME, "main"]["detail"]) == ("wrong password", "401")
    assert (found["lost", "main"]["state"], found["lost", "main"]["since"]) == ("recorder not running", None)


def test_what_a_person_must_see_to(client: httpx.Client, context: AppContext) -> None:
    streams(client, context)
    answer = asked(client, "/api/live")
    assert set(answer) == set(LiveOut.model_fields)
    assert answer["recorder"] is True
    assert answer["backlog"]["segments"] == 2
    assert answer["disk_free_gib"] > 0
    assert {"kind": "cameras", "message": "2 of 4 cameras are not being recorded"} in answer["alarms"]


def test_a_full_disk_a_dead_recorder_and_a_late_indexer_are_alarms(tmp_path: Path) -> None:
    with small_index(tmp_path, []) as context, serving(create_app(context, hosts=HOSTS)) as url:
        client = httpx.Client(base_url=url, timeout=30)

        def alarms() -> dict[str, str]:
            return {alarm["kind"]: alarm["message"] for alarm in asked(client, "/api/live")["alarms"]}

        with client:
            assert alarms() == {}, "nothing is live"
            now = now_ms()
            recordings.add(context, "gate", now - HOUR)
            assert set(alarms()) == {"recorder"}
            recordings.tell(context, "gate", StreamState.DISK_FULL, now)
            assert "disk is full" in alarms()["disk"]
            recordings.record(context, "gate", now - HOUR, 100)
            recordings.tell(context, "gate", StreamState.RECORDING, now)
            assert alarms() == {}, "a camera that comes back after an hour is not behind"
            recordings.record(context, "gate", now - HOUR + 1_000_000, 260, state=SegmentState.PENDING)
            assert "behind" in alarms()["lag"]
            recordings.tell(context, "gate", StreamState.RECORDING, now_ms() - DEAD_MS - 1000)
            assert set(alarms()) == {"recorder"}


def test_one_dead_recorder_of_two_is_seen(tmp_path: Path) -> None:
    now = now_ms()
    with small_index(tmp_path, []) as context, serving(create_app(context, hosts=HOSTS)) as url:
        for camera, told in (("east", now), ("west", now - DEAD_MS - 60_000)):
            recordings.add(context, camera, now - HOUR)
            recordings.tell(context, camera, StreamState.RECORDING, told)
        with httpx.Client(base_url=url, timeout=30) as client:
            answer = asked(client, "/api/live")
    assert answer["recorder"] is True
    assert [one["state"] for one in answer["streams"]] == ["recording", "recorder not running"]
    assert [one["fps"] for one in answer["streams"]] == [25, 0]


# pictures of now -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("camera", ["hall", NAME])
def test_a_picture_of_now(client: httpx.Client, context: AppContext, camera: str) -> None:
    role = "sub" if camera == "hall" else "main"
    context.media.now_path(camera).unlink(missing_ok=True)
    assert streams(client, context)[camera, role]["image"] is None
    taken = now_ms() - 3000
    jpeg = recordings.picture(context, camera, taken)
    address = streams(client, context)[camera, role]["image"]
    response = client.get(address)
    assert (response.status_code, response.content) == (200, jpeg)
    assert response.headers["content-type"] == "image/jpeg"
    assert "no-cache" in response.headers["cache-control"]
    assert parsedate_to_datetime(response.headers["last-modified"]).timestamp() == taken // 1000
    assert client.head(address).headers["content-length"] == str(len(jpeg))
    recordings.picture(context, camera, taken + 2000)
    assert streams(client, context)[camera, role]["image"] != address, "so that the page sees a new one"


@pytest.mark.parametrize("camera", ["lost", "nobody", "..%2F..%2Fcatalog.sqlite", "a%00b"])
def test_a_picture_that_is_not_there(client: httpx.Client, camera: str) -> None:
    response = client.get(f"/api/cameras/{camera}/now.jpg")
    assert response.status_code in (400, 404)
    assert set(response.json()) == set(Problem.model_fields)


# metrics ---------------------------------------------------------------------------------------------------------


def metrics(client: httpx.Client) -> dict[tuple[str, frozenset[str]], float]:
    """(name, label values) -> value, as Prometheus reads it."""
    response = client.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert response.headers["x-content-type-options"] == "nosniff"
    families = text_string_to_metric_families(response.text)
    return {(s.name, frozenset(s.labels.values())): s.value for family in families for s in family.samples}


def test_metrics_for_prometheus(client: httpx.Client, context: AppContext, now: int) -> None:
    earliest = now_ms()
    streams(client, context)
    found = metrics(client)
    passed = (earliest - now) / 1000, (now_ms() - now) / 1000  # since the catalogue was filled

    def of(name: str, *labels: str) -> float:
        return found[f"xunren_{name}", frozenset(labels)]

    assert of("recorder_running") == 1
    assert [of("stream_up", c, r) for c, r in (("gate", "main"), ("hall", "sub"), (NAME, "main"))] == [1, 1, 0]
    assert of("stream_up", "lost", "main") == 0, "one that no recorder has ever told about"
    states = {labels for name, labels in found if name == "xunren_stream_state"}
    assert states == {
        frozenset({"gate", "main", "recording"}),
        frozenset({"hall", "main", "recording"}),
        frozenset({"hall", "sub", "recording"}),
        frozenset({NAME, "main", "wrong password"}),
        frozenset({"lost", "main", "recorder not running"}),
    }
    assert of("stream_bits_per_second", "gate", "main") == 4_012_500
    assert of("segments", "skipped") == 1
    assert of("stream_fps", "gate", "main") == 25
    assert of("stream_reconnects_total", "hall", "sub") == 3
    assert of("stream_clock_jumps_total", "hall", "sub") == 0
    assert of("stream_last_frame_age_seconds", "gate", "main") <= 0.5 + passed[1] - passed[0]
    assert 39 + passed[0] <= of("camera_index_lag_seconds", "gate") <= 41 + passed[1]
    assert of("camera_missing_seconds_last_hour", "hall", "no frames") == pytest.approx(600, abs=40)
    assert of("camera_recorded_seconds_last_hour", "hall") == pytest.approx(3000, abs=60)
    assert of("backlog_segments") == 2
    assert of("backlog_seconds") == 20
    assert of("index_rows") == context.store.count()
    assert of("disk_free_bytes") > 0


def test_metrics_twice_and_in_two_applications(client: httpx.Client, tmp_path: Path) -> None:
    assert metrics(client).keys() == metrics(client).keys()
    with small_index(tmp_path, []) as context, serving(create_app(context, hosts=HOSTS)) as url:
        with httpx.Client(base_url=url, timeout=30) as other:
            found = metrics(other)
        assert found["xunren_recorder_running", frozenset()] == 0
        assert not any("stream" in name for name, _ in found)
        assert httpx.get(url + "/metrics", headers={"Host": "evil.example"}).status_code == 400


# answers, and what must never be told ----------------------------------------------------------------------------


def test_an_answer_tells_its_gaps(client: httpx.Client, context: AppContext, now: int) -> None:
    streams(client, context)
    body = {"query": "an elephant", "start": now - HOUR, "end": now}
    answer = client.post("/api/search", json=body).json()
    told = answer["coverage"]
    assert answer["verdict"] == "nothing"
    assert set(told) == set(CoverageOut.model_fields)
    assert (told["camera_count"], told["with_gaps"], told["more_gaps"]) == (4, 4, 0)
    gaps = {(gap["camera"], gap["reason"]): gap for gap in told["gaps"]}
    assert all(set(gap) == set(GapOut.model_fields) for gap in told["gaps"])
    assert gaps["hall", "no frames"]["seconds"] == 600
    assert gaps["hall", "no frames"]["detail"] == "silent"
    assert gaps["gate", "undecodable"]["seconds"] == 10
    assert gaps[NAME, "wrong password"]["seconds"] == 3600
    lengths = [gap["seconds"] for gap in told["gaps"]]
    assert lengths == sorted(lengths, reverse=True)
    other = client.post("/api/search", json=body | {"cameras": ["hall"]}).json()["coverage"]
    assert (other["camera_count"], other["with_gaps"]) == (1, 1)


def test_nothing_secret_is_told(client: httpx.Client, context: AppContext) -> None:
    paths = ("/api/live", "/api/coverage", "/api/cameras", "/api/status", "/api/check", "/metrics", "/openapi.json")
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200
        assert recordings.SECRET not in response.text
    assert streams(client, context)["gate", "main"]["url"] == "rtsp://gate.example/stream"


def test_a_password_in_an_address_is_told_nowhere(tmp_path: Path) -> None:
    address = "rtsp://viewer:Gr8-hush%21@10.0.0.9/live?token=Gr8-hush"
    with small_index(tmp_path, []) as context, serving(create_app(context, hosts=HOSTS)) as url:
        context.catalog.cameras.add(Camera("gate"))
        sealed = Vault(context.settings.data_dir).seal(address)
        context.catalog.streams.set("gate", [Stream("gate", StreamRole.MAIN, sealed, shown(address), now_ms() - HOUR)])
        recordings.tell(context, "gate", StreamState.REFUSED, now_ms(), detail="the camera refuses user and password")
        with httpx.Client(base_url=url, timeout=30) as client:
            paths = ("/api/live", "/api/coverage", "/api/cameras", "/api/status", "/metrics", "/openapi.json", "/docs")
            told = [client.get(path) for path in paths]
            told += [client.get("/api/cameras/gate/now.jpg"), client.post("/api/search", json={"query": "red"})]
            address_told = asked(client, "/api/live")["streams"][0]["url"]
    for response in told:
        for secret in ("hush", "viewer", sealed):
            assert secret not in response.text, response.url
    assert "10.0.0.9" in address_told


def test_without_a_catalogue_it_says_so(tmp_path: Path) -> None:
    with small_index(tmp_path, []) as context, serving(create_app(context, hosts=HOSTS)) as url:
        context.catalog.close()
        for path in ("/api/live", "/api/coverage", "/metrics"):
            response = httpx.get(url + path, timeout=30)
            assert response.status_code == 503
            assert set(response.json()) == set(Problem.model_fields)


def test_no_half_of_the_metrics_where_the_store_does_not_answer(tmp_path: Path) -> None:
    class Dead:
        def count(self) -> int:
            raise Unavailable("the vector store is not there")

    with small_index(tmp_path, []) as context:
        broken = with_index(context, store=cast(VectorStore, Dead()))
        with serving(create_app(broken, hosts=HOSTS)) as url:
            response = httpx.get(url + "/metrics", timeout=30)
    assert response.status_code == 503
    assert response.json()["what"] == "the vector store is not there"
