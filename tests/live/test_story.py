"""A whole story in headless Chromium over the sample videos: from the set-up link to signed evidence and the record."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ENVIRON, Demo, serving, xunren_process
from tests.support.browser import Watched, chromium, watched_page

PASSWORD = "correct horse battery"
TOWN = {name: value for name, value in ENVIRON.items() if name not in ("XUNREN_ACCOUNTS", "XUNREN_REQUIRE_CASE")}
PLACES = {
    "gate": (31.2300, 121.4700),
    "hall": (31.2304, 121.4704),
    "square": (31.2308, 121.4700),
    "street": (31.2312, 121.4708),
}
DISTRICTS = {"gate": "north", "hall": "north", "square": "north", "street": "south"}
PINK, RED = "穿粉色卫衣的小女孩", "穿红色外套、背黑色书包的男子"


@dataclass(frozen=True, slots=True)
class Town:
    """A running server with accounts over the sample videos."""

    url: str
    setup: str
    data_dir: Path


def xunren(*words: object) -> str:
    """What a command prints."""
    with xunren_process(*words, environ=TOWN) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err + out
    return out


@pytest.fixture(scope="module")
def town(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data_dir = Path(shutil.copytree(demo.data_dir, tmp_path_factory.mktemp("town") / "data"))
    for camera, (lat, lon) in PLACES.items():
        place = ("--lat", lat, "--lon", lon, "--district", DISTRICTS[camera])
        xunren("--data-dir", data_dir, "camera", "add", camera, *place)
    with serving(data_dir, TOWN) as (url, process):
        yield Town(url, _link(process), data_dir)


def _link(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if "#setup=" in line:
            return next(word for word in line.split() if "#setup=" in word)
    pytest.fail("no set-up link was printed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def sign_in(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#account")).to_contain_text(name)


def make_account(page: Page, name: str, roles: list[str], districts: str) -> None:
    form = page.locator("#new-account")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Password").fill(PASSWORD)
    for role in roles:
        form.get_by_label(role).check()
    form.get_by_label("Districts").fill(districts)
    form.get_by_role("button", name="Make the account").click()
    expect(page.locator("#people-body .case-line").filter(has_text=name)).to_be_visible()


def search(page: Page, sentence: str) -> dict[str, Any]:
    page.locator("#text").fill(sentence)
    with page.expect_response("**/api/search") as told:
        page.keyboard.press("Enter")
    page.locator("button.tile").first.wait_for()
    answer: dict[str, Any] = told.value.json()
    return answer


def picture(page: Page, name: str) -> None:
    """The README's picture of this moment, where `make picture` asks for it."""
    if folder := os.environ.get("PICTURES_TO"):
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=f"{folder}/{name}.jpg", type="jpeg", quality=82, full_page=name == "case")


def test_from_the_setup_link_to_signed_evidence(browser: Browser, town: Town, tmp_path: Path) -> None:
    with watched_page(browser, town.url) as watched:
        make_the_town(watched, town)
        watched.check()
    with watched_page(browser, town.url) as watched:
        case = look_for_somebody(watched, town, tmp_path)
        watched.check()
    with watched_page(browser, town.url) as watched:
        see_nothing(watched, case)
        watched.check(expected="404")
    with watched_page(browser, town.url) as watched:
        read_the_record(watched, case)
        watched.check(expected="403")


def make_the_town(watched: Watched, town: Town) -> None:
    page = watched.page
    page.goto(town.setup)
    expect(page.locator("#signing-title")).to_have_text("The first account")
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("#account")).to_contain_text("root")
    assert "setup" not in page.url
    page.locator("[data-view=people]").click()
    make_account(page, "olga", ["Operator"], "north")
    make_account(page, "sven", ["Operator"], "south")
    make_account(page, "aude", ["Auditor"], "")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#signing-title")).to_have_text("Sign in")


def look_for_somebody(watched: Watched, town: Town, tmp_path: Path) -> str:
    page = watched.page
    sign_in(page, "olga")
    page.locator("#text").fill(PINK)
    page.keyboard.press("Enter")
    expect(page.locator("#purpose-fault")).to_contain_text("Choose the case")
    page.locator("[data-view=cases]").click()
    page.get_by_label("Name").fill("Li Ming")
    page.get_by_label("Looks like").fill(RED)
    page.get_by_role("button", name="Open the case").click()
    heading = page.locator("#cases-title")
    expect(heading).to_contain_text("Li Ming")
    case = heading.locator(".hint").inner_text()
    page.locator("[data-view=find]").click()
    expect(page.locator("#case")).to_have_value(case)
    page.locator("#reason").fill("report no. 17")
    found = search(page, RED)
    expect(page.locator("button.tile").first).to_contain_text("Match")
    page.locator("button.tile").first.focus()
    page.keyboard.press("y")
    page.locator("#wish .like").wait_for()
    with page.expect_response("**/api/tracks?**") as told:
        page.locator("button.tile").first.click()
    watched.until("document.querySelector('#video').currentTime > 0.2")
    see_the_box_follow(watched, found["clips"][0], told.value.json()["boxes"])
    look_around(watched)
    page.keyboard.press("s")
    expect(page.locator("#stage-note")).to_contain_text(f"Kept as a sighting of case {case}")
    page.keyboard.press("Escape")
    page.locator("[data-view=cases]").click()
    page.locator("a.case-line").first.click()
    page.get_by_role("button", name="Follow the last sighting").click()
    page.locator("button.tile").first.wait_for()
    cameras = {text.strip() for text in page.locator("button.tile .where").all_inner_texts()}
    assert cameras <= {"gate", "hall", "square"}, "the south is not hers"
    page.locator("button.tile").nth(1).focus()
    page.keyboard.press("s")
    expect(page.locator("#told")).to_contain_text("of case")
    page.locator("[data-view=cases]").click()
    page.locator("a.case-line").first.click()
    trail = page.locator(".trail-map")
    trail.wait_for()
    watched.until("document.querySelector('.trail-map').naturalWidth > 100")
    check_order_of_time(page, case)
    picture(page, "case")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Evidence").first.click()
    archive = tmp_path / "evidence.zip"
    saved.value.save_as(archive)
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(tmp_path / "evidence")
    folder = next(path.parent for path in (tmp_path / "evidence").rglob("manifest.json"))
    key = tmp_path / "key.pem"
    key.write_text(xunren("--data-dir", town.data_dir, "evidence", "key"))
    assert "olga" in (folder / "manifest.json").read_text("utf-8")
    xunren("evidence", "verify", folder, "--key", key)
    return case


