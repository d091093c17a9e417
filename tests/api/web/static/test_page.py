"""The operator's page in headless Chromium, over a small real index and over the sample videos."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from api.runtime.context import AppContext
from api.web.app import create_app
from search.stream_types import Reason, StreamState
from search.times import now_ms
from tests.live.test_demo import shows
from tests.support import recordings
from tests.support.browser import HOSTS, VIDEOS, Watched, chromium, serving, small_index, small_server, watched_page

PLAYING = "document.querySelector('#video')"


class Opener(Protocol):
    """Opens a page with settings of its own."""

    def __call__(
        self, *, locale: str = ..., width: int = ..., height: int = ..., dark: bool = ...
    ) -> AbstractContextManager[Watched]: ...


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with small_server(tmp_path_factory.mktemp("page"), VIDEOS) as url:
        yield url


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with small_server(tmp_path_factory.mktemp("empty"), []) as url:
        yield url


@pytest.fixture
def watched(browser: Browser, server: str) -> Iterator[Watched]:
    """A fresh page over the small index, which must ask nobody else and complain about nothing."""
    with watched_page(browser, server) as watched:
        yield watched
        watched.check()


@pytest.fixture
def opener(browser: Browser, server: str) -> Opener:
    return partial(watched_page, browser, server)


def ask(page: Page, sentence: str) -> Locator:
    """Type a sentence and press Enter, as an operator does; gives the tiles."""
    page.locator("#text").fill(sentence)
    with page.expect_response("**/api/search"):
        page.keyboard.press("Enter")
    tiles = page.locator("button.tile")
    tiles.first.wait_for()
    return tiles


def colour_at(shot: bytes, x: float, y: float) -> str:
    """The strongest colour of one pixel."""
    r, g, b = Image.open(io.BytesIO(shot)).convert("RGB").getpixel((int(x), int(y)))  # type: ignore[misc]
    return "red" if r > 1.6 * max(g, b) else "blue" if b > 1.6 * max(r, g) else "other"


def colour_in_box(picture: Locator, box: Locator) -> str:
    """What is to be seen in the middle of the drawn box, over the picture as it is on the screen."""
    outer, inner = picture.bounding_box(), box.bounding_box()
    assert outer is not None
    assert inner is not None
    middle = (inner["x"] + inner["width"] / 2 - outer["x"], inner["y"] + inner["height"] / 2 - outer["y"])
    return colour_at(picture.screenshot(), *middle)


def check_playing(watched: Watched) -> None:
    """The clip in the player really runs."""
    watched.until(f"{PLAYING}.readyState >= 2 && !{PLAYING}.seeking")
    at = watched.page.evaluate(f"{PLAYING}.currentTime")
    watched.until(f"{PLAYING}.currentTime > {at} + 0.3")
    assert watched.page.evaluate(f"{PLAYING}.error") is None
    assert watched.page.evaluate(f"{PLAYING}.videoWidth") > 0


# the main job ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "camera", "colour"), [("a man in red", "gate", "red"), ("穿蓝色上衣的人", "广场 东", "blue")]
)
def test_a_sentence_finds_and_plays_the_right_clip(watched: Watched, sentence: str, camera: str, colour: str) -> None:
    page = watched.page
    page.goto("/")
    expect(page.locator("#text")).to_be_focused()
    first = ask(page, sentence).first
    expect(first).to_contain_text(camera)
    expect(first).to_contain_text("Match")
    expect(page.locator("#headline")).to_contain_text("1 clip matches")
    watched.until("[...document.images].every((image) => image.complete)")
    assert colour_in_box(first.locator(".picture"), first.locator(".overlay .box")) == colour
    first.press("Enter")
    expect(page.locator("#player")).to_be_visible()
    watched.until(f"{PLAYING}.readyState >= 2 && !{PLAYING}.seeking")
    expect(page.locator("#player-box")).to_have_class("overlay shown")
    assert colour_in_box(page.locator("#stage"), page.locator("#player-box .box")) == colour
    check_playing(watched)
    expect(page.locator("#player-box")).not_to_have_class("overlay shown")


@pytest.mark.parametrize("n", range(3))
def test_the_demo_sentences(demo_server: str, browser: Browser, truth: dict[str, Any], n: int) -> None:
    sentence = truth["demo"][n]
    person = next(p for p in truth["people"] if p["id"] == sentence["person"])
    with watched_page(browser, demo_server, locale="zh-CN" if sentence["lang"] == "zh" else "en-GB") as watched:
        page = watched.page
        page.goto("/")
        page.locator("#text").fill(sentence["text"])
        with page.expect_response("**/api/search", timeout=60_000) as response:
            page.keyboard.press("Enter")
        answer = response.value.json()
        clip = answer["clips"][0]
        assert shows(clip, person)
        for word in (word for hint in answer["hints"] for word in hint["words"]):
            expect(page.locator("#headline .weak")).to_contain_text(word)
        first = page.locator("button.tile").first
        expect(first).to_contain_text(clip["camera"])
        watched.until("document.querySelector('.tile img').complete")
        drawn = page.evaluate(_DRAWN_BOX)
        assert drawn == pytest.approx([v / clip["frame_width"] for v in clip["box"]], abs=0.01)
        first.click()
        check_playing(watched)
        watched.check()


_DRAWN_BOX = """() => {
  const picture = document.querySelector(".tile .picture"), image = picture.querySelector("img");
  const box = picture.querySelector(".overlay .box").getBoundingClientRect(), frame = image.getBoundingClientRect();
  const scale = Math.min(frame.width / image.naturalWidth, frame.height / image.naturalHeight);
  const width = image.naturalWidth * scale, height = image.naturalHeight * scale;
  const left = frame.left + (frame.width - width) / 2, top = frame.top + (frame.height - height) / 2;
  return [box.left - left, box.top - top, box.right - left, box.bottom - top].map((v) => v / width);
}"""


# states ----------------------------------------------------------------------------------------------------------


def test_nothing_found_is_unmistakable(watched: Watched) -> None:
    watched.page.goto("/")
    tiles = ask(watched.page, "an elephant")
    headline = watched.page.locator("#headline")
    expect(headline).to_contain_text("Nothing found")
    expect(headline).to_contain_text("The nearest clips are shown below")
    expect(headline).to_have_attribute("aria-live", "polite")
    assert {tile.locator(".badge").inner_text() for tile in tiles.all()} == {"–\nUnlikely"}


def test_an_error_says_what_got_expected_and_cure(opener: Opener) -> None:
    with opener() as watched:
        watched.page.goto("/?q=red&camera=<b>nowhere</b>")
        alert = watched.page.locator(".problem")
        expect(alert).to_have_attribute("role", "alert")
        for words in ("This search is not possible", "not a usable camera id", "Got", "<b>nowhere</b>", "What to do"):
            expect(alert).to_contain_text(words)
        assert watched.page.locator("main b").count() == 0
        watched.check(expected="400 (Bad Request)")


def test_a_refused_sentence_is_explained_in_both_languages(opener: Opener) -> None:
    with opener() as watched:
        watched.page.goto("/?q=Muslim woman in a red coat")
        alert = watched.page.locator(".problem")
        for words in ("nobody is looked for by faith or worship", "muslim", "describe what is seen"):
            expect(alert).to_contain_text(words)
        watched.page.locator("[data-language=zh]").click()
        expect(alert).to_contain_text("不能这样搜索：不按宗教信仰或礼拜活动找人。")
        expect(alert).to_contain_text("请去掉这些词")
        watched.check(expected="403 (Forbidden)")


def test_a_server_that_is_gone(opener: Opener) -> None:
    with opener() as watched:
        page = watched.page
        page.goto("/")
        expect(page.locator("#status")).to_contain_text("Ready")
        page.context.set_offline(True)
        page.locator("#text").fill("red")
        page.keyboard.press("Enter")
        expect(page.locator(".problem")).to_contain_text("The server does not answer")
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("button.tile").first).to_contain_text("gate")
        watched.check(expected="ERR_INTERNET_DISCONNECTED")


def test_a_clip_that_cannot_be_played(opener: Opener) -> None:
    with opener() as watched:
        page = watched.page
        page.route("**/api/clips/**", lambda route: route.fulfill(status=503, json={"what": "no room", "cure": "mend"}))
        page.goto("/")
        ask(page, "red").first.click()
        expect(page.locator("#stage-note")).to_have_text("This clip cannot be played: no room · mend")
        watched.check(expected="503")


def test_an_index_without_recordings(browser: Browser, empty_server: str) -> None:
    with watched_page(browser, empty_server) as watched:
        watched.page.goto("/")
        expect(watched.page.locator(".panel.empty")).to_contain_text("No recordings yet")
        expect(watched.page.locator(".panel.empty code")).to_contain_text("xunren index")
        expect(watched.page.locator("#status")).to_contain_text("0 pictures")
        watched.check()


@pytest.mark.parametrize(
    ("sentence", "said"), [("", "Describe the person first"), ("。！", "Describe the person first"), ("x" * 501, "501")]
)
def test_sentences_that_are_none(watched: Watched, sentence: str, said: str) -> None:
    watched.page.goto("/")
    watched.page.locator("#text").fill(sentence)
    watched.page.keyboard.press("Enter")
    expect(watched.page.locator("#text-fault")).to_contain_text(said)
    expect(watched.page.locator("#text")).to_be_focused()


# filters and address ---------------------------------------------------------------------------------------------


def test_cameras_and_times_restrict_the_search(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    ask(page, "red")
    expect(page.locator("#from")).to_have_value("2026-11-02T08:00")
    expect(page.locator("#time-hint")).to_contain_text("2 Nov 08:00:00")
    page.get_by_role("checkbox", name="station").check()
    expect(page).to_have_url(f"{watched.url}/?q=red&camera=station")
    expect(page.locator("#headline")).to_contain_text("Nothing found")
    assert {t.locator(".where").inner_text() for t in page.locator("button.tile").all()} == {"station"}
    page.get_by_role("button", name="Search all cameras and times").click()
    expect(page.locator("button.tile").first).to_contain_text("gate")
    page.locator("#from").fill("2026-11-02T09:00")
    page.locator("#from").blur()
    expect(page.locator("#time-fault")).to_be_hidden()
    expect(page.locator("#headline")).to_contain_text("Nothing was recorded")
    page.locator("#to").fill("2026-11-02T08:30")
    page.locator("#to").blur()
    expect(page.locator("#time-fault")).to_have_text("The time ends before it starts.")
    page.locator("#any-time").click()
    expect(page.locator("button.tile").first).to_contain_text("gate")


def test_a_search_can_be_reopened_by_its_address(watched: Watched) -> None:
    page = watched.page
    page.goto("/?q=穿红色外套的人&camera=gate&camera=station")
    expect(page.locator("button.tile").first).to_contain_text("gate")
    expect(page.locator("#text")).to_have_value("穿红色外套的人")
    expect(page.get_by_role("checkbox", name="gate")).to_be_checked()
    expect(page.get_by_role("checkbox", name="river walk")).not_to_be_checked()
    ask(page, "yellow")
    page.go_back()
    expect(page.locator("#text")).to_have_value("穿红色外套的人")
    expect(page.locator("button.tile").first).to_contain_text("gate")


# chips, marks, photos, pages -------------------------------------------------------------------------------------


def places(page: Page) -> list[str]:
    return [tile.locator(".where").inner_text() for tile in page.locator("button.tile").all()]


def test_what_a_sentence_says_is_a_chip_that_can_be_removed_and_put_back(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    ask(page, "red at the station without a hat near the bridge")
    expect(page.locator("#wish")).to_contain_text("at the station → station")
    expect(page.locator("#wish")).to_contain_text("without a hat")
    expect(page.locator("#wish .unclear")).to_contain_text("near the bridge")
    assert set(places(page)) == {"station"}
    page.get_by_role("button", name="at the station").click()
    expect(page.locator("button.tile").first).to_contain_text("gate")
    page.get_by_role("button", name="use again").click()
    watched.until("[...document.querySelectorAll('.where')].every((place) => place.textContent === 'station')")
    page.locator("#text").fill("red")
    page.keyboard.press("Enter")
    expect(page.locator("#wish .wish-chip")).to_have_count(0)


def test_marks_rank_at_once_and_are_undone(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    ask(page, "someone")
    before = places(page)
    blue = page.locator("#view-find li", has_text="广场 东").first
    blue.get_by_role("button", name="This is the person").click()
    expect(page.locator("#wish")).to_contain_text("1 like the person")
    expect(page.locator("button.tile").first).to_contain_text("广场 东")
    page.locator("button.tile").nth(1).press("n")
    expect(page.locator("#wish")).to_contain_text("1 left out")
    page.locator("button.tile").first.press("z")
    expect(page.locator("#wish")).not_to_contain_text("1 left out")
    expect(page.locator("button.tile").first).to_contain_text("广场 东")
    page.reload()
    expect(page.locator("button.tile").first).to_contain_text("广场 东")
    with page.expect_response("**/api/search"):
        page.get_by_role("button", name="1 like the person").click()
    expect(page.locator("#wish .wish-chip")).to_have_count(0)
    expect(page.locator("button.tile").first).to_contain_text(before[0])


def test_a_photo_finds_without_a_word(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    Image.new("RGB", (64, 128), (25, 45, 190)).save(tmp_path / "child.png")
    page.goto("/")
    with page.expect_response("**/api/search"):
        page.set_input_files("#photo", tmp_path / "child.png")
    expect(page.locator("#wish canvas")).to_be_visible()
    expect(page.locator("button.tile").first).to_be_visible()
    page.locator("#wish .pictured .cross").click()
    expect(page.locator("#wish canvas")).to_have_count(0)


def test_of_a_photo_of_two_people_one_is_searched_for(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    two = Image.new("RGB", (400, 300), (25, 45, 190))
    two.paste((200, 30, 30), (200, 0, 400, 300))
    two.save(tmp_path / "two.png")
    page.goto("/")
    with page.expect_response("**/api/search"):
        page.set_input_files("#photo", tmp_path / "two.png")
    page.get_by_role("button", name="Choose the part").click()
    drawing = page.locator("#photobox-stage svg")
    place = drawing.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 0.6 * place["width"], place["y"] + 0.2 * place["height"])
    page.mouse.down()
    page.mouse.move(place["x"] + 0.9 * place["width"], place["y"] + 0.8 * place["height"], steps=4)
    page.mouse.up()
    drawing.press("ArrowRight")
    drawing.press("Shift+ArrowUp")
    with page.expect_request("**/api/search") as asked:
        page.get_by_role("button", name="Search with this part").click()
    sent = asked.value.post_data_json or {}
    assert sent["photos"][0]["box"] == pytest.approx([250, 60, 370, 230], abs=3)
    red = page.locator("#wish .pictured canvas").evaluate(
        "(one) => [...one.getContext('2d').getImageData(9, 9, 1, 1).data]"
    )
    assert red[0] > 150 > red[2], "the part is shown"
    page.get_by_role("button", name="Choose the part").click()
    with page.expect_request("**/api/search") as asked:
        page.get_by_role("button", name="With the whole photo").click()
    sent = asked.value.post_data_json or {}
    assert "box" not in sent["photos"][0]


def test_more_clips_are_the_next_page_of_the_same_list(demo_server: str, browser: Browser) -> None:
    with watched_page(browser, demo_server) as watched:
        page = watched.page
        page.goto("/")
        tiles = ask(page, "a man in a coat")
        expect(tiles).to_have_count(12)
        page.locator("#more").click()
        expect(tiles).not_to_have_count(12)
        ranks = [int(rank) for rank in page.locator(".tile .rank").all_inner_texts()]
        assert sorted(ranks) == list(range(1, len(ranks) + 1))
        page.get_by_role("button", name="In order of time").click()
        expect(page).to_have_url(re.compile("order=time"))
        watched.check()


# keys, languages, screens ----------------------------------------------------------------------------------------


def test_everything_by_keyboard(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    tiles = ask(page, "red")
    assert tiles.count() >= 3
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    facts = page.locator("#facts")
    expect(facts).to_contain_text(f"1 of {tiles.count()}")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(facts).to_contain_text(f"2 of {tiles.count()}")
    check_playing(watched)
    page.keyboard.press("Escape")
    expect(page.locator("#player")).to_be_hidden()
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#text")).to_be_focused()


def test_enter_that_ends_a_chinese_word_does_not_search(watched: Watched) -> None:
    watched.page.goto("/")
    watched.page.locator("#text").fill("红")
    watched.page.locator("#text").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    assert watched.page.evaluate("document.querySelectorAll('button.tile').length") == 0
    ask(watched.page, "红色")  # a search that is meant: had the first Enter searched, there were two
    assert len([url for url in watched.requests if url.endswith("/api/search")]) == 1


def test_the_language_is_switched_and_remembered(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    ask(page, "red")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("button.tile").first).to_contain_text("相符")
    expect(page.locator("#headline")).to_contain_text("找到 1 段相符的录像")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("button", name="搜索", exact=True)).to_be_visible()


def test_the_browser_chooses_the_first_language(opener: Opener) -> None:
    with opener(locale="zh-CN") as watched:
        watched.page.goto("/")
        expect(watched.page.locator("h1")).to_have_text("要找什么样的人？")
        watched.check()


@pytest.mark.parametrize("width", [1440, 390])
def test_it_fits_the_screen_light_and_dark(opener: Opener, width: int) -> None:
    grounds = set()
    for dark in (False, True):
        with opener(width=width, height=844, dark=dark) as watched:
            page = watched.page
            page.goto("/")
            ask(page, "a person in red with very long words " + "x" * 80)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.locator("button.tile").first.click()
            player = page.locator("#player").bounding_box()
            assert player is not None
            assert player["x"] >= 0
            assert player["x"] + player["width"] <= width
            grounds.add(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
            watched.check()
    assert len(grounds) == 2


def test_the_description_of_the_api(watched: Watched) -> None:
    watched.page.goto("/docs")
    expect(watched.page.locator("article").first).to_contain_text("/api/search")
    paths = httpx.get(watched.url + "/openapi.json").json()["paths"]
    assert watched.page.locator("article").count() == sum(len(methods) for methods in paths.values()) + 1


# live cameras ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    """`gate` of the small index records live, too; `hall` had an outage an hour ago; `river #2` is refused."""
    now = now_ms()
    since = now - 3 * recordings.HOUR_MS
    with small_index(tmp_path_factory.mktemp("live"), VIDEOS[:2]) as context:
        recordings.add(context, "gate", since)
        recordings.record(context, "gate", since, 1079)
        recordings.add(context, "hall", since)
        recordings.record(context, "hall", since, 700)
        recordings.missing(context, "hall", since + 7_000_000, since + 7_600_000, Reason.NO_FRAMES)
        recordings.record(context, "hall", since + 7_600_000, 319)
        recordings.add(context, "river #2", since)
        recordings.missing(context, "river #2", since, now, Reason.REFUSED, "401")
        recordings.picture(context, "gate", now - 3000)
        yield context


@pytest.fixture(scope="module")
def live_server(live_parts: AppContext) -> Iterator[str]:
    with serving(create_app(live_parts, hosts=HOSTS)) as url:
        yield url


def keep_telling(context: AppContext, **others: StreamState) -> None:
    """The recorder's words of this moment; `others` are in another state than usual."""
    usual = {"gate": StreamState.RECORDING, "hall": StreamState.RECORDING, "river #2": StreamState.REFUSED}
    for camera, state in (usual | others).items():
        recordings.tell(context, camera, state, now_ms(), detail="" if state is StreamState.RECORDING else "401")


