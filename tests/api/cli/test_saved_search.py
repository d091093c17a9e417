"""`xunren saved-search` and `xunren alert` as a user has them: from a sentence to a signed webhook."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from api.alerts.webhook import verify_signature
from tests.conftest import Command, Demo, serving
from tests.support.alerts import receiver
from tests.support.browser import chromium, watched_page
from tests.support.waiting import until

WANTED = "a woman in a yellow coat"


@pytest.fixture
def data(demo: Demo, tmp_path: Path) -> Path:
    """A copy of the sample videos' index."""
    return Path(shutil.copytree(demo.data_dir, tmp_path / "data"))


def again(data: Path, folder: Path, xunren: Command) -> Path:
    """The folder of a new camera that has seen the woman as well as the sample camera that has seen her best."""
    found = xunren("search", WANTED, "--data-dir", data, "--json").json
    assert found["verdict"] == "match"
    made = folder / "videos" / "new-camera"
    made.mkdir(parents=True)
    shutil.copy(found["clips"][0]["path"], made)
    return made


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def test_a_sentence_becomes_an_alert_and_a_signed_message(data: Path, tmp_path: Path, xunren: Command) -> None:
    videos = again(data, tmp_path, xunren)
    with receiver(500) as there, serving(data) as (url, _):
        options = ("--include-old", "--webhook", there.url, "--name", "yellow", "--json")
        added = xunren("saved-search", "add", WANTED, *options, "--data-dir", data)
        assert added.code == 0, added.err
        assert added.json["state"] == "active"
        assert added.json["measured"]["too_short"]
        assert 0 < added.json["measured"]["history_hours"] < 0.2
        assert xunren("index", videos, "--data-dir", data).code == 0
        alerts = ask(f"{url}/api/alerts")["alerts"]
        assert [alert["camera"] for alert in alerts] == ["new-camera"]
        with urllib.request.urlopen(url + alerts[0]["thumbnail"], timeout=20) as response:
            assert response.read(2) == b"\xff\xd8"
        until(lambda: len(there.got) == 2)
        headers, body = there.got[1]
        secret = added.json["webhook_secret"]
        stamp, signature = headers["x-xunren-timestamp"], headers["x-xunren-signature"]
        assert verify_signature(secret, stamp, body, signature, time.time())
        assert json.loads(body)["alert"]["number"] == alerts[0]["number"]
        assert json.loads(body)["alert"]["thumbnail"] == alerts[0]["thumbnail"]
        until(lambda: ask(f"{url}/api/saved-searches/1")["webhook"]["delivered"] == 1)
        assert xunren("index", videos, "--data-dir", data).code == 0
        judged = xunren("alert", "judge", alerts[0]["number"], "wrong", "--data-dir", data)
        assert judged.code == 0, judged.err
        assert ask(f"{url}/api/saved-searches/1")["alert_counts"]["false_share"] == 1.0
        assert len(ask(f"{url}/api/alerts")["alerts"]) == 1
    assert len(there.got) == 2