def check_order_of_time(page: Page, case: str) -> None:
    """The list and the map number the sightings alike, in order of time."""
    places = [line.inner_text() for line in page.locator(".sightings strong").all()]
    times = page.locator(".sightings time").all_inner_texts()
    assert len(places) == 2
    assert times == sorted(times)
    drawn = page.evaluate("async (address) => (await fetch(address)).text()", f"/api/cases/{case}/trail.svg")
    words = [node.text for node in ElementTree.fromstring(drawn).iter() if node.tag.endswith("text")]  # noqa: S314 - our own
    numbers = {f"{number}. {name}" for number, name in itertools.pairwise(words) if number in ("1", "2")}
    assert numbers == set(places)


def see_the_box_follow(watched: Watched, clip: dict[str, Any], boxes: list[list[int]]) -> None:
    """Halfway between two moments that were looked at it is halfway between their boxes."""
    first, last = max(itertools.pairwise(boxes), key=lambda pair: abs(pair[0][1] - pair[1][1]))
    second = ((first[0] + last[0]) / 2 - clip["start_ms"]) / 1000
    video = "document.querySelector('#video')"
    watched.page.evaluate(f"{video}.pause()")
    watched.page.evaluate(f"{video}.currentTime = {second}")
    drawn = "Number(document.querySelector('#player-box .box').getAttribute('x'))"
    step = abs(first[1] - last[1])
    assert step > 20, "somebody walks"
    watched.until(f"Math.abs({drawn} - {(first[1] + last[1]) / 2}) < {step / 8}")
    assert watched.page.locator("#player-box.shown").count() == 1
    picture(watched.page, "player")


def look_around(watched: Watched) -> None:
    """The same moment at the next camera, and back."""
    page = watched.page
    title = page.locator("#player-title")
    here = page.locator("#around button[aria-pressed=true]").inner_text()
    beside = page.locator("#around button:enabled[aria-pressed=false]").first
    name = beside.inner_text().partition(" · ")[0]
    beside.click()
    expect(title).to_contain_text(f"Same time{name}")
    watched.until("document.querySelector('#video').readyState >= 2")
    expect(page.locator("#sighting")).to_be_hidden()
    page.locator("#around button").first.click()
    expect(title).to_contain_text(here)
    watched.until("document.querySelector('#video').readyState >= 2")


def see_nothing(watched: Watched, case: str) -> None:
    page = watched.page
    sign_in(page, "sven")
    page.locator("[data-view=cases]").click()
    expect(page.locator("#case-body")).to_contain_text("No case yet")
    assert page.locator("a.case-line").count() == 0
    page.goto(f"/#case-{case}")
    expect(page.locator("#case-body .fault")).to_contain_text("there is no such case")
    assert "Li Ming" not in page.content()
    page.locator("[data-view=find]").click()
    assert page.locator("#cameras input").evaluate_all("(all) => all.map((one) => one.value)") == ["street"]


def read_the_record(watched: Watched, case: str) -> None:
    page = watched.page
    sign_in(page, "aude")
    expect(page.locator("#record-title")).to_be_visible()
    assert page.locator("[data-view=find]").is_hidden()
    page.locator("#record-body [name=case]").fill(case)
    page.get_by_role("button", name="Look up").click()
    seen = (
        "case.new",
        "search",
        "view.clip",
        "case.sighting",
        "case.follow",
        "case.trail",
        "case.map",
        "evidence.export",
    )
    for action in seen:
        expect(page.locator(f"tr[data-action='{action}']").first).to_contain_text("olga")
    expect(page.locator("tr[data-action='search']").first).to_contain_text("report no. 17")
    expect(page.locator("tr[data-action='case.view']").first).to_contain_text("sven")
    row = page.locator("tr[data-action='search']").first
    expect(row).to_contain_text("Searched")
    row.locator("summary").click()
    expect(row.locator(".entry")).to_contain_text("127.0.0.1")
    expect(row.locator(".entry")).to_contain_text(RED)
    page.get_by_role("button", name="Check the chain").click()
    expect(page.locator("#record-state")).to_contain_text("Whole")
    picture(page, "record")