def names(page: Page) -> list[str]:
    return page.locator(".live-card:visible h3").all_inner_texts()


@pytest.mark.parametrize(
    ("locale", "tab", "state"), [("en-GB", "Cameras", "wrong password"), ("zh-CN", "摄像头", "密码错误")]
)
def test_the_tab_of_the_cameras(
    browser: Browser, live_parts: AppContext, live_server: str, locale: str, tab: str, state: str
) -> None:
    keep_telling(live_parts)
    with watched_page(browser, live_server, locale=locale) as watched:
        page = watched.page
        page.goto("/")
        page.get_by_role("button", name=tab).click()
        expect(page).to_have_url(f"{live_server}/#cameras")
        expect(page.locator("#search")).to_be_hidden()
        expect(page.locator(".live-card")).to_have_count(3)
        assert names(page) == ["river #2", "gate", "hall"], "the troubled one first"
        expect(page.locator(".live-card").first).to_contain_text(state)
        expect(page.locator(".live-card").first.locator(".sign")).to_have_text("!")
        expect(page.locator("#alarms li")).to_have_count(1)
        watched.until("document.querySelector('.live-card[data-camera=gate] img').naturalWidth === 320")
        expect(page.locator("#trouble")).to_have_text("1")
        page.go_back()
        expect(page.locator("#search")).to_be_visible()
        watched.check()