def test_without_a_server_it_is_the_same(data: Path, tmp_path: Path, xunren: Command) -> None:
    def run(*words: object) -> Any:
        done = xunren(*words, "--data-dir", data)
        assert done.code == 0, done.err
        return done

    with receiver() as there:
        preview = run("saved-search", "add", WANTED, "--preview", "--json").json
        assert run("saved-search", "list", "--json").json["saved_searches"] == []
        added = run("saved-search", "add", WANTED, "--include-old", "--case", "2026-0001", "--webhook", there.url)
        assert "shown this once" in added.out
        assert "too short" in added.out
        assert xunren("index", again(data, tmp_path, xunren), "--data-dir", data).code == 0
        assert len(there.got) == 1
    (alert,) = run("alert", "list", "--json").json["alerts"]
    assert (alert["camera"], alert["query"]) == ("new-camera", WANTED)
    assert alert["score"] >= preview["measured"]["threshold"]
    assert "new-camera" in run("alert", "list", "--open").out
    assert "1 right" in run("alert", "judge", alert["number"], "right").out
    told = run("saved-search", "show", 1, "--json").json
    assert (told["case"], told["alert_counts"]["right"], told["webhook"]["delivered"]) == ("2026-0001", 1, 1)
    assert "1 delivered" in run("saved-search", "show", 1).out
    assert "paused" in run("saved-search", "pause", 1).out
    assert "paused" in run("saved-search", "list").out
    assert "active" in run("saved-search", "resume", 1).out
    assert run("alert", "list", "--open", "--json").json["alerts"] == []
    run("saved-search", "remove", 1)
    assert run("saved-search", "list", "--json").json["saved_searches"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("saved-search", "add", ""), "sentence"),
        (("saved-search", "add", WANTED, "--days", 91), "days"),
        (("saved-search", "add", WANTED, "--days", "nan"), "days"),
        (("saved-search", "add", WANTED, "--cool-down", "nan"), "cool_down_s"),
        (("saved-search", "add", WANTED, "--alarms-per-day", 0), "alarms_per_day"),
        (("saved-search", "add", WANTED, "--webhook", "https://host/" + 2000 * "x"), "too long"),
        (("saved-search", "add", WANTED, "--camera", "nowhere"), "unknown camera"),
        (("saved-search", "add", WANTED, "--webhook", "http://8.8.8.8/hush"), "public network"),
        (("saved-search", "add", WANTED, "--webhook", "https://me:hush@host/x"), "an address does not belong here"),
        (("saved-search", "show", 7), "no such saved search"),
        (("saved-search", "pause", 7), "no such saved search"),
        (("alert", "list", "--saved-search", 7), "no such saved search"),
        (("alert", "judge", 7, "right"), "no such alert"),
    ],
)
def test_what_cannot_be_is_said_in_one_message(
    data: Path, xunren: Command, words: tuple[object, ...], said: str
) -> None:
    done = xunren(*words, "--data-dir", data)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
    assert "hush" not in done.err.replace("/hush", "")


def test_a_saved_search_on_a_folder_without_an_index_is_refused(tmp_path: Path, xunren: Command) -> None:
    done = xunren("saved-search", "add", WANTED, "--data-dir", tmp_path / "none")
    assert done.code == 1
    assert "no index here" in done.err


def test_alerts_are_on_the_page_and_judged_there(data: Path, tmp_path: Path, xunren: Command) -> None:
    videos = again(data, tmp_path, xunren)
    assert xunren("saved-search", "add", WANTED, "--include-old", "--data-dir", data).code == 0
    assert xunren("index", videos, "--data-dir", data).code == 0
    with serving(data) as (url, _), chromium() as browser, watched_page(browser, url) as watched:
        page = watched.page
        page.goto("/")
        page.get_by_role("button", name="Alerts").click()
        first = page.locator("#alerts li").first
        expect(first).to_contain_text(WANTED)
        expect(first).to_contain_text("new-camera")
        first.get_by_role("button", name="Wrong").click()
        expect(first.get_by_role("button", name="Wrong")).to_have_attribute("aria-pressed", "true")
        first.locator("button.tile").click()
        expect(page.locator("#player")).to_be_visible()
        watched.check()
    judged = xunren("alert", "list", "--json", "--data-dir", data).json["alerts"]
    assert "wrong" in {alert["judgement"] for alert in judged}


def test_the_old_names_do_the_same(data: Path, xunren: Command) -> None:
    assert xunren("watch", "add", WANTED, "--name", "yellow", "--data-dir", data).code == 0
    for old, new in ((("watch", "list"), ("saved-search", "list")), (("watch", "alerts"), ("alert", "list"))):
        assert xunren(*old, "--json", "--data-dir", data).json == xunren(*new, "--json", "--data-dir", data).json
    assert "no such saved search" in xunren("watch", "alerts", "--watch", 7, "--data-dir", data).err
    assert "watch" not in xunren("--help").out
    assert "--watch" not in xunren("index", "--help").out
