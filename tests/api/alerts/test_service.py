"""Standing searches: what is raised and what is not, what is told of it, and the HTTP door."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from api.alerts.history import EngineIndex
from api.alerts.matcher import TRIES, settled
from api.alerts.thresholds import DAY_MS, AlertRule
from api.alerts.types import Judgement, SavedSearchInput, SavedSearchState, expiry
from api.runtime.context import AppContext
from api.web.app import create_app
from api.web.schemas.alerts import AlertOut, SavedSearchOut
from search.catalog.catalog import Catalog
from search.errors import BadInput, NotFound, Unavailable
from search.query import Query
from search.types import Filter, RowKind
from tests.support.alerts import MINUTE, MODEL, NOW, Post, receiver, row, vector
from tests.support.browser import HOSTS, index, serving, small_index, walker


@pytest.fixture
def post(tmp_path: Path, catalog_url: str) -> Iterator[Post]:
    with closing(Post(tmp_path, catalog_url)) as made:
        yield made


# raising -------------------------------------------------------------------------------------------------------


def test_a_row_that_passes_the_threshold_raises_one_alert_that_says_all_of_it(post: Post) -> None:
    standing = post.add()
    seen = row()
    assert post.see((replace(seen, id="below"), 4.99)) == []
    (alert,) = post.see((seen, 5.01))
    assert (alert.standing_id, alert.row_id, alert.camera_id) == (standing.id, seen.id, "gate")
    assert (alert.box, alert.frame_width, alert.time_ms) == (seen.box, 640, NOW)
    assert alert.score == pytest.approx(5.01, abs=1e-4)
    assert (alert.seen_ms, alert.verdict) == (None, Judgement.OPEN)


def test_the_same_rows_again_raise_nothing(post: Post) -> None:
    post.add(rule=AlertRule(0, 100))
    rows = [(row(NOW + n * MINUTE, track=n), 6.0) for n in range(1, 4)]
    assert len(post.see(*rows)) == 3
    assert post.see(*rows) == []


def test_a_track_raises_once_however_many_crops_and_portions_it_has(post: Post) -> None:
    post.add(rule=AlertRule(0, 100))
    crops = [row(NOW + n, segment="s", track=7) for n in range(4)]
    (alert,) = post.see((crops[0], 6.0), (crops[1], 8.0), (crops[2], 7.0))
    assert alert.row_id == crops[1].id
    assert post.see((crops[3], 9.0)) == []
    assert post.store.faults().count == 0


def test_frames_stand_each_for_themselves(post: Post) -> None:
    post.add(rule=AlertRule(0, 100))
    assert len(post.see(*((row(NOW + n, segment="s", kind=RowKind.FRAME), 6.0) for n in range(3)))) == 3


def test_the_cool_down_is_of_a_camera_and_in_its_own_time(post: Post) -> None:
    post.add(rule=AlertRule(5 * MINUTE, 100))
    assert [a.time_ms for a in post.see((row(NOW), 6.0), (row(NOW + 4 * MINUTE), 9.0))] == [NOW]
    assert post.see((row(NOW - 4 * MINUTE), 6.0)) == []  # indexed later, recorded earlier
    assert len(post.see((row(NOW + 5 * MINUTE), 6.0), (row(NOW + MINUTE, camera="yard"), 6.0))) == 2


def test_the_limit_of_a_camera_and_day_is_told(post: Post) -> None:
    standing = post.add(rule=AlertRule(0, 2))
    assert len(post.see(*((row(NOW + n, track=n), 6.0) for n in range(1, 6)))) == 2
    assert len(post.see((row(NOW + DAY_MS), 6.0), (row(NOW, camera="yard"), 6.0))) == 2
    assert post.alerts.tallies(NOW)[standing.id].full == ("gate",)
    assert post.alerts.tallies(NOW + 3 * DAY_MS)[standing.id].full == ()


def test_searches_do_not_disturb_each_other(post: Post) -> None:
    here, there = post.add(), post.add(sentence="the other")
    assert [a.standing_id for a in post.see((row(), 6.0))] == [here.id]
    assert [a.standing_id for a in post.see((row(NOW, track=2), 6.0), axis=1)] == [there.id]


def test_only_the_cameras_that_are_named_are_watched(post: Post) -> None:
    post.add(cameras=("yard",))
    assert [a.camera_id for a in post.see((row(), 6.0), (row(camera="yard"), 6.0))] == ["yard"]


def test_what_is_old_raises_nothing_unless_it_shall(post: Post) -> None:
    post.add()
    old = row(NOW - DAY_MS - 1)
    assert post.see((old, 6.0)) == []
    assert len(post.see((row(NOW - DAY_MS), 6.0))) == 1
    willing = post.add(include_old=True)
    assert [a.standing_id for a in post.see((old, 6.0))] == [willing.id]


@pytest.mark.parametrize(
    ("changes", "model", "state"),
    [
        ({"paused": True}, MODEL, SavedSearchState.PAUSED),
        ({"expires_ms": NOW}, MODEL, SavedSearchState.EXPIRED),
        ({}, "another", SavedSearchState.OTHER_MODEL),
    ],
)
def test_who_does_not_watch_raises_nothing_and_says_why(
    post: Post, changes: dict[str, Any], model: str, state: SavedSearchState
) -> None:
    standing = post.add(**changes)
    assert standing.state(model, NOW) is state
    assert post.see((row(), 9.0), watcher=post.new_watcher(model)) == []


def test_one_that_is_saved_or_removed_meanwhile_is_noticed(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.alerts.matcher.REREAD_S", 0.0)
    watcher = post.new_watcher()
    assert post.see((row(), 9.0), watcher=watcher) == []
    standing = post.add()
    assert len(post.see((row(), 9.0), watcher=watcher)) == 1
    post.store.remove(standing.id)
    assert post.see((row(NOW + 9 * MINUTE), 9.0), watcher=watcher) == []
    assert post.alerts.alerts() == ([], False)


def test_one_that_is_removed_between_reading_and_raising_raises_nothing(post: Post) -> None:
    standing, other = post.add(), post.add()
    watcher = post.new_watcher()
    post.see((row(), 1.0), watcher=watcher)
    post.store.remove(standing.id)
    assert [a.standing_id for a in post.see((row(), 9.0), watcher=watcher)] == [other.id]
    assert post.store.faults().count == 0


def test_watchers_side_by_side_raise_each_alert_once(post: Post) -> None:
    post.add(rule=AlertRule(0, 10_000))
    rows = [(row(NOW + n, track=n), 6.0) for n in range(1, 41)]
    threads = [threading.Thread(target=post.see, args=rows) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(post.alerts.alerts(limit=500)[0]) == 40
    assert post.store.faults().count == 0


# faults --------------------------------------------------------------------------------------------------------


def test_a_fault_is_counted_told_and_made_good(post: Post) -> None:
    post.add()
    watcher = post.new_watcher()
    post.index.broken = Unavailable("the store is gone")
    assert post.see((row(), 9.0), watcher=watcher) == []
    faults = post.view.all()["faults"]
    assert (faults["count"], faults["rows_missed"], faults["message"]) == (1, 0, "the store is gone")
    post.index.broken = None
    watcher.settle()
    assert len(post.alerts.alerts()[0]) == 1


def test_rows_that_never_can_be_compared_are_counted_and_make_room(post: Post) -> None:
    post.add()
    watcher = post.new_watcher()
    post.index.broken = ValueError("shapes")
    for n in range(TRIES):
        post.see((row(NOW + n), 9.0), watcher=watcher)
    assert post.store.faults().rows_missed == 1
    post.index.broken = None
    assert len(post.see((row(NOW + 9 * MINUTE), 9.0), watcher=watcher)) == 2  # the next one of before, and this


def test_too_many_rows_that_wait_are_given_up_and_counted(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.alerts.matcher.MOST_WAITING_ROWS", 2)
    post.add()
    watcher = post.new_watcher()
    post.index.broken = Unavailable("the store is gone")
    for n in range(3):
        post.see((row(NOW + n), 9.0), watcher=watcher)
    assert post.store.faults().rows_missed == 1


def test_a_catalogue_that_is_gone_stops_nothing_and_is_told_when_it_is_back(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.add()
    watcher = post.new_watcher()
    monkeypatch.setattr(Catalog, "begin", lambda _: (_ for _ in ()).throw(Unavailable("no database")))
    watcher.watch([row()], vector(9.0)[None])
    monkeypatch.undo()
    with settled(watcher):
        pass
    assert len(post.alerts.alerts()[0]) == 1
    assert post.store.faults().count == 1


# measuring -----------------------------------------------------------------------------------------------------


def test_the_threshold_comes_from_the_history_and_says_what_to_expect(post: Post) -> None:
    post.record(48)
    post.index.history = [(row(NOW - n * 3_600_000), 4.0 + n / 10) for n in range(10)]
    measured = post.add(alarms_per_day=2.0).aim.measured
    assert (measured.raised, measured.too_short, measured.history_hours) == (4, False, 48)
    assert measured.threshold == pytest.approx(4.6)
    assert measured.expected_per_day == 2.0


def test_a_short_history_is_said_to_be_one(post: Post) -> None:
    post.record(1)
    post.index.history = [(row(), 9.0)]
    told = post.view.one(post.add())["measured"]
    assert (told["too_short"], told["threshold"], told["history_hours"]) == (True, 5.0, 1.0)


def test_only_watched_cameras_count_in_the_history(post: Post) -> None:
    post.record(48)
    post.record(24, "yard")
    assert post.store.span(()).cameras == 2
    assert post.store.span(("yard", "gone")).camera_hours == 24


def test_what_shows_the_person_is_no_false_alarm(post: Post) -> None:
    post.record(48)
    her = row(NOW - 3_600_000, track=3)
    post.index.history = [(her, 9.0), (replace(her, id="another crop"), 8.0), (row(), 4.0)]
    assert post.add(alarms_per_day=0.1).aim.measured.threshold > 9.0
    assert 4.0 < post.add(alarms_per_day=0.1, like=(her.id,)).aim.measured.threshold < 4.1


def test_alerts_judged_right_do_not_raise_the_threshold_when_it_is_measured_again(post: Post) -> None:
    standing = post.add()
    (alert,) = post.see((row(), 9.0))
    post.alerts.judge(alert.id, Judgement.RIGHT)
    post.record(48)
    post.index.history = [(row(), 9.0)]
    changed = post.service.change(standing.id, replace(standing.draft, alarms_per_day=0.1))
    assert changed.aim.measured.threshold == post.index.limits.lowest


def test_a_change_that_does_not_matter_measures_nothing(post: Post) -> None:
    standing = post.add()
    post.index.history = [(row(), 9.0)]
    post.record(48)
    renamed = post.service.change(standing.id, replace(standing.draft, name="she", paused=True))
    assert (renamed.draft.name, renamed.aim.measured) == ("she", standing.aim.measured)
    again = post.service.change(standing.id, renamed.draft, measure=True)
    assert again.aim.measured.history_hours == 48


def test_a_standing_search_is_read_as_it_was_saved(post: Post) -> None:
    draft = SavedSearchInput(
        "她", "穿黄色外套的女子", NOW + 1, "2026-0007", ("a-p1-2",), ("gate",), 3.5, AlertRule(1000, 7), True, True
    )
    saved = post.service.add(draft).search
    found = post.store.get(saved.id)
    assert (found.draft, found.aim.measured, found.aim.model) == (draft, saved.aim.measured, MODEL)
    assert np.array_equal(found.aim.vector, saved.aim.vector)
    assert np.array_equal(found.aim.curve.points, saved.aim.curve.points)


def test_numbers_are_not_given_twice(post: Post) -> None:
    first = post.add()
    post.store.remove(first.id)
    assert post.add().id > first.id
    for refused in (post.store.get, post.store.remove, post.alerts.get):
        with pytest.raises(NotFound):
            refused(first.id)


@pytest.mark.parametrize(
    "changes",
    [{"sentence": ""}, {"sentence": "\ud800 red"}, {"name": "x" * 201}, {"name": "a\nb"}, {"case_id": "\x00"},
     {"like": ("x",) * 101}, {"cameras": ("'",)}],
)  # fmt: skip
def test_what_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    values: dict[str, Any] = {"name": "her", "sentence": "a woman", "expires_ms": NOW}
    with pytest.raises(BadInput):
        SavedSearchInput(**values | changes)


@pytest.mark.parametrize("days", [0.0, -1.0, 90.1, float("nan")])
def test_every_search_ends_within_ninety_days(days: float) -> None:
    with pytest.raises(BadInput, match="days"):
        expiry(NOW, days)


def test_judgements_are_counted_beside_what_was_expected(post: Post) -> None:
    standing = post.add(rule=AlertRule(0, 100))
    alerts = post.see(*((row(NOW + n, track=n), 6.0) for n in range(1, 5)))
    for alert, verdict in zip(alerts, ("right", "wrong", "wrong"), strict=False):
        post.alerts.judge(alert.id, Judgement(verdict))
    told = post.view.one(standing)["alert_counts"]
    assert (told["raised"], told["open"], told["right"], told["wrong"]) == (4, 1, 1, 2)
    assert told["false_share"] == pytest.approx(2 / 3, abs=0.001)
    assert [a.id for a in post.alerts.alerts(only_open=True)[0]] == [alerts[3].id]


def test_alerts_come_newest_first_and_say_when_some_are_left_out(post: Post) -> None:
    post.add(rule=AlertRule(0, 100))
    ids = [a.id for a in post.see(*((row(NOW + n, track=n), 6.0) for n in range(1, 6)))]
    assert ([a.id for a in post.alerts.alerts(limit=2)[0]], post.alerts.alerts(limit=2)[1]) == (ids[:2:-1], True)
    assert ([a.id for a in post.alerts.alerts(after=ids[2])[0]], post.alerts.alerts(after=ids[2])[1]) == (
        ids[:2:-1],
        False,
    )


def test_an_alert_is_shown_for_as_long_as_its_recording_is_there(post: Post) -> None:
    standing = post.add()
    segment = post.record(1)
    (alert,) = post.see((row(NOW - MINUTE, segment=segment.id), 9.0))
    told = post.view.payload(standing, alert)["alert"]
    offset = 59 * MINUTE
    assert told["thumbnail"] == f"/api/thumbnails/{segment.id}/{offset}.jpg"
    assert told["clip_url"] == f"/api/clips/{segment.id}.mp4?offset_ms={offset - 2000}&duration_ms=4000"
    (gone,) = post.see((row(camera="yard"), 9.0))
    assert post.view.payload(standing, gone)["alert"]["thumbnail"] is None


# over HTTP -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    with small_index(tmp_path_factory.mktemp("standing"), (("gate", "red"), ("yard", "blue"))) as context:
        yield context


@pytest.fixture(scope="module")
def client(context: AppContext) -> Iterator[httpx.Client]:
    with serving(create_app(context, hosts=HOSTS)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def saved(client: httpx.Client, **body: object) -> dict[str, Any]:
    response = client.post("/api/saved-searches", json={"query": "red"} | body)
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    assert set(told) >= set(SavedSearchOut.model_fields) - {"webhook_secret"}
    return told


def test_who_walks_by_raises_an_alert_that_is_seen_played_and_judged(
    client: httpx.Client, context: AppContext, tmp_path: Path
) -> None:
    standing = saved(client, query="green", include_old=True, name="in green")
    assert standing["measured"]["too_short"]
    path = walker(tmp_path / "videos" / "lane" / "green.mp4", "green")
    index(context, [path])
    (alert,) = client.get("/api/alerts", params={"saved_search": standing["number"]}).json()["alerts"]
    assert set(alert) == set(AlertOut.model_fields)
    assert (alert["camera"], alert["saved_search_name"], alert["judgement"]) == ("lane", "in green", "open")
    assert alert["score"] >= standing["measured"]["threshold"]
    assert client.get(alert["thumbnail"]).headers["content-type"] == "image/jpeg"
    assert client.get(alert["clip_url"]).headers["content-type"] == "video/mp4"
    with client.stream("GET", "/api/alerts/changes") as heard:
        assert heard.headers["content-type"].startswith("text/event-stream")
        lines = heard.iter_lines()
        assert [next(lines), next(lines)] == ["event: change", f"data: {alert['number']}"], "as things are"
        judged = client.patch(f"/api/alerts/{alert['number']}", json={"judgement": "right"}).json()
        assert [next(lines) for _ in range(2)] == ["", "event: change"], "somebody has judged it"
    assert judged["judgement"] == "right"
    assert judged["seen_ms"]
    again = client.get(f"/api/saved-searches/{standing['number']}").json()["alert_counts"]
    assert (again["right"], again["false_share"]) == (1, 0.0)
    assert client.get("/api/alerts", params={"saved_search": standing["number"], "open": True}).json()["alerts"] == []
    context.catalog.segments.index_again([alert["segment"]])
    index(context, [path])
    assert len(client.get("/api/alerts", params={"saved_search": standing["number"]}).json()["alerts"]) == 1


def test_the_score_while_writing_is_the_score_of_the_search_and_of_the_history(context: AppContext) -> None:
    there = EngineIndex(context)
    query = there.query_for("red", (), ())
    rows, vectors = context.store.sample(1000, Filter(kinds=query.kinds))
    cosines = vectors @ query.vector
    found = dict(zip((r.id for r in rows), query.curve.scores(rows, cosines).tolist(), strict=True))
    embedded = context.engine.parse_and_embed(Query("red"))
    search = embedded.calibration.scores(rows, vectors, embedded.vector, embedded.shape)
    history = {r.id: score for r, score in there.past(query).scored}
    assert len(found) >= 6
    assert found == pytest.approx(dict(zip(found, search.tolist(), strict=True)), abs=1e-3)
    assert found == pytest.approx(history, abs=1e-3)


def test_kinds_that_are_not_looked_for_never_raise(context: AppContext) -> None:
    query = EngineIndex(context).query_for("red", (), ())
    assert query.kinds == (RowKind.PERSON,)
    assert query.curve.scores([row(kind=RowKind.FRAME)], np.array([1.0])) < -1e6


def test_a_threshold_stays_on_the_scale_that_it_was_measured_on(post: Post) -> None:
    post.add()
    post.index.unit = 10.0
    assert len(post.see((row(), 5.01))) == 1


def test_where_nobody_is_indexed_no_threshold_can_be_measured(tmp_path: Path) -> None:
    with (
        small_index(tmp_path, ()) as empty,
        serving(create_app(empty, hosts=HOSTS)) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        response = client.post("/api/saved-searches", json={"query": "red"})
        assert response.status_code == 503
        assert "nobody is indexed yet" in response.json()["what"]
        assert client.get("/api/saved-searches").json()["saved_searches"] == []


def test_a_preview_saves_nothing(client: httpx.Client) -> None:
    before = client.get("/api/saved-searches").json()["saved_searches"]
    told = client.post("/api/saved-searches/preview", json={"query": "red", "cameras": ["gate"]}).json()
    assert (told["cameras"], told["measured"]["camera_count"]) == (["gate"], 1)
    assert client.get("/api/saved-searches").json()["saved_searches"] == before


def test_what_is_changed_is_changed_and_the_rest_stays(client: httpx.Client) -> None:
    standing = saved(client, days=1, case="2026-0001")
    at = f"/api/saved-searches/{standing['number']}"
    paused = client.patch(at, json={"paused": True, "name": "him"}).json()
    assert (paused["state"], paused["name"], paused["case"]) == ("paused", "him", "2026-0001")
    longer = client.patch(at, json={"days": 30, "cameras": ["yard"], "paused": False}).json()
    assert longer["expires_ms"] > standing["expires_ms"]
    assert (longer["state"], longer["cameras"], longer["measured"]["camera_count"]) == ("active", ["yard"], 1)
    assert client.delete(at).status_code == 204
    assert client.get(at).status_code == 404


def test_a_webhook_s_secret_is_shown_once_and_its_address_never(client: httpx.Client, context: AppContext) -> None:
    with receiver(500) as there:
        standing = saved(client, webhook_url=there.url)
        at = f"/api/saved-searches/{standing['number']}"
        assert len(standing["webhook_secret"]) > 40
        shown = client.get(at)
        assert shown.json()["webhook"]["url"].endswith("/hook?***")
        for secret in ("hush", standing["webhook_secret"]):
            assert secret not in shown.text + client.get("/api/saved-searches").text
            assert not any(secret.encode() in f.read_bytes() for f in context.settings.data_dir.glob("catalog.sqlite*"))
        failed = client.post(f"{at}/test-webhook", json={}).json()
        assert failed == {"delivered": False, "message": "HTTP 500"}
        assert client.post(f"{at}/test-webhook", json={}).json()["delivered"]
        assert there.bodies()[0]["event"] == "test"
        other = client.patch(at, json={"webhook_url": there.url}).json()
        assert other["webhook_secret"] != standing["webhook_secret"]
        assert client.patch(at, json={"webhook_url": None}).json()["webhook"] is None
        assert client.post(f"{at}/test-webhook", json={}).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"query": " "}, 400), ({"query": "red", "days": 91}, 400), ({"query": "red", "days": 0}, 400),
     ({"query": "red", "alarms_per_day": 0}, 400), ({"query": "red", "cameras": ["nowhere"]}, 404),
     ({"query": "red", "like": ["nothing"]}, 404), ({"query": "red", "cool_down_s": -1}, 400),
     ({"query": "red", "webhook_url": "http://93.184.216.34/x?token=hush"}, 400),
     ({"query": "somebody in red, yesterday evening"}, 400),
     ({"query": "red", "webhook_url": "ftp://127.0.0.1/hush"}, 400), ({"query": "red", "what": 1}, 400)],
)  # fmt: skip
def test_what_cannot_be_saved_says_why(client: httpx.Client, body: dict[str, Any], status: int) -> None:
    response = client.post("/api/saved-searches", json=body)
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error", "what", "got", "expected", "cure"}
    assert "hush" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [("GET", "/api/saved-searches/999", None, 404), ("GET", "/api/saved-searches/99999999999999999999", None, 400),
     ("PATCH", "/api/saved-searches/999", {"paused": True}, 404), ("DELETE", "/api/saved-searches/999", None, 404),
     ("PATCH", "/api/alerts/999", {"seen": True}, 404), ("PATCH", "/api/alerts/1", {}, 400),
     ("PATCH", "/api/alerts/1", {"judgement": "perhaps"}, 400), ("GET", "/api/alerts?limit=0", None, 400),
     ("GET", "/api/alerts?after=-1", None, 400), ("POST", "/api/saved-searches/999/test-webhook", {}, 404)],
)  # fmt: skip
def test_what_is_not_there_is_said(
    client: httpx.Client, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    response = client.request(method, path, json=body)
    assert response.status_code == status, response.text
    assert response.json()["what"]