def test_masks_are_drawn_by_mouse(browser: Browser, live_parts: AppContext, live_server: str) -> None:
    keep_telling(live_parts)
    with watched_page(browser, live_server) as watched:
        page = watched.page
        page.goto("/#cameras")
        gate = page.locator(".live-card[data-camera=gate]")
        expect(gate).to_contain_text("recording")
        watched.until("document.querySelector('.live-card[data-camera=gate] img').naturalWidth === 320")
        gate.get_by_role("button", name="Masks").click()
        drawing = page.locator("#masks-drawing")
        expect(drawing).to_be_visible()
        place = drawing.bounding_box()
        assert place is not None
        for x, y in ((0.1, 0.1), (0.6, 0.1), (0.6, 0.5), (0.9, 0.9)):
            drawing.click(position={"x": x * place["width"], "y": y * place["height"]})
        page.get_by_role("button", name="Take back").click()
        drawing.click(position={"x": 0.1 * place["width"] + 2, "y": 0.1 * place["height"] + 2})
        expect(page.locator("#masks-count")).to_have_text("1 masks")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#masks")).to_be_hidden()
        (mask,) = httpx.get(f"{live_server}/api/cameras/gate/masks").json()["masks"]
        assert mask == [pytest.approx(point, abs=0.02) for point in ([0.1, 0.1], [0.6, 0.1], [0.6, 0.5])]
        gate.get_by_role("button", name="Masks").click()
        page.locator("#masks polygon").wait_for(state="attached")
        page.get_by_role("button", name="Take back").click()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#masks")).to_be_hidden()
        assert httpx.get(f"{live_server}/api/cameras/gate/masks").json()["masks"] == []
        watched.check()


