"""A small real index, a real server over it, and a real browser: what the tests of the HTTP door share."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright
from starlette.types import ASGIApp

from api.jobs.workers import open_executor
from api.runtime.context import AppContext
from api.runtime.indexes import OneIndex, SearchableIndex
from api.web.app import create_app
from indexer.importer.registration import register
from search.catalog.catalog import Catalog
from search.catalog.index_types import FIRST_COLLECTION, IndexInfo
from search.config import load_settings
from search.engine import SearchEngine
from search.media.clip_cache import ClipCache
from search.media.media_store import MediaStore
from search.models.embedder import Embedder
from search.times import zone_of
from search.types import Image
from search.vector_store.milvus import MilvusStore
from tests.support.fakes import COLOURS, ColourEmbedder
from tests.support.videos import H264, ffmpeg
from tests.support.waiting import until

LIMIT_MS = 120_000
"""Of every wait in a browser: a busy machine fails no test."""
DRAWN = """
new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(!document.getAnimations().some(
  (one) => one.playState === "running" && Number.isFinite(one.effect.getComputedTiming().endTime))))))
"""
WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 10, 12
START = "2026-11-02T08:00:00+08:00"
VIDEOS = (("gate", "red"), ("广场 东", "blue"), ("station", "yellow"), ("river walk", "green"))
HOSTS = ("127.0.0.1", "localhost")
CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def walker(path: Path, colour: str) -> Path:
    """A video of somebody in one colour who walks through a grey yard from second 2 to second 9. Gives `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = b"".join(_yard(n / FPS, colour).tobytes() for n in range(SECONDS * FPS))
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", FPS, "-i", "-")
    ffmpeg(*source, *H264, "-g", FPS, "-metadata", f"creation_time={START}", path, data=raw)
    return path


def _yard(second: float, colour: str) -> Image:
    """uint8 (HEIGHT, WIDTH, 3)."""
    shade = np.random.default_rng(5).integers(118, 138, (HEIGHT // 8, WIDTH // 8, 1), dtype=np.uint8)
    image = np.kron(shade, np.ones((8, 8, 3), np.uint8))
    if 2 <= second < 9:
        left = round(40 + (second - 2) * 70)
        image[150:270, left : left + 44] = COLOURS[colour][0]
    return np.ascontiguousarray(image)


@contextmanager
def small_index(folder: Path, videos: Sequence[tuple[str, str]], **settings_: object) -> Iterator[AppContext]:
    """Real parts, but for an embedder that sees colours, over one video for each (camera, colour)."""
    chosen = {"data_dir": folder / "data", "timezone": "Asia/Shanghai", "sample_interval_s": 0.5}
    # There are so few colours that many a usual description fits somebody here.
    chosen |= {"accounts": False, "require_case": False}
    chosen |= {"false_match_share": 0.3, "false_maybe_share": 0.5}
    settings = load_settings(chosen | settings_, environ={})
    settings.data_dir.mkdir(parents=True)
    embedder = cast(Embedder, ColourEmbedder())
    with ExitStack() as stack:
        catalog = stack.enter_context(Catalog(settings.catalog_address))
        dim = catalog.indexes.bind_model(embedder.label, lambda: embedder.dim)
        store = stack.enter_context(MilvusStore(settings.store_address, collection="xunren", dim=dim))
        engine = SearchEngine(settings, embedder, store, catalog)
        media = MediaStore(settings.media_dir)
        live = SearchableIndex(IndexInfo(FIRST_COLLECTION, embedder.label, dim), embedder, store, engine=engine)
        context = AppContext(settings, zone_of(settings.timezone), catalog, media, ClipCache(media), OneIndex(live))
        paths = [walker(folder / "videos" / camera / f"{colour}.mp4", colour) for camera, colour in videos]
        index(context, paths)
        yield context


def with_index(context: AppContext, **changes: Any) -> AppContext:
    """The same parts, but for the index's `store` or `engine`."""
    return replace(context, indexes=OneIndex(replace(context.indexes.active, **changes)))


def index(context: AppContext, paths: Sequence[Path]) -> None:
    """Index files as `xunren index` does."""
    if not paths:
        return
    megapixels = context.settings.max_megapixels
    folders = sorted({path.parent.parent for path in paths})
    register(context.catalog, folders, camera_id=None, start_ms=None, zone=context.zone, max_megapixels=megapixels)
    with open_executor(context) as executor:
        for report in executor.run():
            assert report.state == "indexed", report


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Address of a real server for `app` on a port; 0: a free one."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        assert server.started, "the server ended"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)


@contextmanager
def small_server(folder: Path, videos: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Address of a server over a small index."""
    with small_index(folder, videos) as context, serving(create_app(context, hosts=HOSTS)) as url:
        yield url


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium as Debian has it. Without it the tests fail: a page that nobody looked at is not tested."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Chromium is missing. Cure: apt-get install -y chromium fonts-noto-cjk (make test does it)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS), timeout=LIMIT_MS)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page that remembers what it asked for and complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._pending: set[Request] = set()
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        if request.resource_type != "eventsource":  # it never ends
            self._pending.add(request)

    def _answered(self, request: Request) -> None:
        self._pending.discard(request)

    def until(self, condition: str) -> None:
        """Wait until `condition` (JavaScript) holds. Playwright's own way needs eval, which the page forbids."""
        until(lambda: self.page.evaluate(condition))

    def count(self, path: str) -> int:
        """Return how many requests there were for a path."""
        return sum(url.endswith(path) for url in self.requests)

    def until_count(self, path: str, count: int) -> None:
        """Wait until there were so many requests for a path."""
        until(lambda: self.page.evaluate("1") and self.count(path) >= count)

    def settle(self) -> None:
        """Wait until every request is answered, drawn, and no animation runs that ends."""
        until(lambda: self.page.evaluate(DRAWN) and not self._pending)

    def check(self, *, expected: str = "") -> None:
        """No request left the server; no complaints but `expected` ones."""
        foreign = [url for url in self.requests if not url.startswith((self.url + "/", "data:", "blob:"))]
        assert self.requests
        assert not foreign
        unexpected = [text for text in self.complaints if not expected or expected not in text]
        assert not unexpected


@contextmanager
def watched_page(
    browser: Browser, url: str, *, locale: str = "en-GB", width: int = 1440, height: int = 900, dark: bool = False
) -> Iterator[Watched]:
    """A fresh page, not yet anywhere, in a browser of its own settings."""
    context = browser.new_context(
        base_url=url,
        locale=locale,
        timezone_id="Asia/Shanghai",
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(LIMIT_MS)
    expect.set_options(timeout=LIMIT_MS)
    try:
        yield Watched(context.new_page(), url)
    finally:
        context.close()
