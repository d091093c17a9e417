"""The page for those who use a keyboard or a screen reader: axe-core finds no serious fault in any view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from api.runtime.context import AppContext
from tests.support.accounts import PASSWORD, REASON, a_case, sign_in, town, town_server
from tests.support.browser import Watched, chromium, watched_page

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    with town(tmp_path_factory.mktemp("axe"), wide_search_hours=0.0001) as context:
        for camera, lat in (("gate", 31.23), ("hall", 31.231)):
            context.catalog.cameras.add(replace(context.catalog.cameras.get(camera), lat=lat, lon=121.47))
        yield context


@pytest.fixture(scope="module")
def url(context: AppContext) -> Iterator[str]:
    with town_server(context) as url:
        yield url


@pytest.fixture(scope="module")
def case(url: str) -> str:
    """A case of sue's with a sighting, and a wide search that waits for her."""
    sue, olga = sign_in(url, "sue"), sign_in(url, "olga")
    mine = a_case(sue)
    sue.post("/api/approvals", json={"case": mine, "reason": REASON, "danger": True})
    clips = sue.post(f"/api/cases/{mine}/search", json={"reason": REASON}).json()["clips"]
    sue.post(f"/api/cases/{mine}/sightings", json={"clip": clips[0]["id"]})
    olga.post("/api/approvals", json={"case": a_case(olga), "reason": REASON})
    return mine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def faults(watched: Watched) -> list[str]:
    watched.settle()
    found = Axe().run(watched.page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]


def enter(page: Page, name: str) -> None:
    page.goto("/")
    page.locator("#signing input").first.fill(name)
    page.locator("#signing input[type=password]").fill(PASSWORD)
    page.locator("#signing button").click()
    expect(page.locator("#account .name")).to_have_text(name)


@pytest.mark.parametrize(("width", "dark", "locale"), [(1440, False, "en-GB"), (390, True, "zh-CN")])
def test_no_view_has_a_serious_fault(
    browser: Browser, url: str, case: str, width: int, dark: bool, locale: str
) -> None:
    found: dict[str, list[str]] = {}
    views = {"sue": ["", "#cases", f"#case-{case}", "#alerts", "#cameras"], "aude": ["#record"], "adam": ["#people"]}
    for name, hashes in views.items():
        with watched_page(browser, url, locale=locale, width=width, dark=dark) as watched:
            page = watched.page
            page.goto("/")
            page.locator("#signing form").wait_for()
            found["signing in"] = faults(watched)
            enter(page, name)
            for view in hashes:
                page.goto(f"/{view}")
                found[f"{name} {view}"] = faults(watched)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{view} is too wide"
    assert not {view: told for view, told in found.items() if told}


def test_an_answer_the_player_and_a_refusal(browser: Browser, url: str, case: str) -> None:
    with watched_page(browser, url) as watched:
        page = watched.page
        enter(page, "sue")
        page.locator("#case").select_option(case)
        page.locator("#reason").fill(REASON)
        page.locator("#text").fill("red")
        page.keyboard.press("Enter")
        page.locator("button.tile").first.wait_for()
        assert faults(watched) == []
        page.keyboard.press("Tab")
        page.locator("#results").press("j")
        expect(page.locator("button.tile").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#player")).to_be_visible()
        assert faults(watched) == []
    with watched_page(browser, url) as watched:
        page = watched.page
        enter(page, "olga")
        page.locator("#reason").fill(REASON)
        page.locator("#case").select_option(index=1)
        page.locator("#text").fill("red")
        page.keyboard.press("Enter")
        expect(page.locator(".problem")).to_contain_text("supervisor")
        assert faults(watched) == []
        page.get_by_role("button", name="Danger to life").click()
        page.locator("button.tile").first.wait_for()


def test_axe_finds_a_fault(browser: Browser, url: str) -> None:
    with watched_page(browser, url) as watched:
        watched.page.goto("/")
        watched.page.locator("#signing form").wait_for()
        watched.page.evaluate("document.querySelector('#signing .field span').remove()")
        assert [fault.partition(":")[0] for fault in faults(watched)] == ["label"]