def test_a_camera_that_fails_and_comes_back(browser: Browser, live_parts: AppContext, live_server: str) -> None:
    keep_telling(live_parts)
    with watched_page(browser, live_server) as watched:
        page = watched.page
        page.clock.install()
        page.goto("/#cameras")
        gate = page.locator(".live-card[data-camera=gate]")
        expect(gate).to_contain_text("recording")
        page.evaluate("document.querySelector('.live-card[data-camera=gate]').dataset.mine = 'same'")
        keep_telling(live_parts, gate=StreamState.NO_FRAMES)
        expect(gate).to_contain_text("no pictures")
        expect(page.locator("#alarms")).to_contain_text("2 of 3 cameras are not being recorded")
        recordings.picture(live_parts, "gate", now_ms(), 200)
        keep_telling(live_parts)
        expect(gate).to_contain_text("recording")
        expect(gate).to_have_attribute("data-mine", "same")
        watched.until("document.querySelector('.live-card[data-camera=gate] img').src.includes('at=')")
        page.get_by_role("button", name="Find").click()
        expect(gate).to_be_hidden()
        watched.settle()
        before = watched.count("/api/live")
        page.clock.run_for(60_000)
        watched.settle()
        assert watched.count("/api/live") == before, "asks while nobody looks"
        page.goto("/#cameras")
        watched.until_count("/api/live", before + 1)
        watched.check()


def test_a_day_tells_its_gaps_by_pointer_and_by_keys(
    browser: Browser, live_parts: AppContext, live_server: str
) -> None:
    keep_telling(live_parts)
    with watched_page(browser, live_server) as watched:
        page = watched.page
        page.goto("/#cameras")
        hall = page.locator(".live-card[data-camera=hall]")
        bar = hall.get_by_role("slider")
        expect(bar).to_have_attribute("aria-label", "hall: Today, hour by hour")
        expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^Today: "))
        bar.focus()
        said = set()
        page.keyboard.press("Home")
        for _ in range(24):
            said.add(bar.get_attribute("aria-valuetext") or "")
            expect(hall.locator(".day-words")).to_have_text(bar.get_attribute("aria-valuetext") or "")
            page.keyboard.press("ArrowRight")
        today = time.time() - recordings.HOUR_MS / 1000 * 3 + 7_600 > midnight()
        assert any("missing" in text and "no pictures" in text for text in said) == today
        bar.hover(position={"x": 3, "y": 5})
        expect(hall.locator(".day-words")).to_contain_text("00:00 – 01:00")
        watched.check()


def midnight() -> float:
    """Of the browser's day, Unix seconds."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def test_many_cameras_are_filtered(browser: Browser, tmp_path: Path) -> None:
    now = now_ms()
    with small_index(tmp_path, []) as context, serving(create_app(context, hosts=HOSTS)) as url:
        for n in range(60):
            recordings.add(context, f"cam {n:02}", now - 20_000)
            recordings.tell(context, f"cam {n:02}", StreamState.UNREACHABLE if n == 47 else StreamState.RECORDING, now)
        with watched_page(browser, url) as watched:
            page = watched.page
            page.goto("/#cameras")
            expect(page.locator(".live-card")).to_have_count(60)
            assert names(page)[:2] == ["cam 47", "cam 00"]
            for typed, count in (("cam 3", 10), ("unreach", 1), ("nowhere", 0)):
                page.get_by_label("Find a camera").last.fill(typed)
                expect(page.locator(".live-card:visible")).to_have_count(count)
            expect(page.locator("#live-none")).to_have_text("No camera fits.")
            watched.check()


def test_without_a_live_camera_the_tab_says_how_to_add_one(browser: Browser, empty_server: str) -> None:
    with watched_page(browser, empty_server) as watched:
        watched.page.goto("/#cameras")
        expect(watched.page.locator("#live-empty code")).to_contain_text("xunren camera add gate-3 --url rtsp://")
        assert watched.page.locator(".live-card").count() == 0
        watched.check()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_cameras_fit_the_screen(browser: Browser, live_parts: AppContext, live_server: str, width: int) -> None:
    keep_telling(live_parts)
    for dark in (False, True):
        with watched_page(browser, live_server, width=width, height=844, dark=dark) as watched:
            watched.page.goto("/#cameras")
            expect(watched.page.locator(".live-card")).to_have_count(3)
            assert watched.page.evaluate("document.documentElement.scrollWidth") == width
            watched.check()


def test_an_answer_says_what_nobody_could_look_at(browser: Browser, live_parts: AppContext, live_server: str) -> None:
    keep_telling(live_parts)
    with watched_page(browser, live_server) as watched:
        page = watched.page
        start = now_ms() - 3 * recordings.HOUR_MS + 60_000
        page.goto(f"/?q=an elephant&from={start}")
        expect(page.locator("#headline")).to_contain_text("Nothing found")
        note = page.locator("#gaps summary")
        expect(note).to_contain_text("2 of 4 cameras have gaps in this range")
        expect(page.locator("#gaps li").first).to_be_hidden()
        note.press("Enter")
        expect(page.locator("#gaps li").first).to_contain_text("river #2")
        expect(page.locator("#gaps li").nth(1)).to_contain_text("10 mins")
        expect(page.locator("#gaps li").nth(1)).to_contain_text("no pictures")
        page.get_by_role("button", name="中文").click()
        expect(note).to_contain_text("4 个摄像头中有 2 个在这段时间内有缺失")
        page.goto(f"/?q=red&camera=gate&from={start}")
        expect(page.locator("#headline strong")).to_have_text("没有找到")
        expect(page.locator("#gaps summary")).to_have_count(0)
        watched.check()
