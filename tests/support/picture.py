"""Takes the README's picture: the page over the demo's index. Run by ``make picture`` while ``make serve`` runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.conftest import SAMPLES
from tests.support.browser import chromium, watched_page

SIZE = (1440, 1000)


def main(url: str, folder: Path) -> None:
    """Ask the demo's first sentence and keep what the page shows, as ``page.jpg``."""
    sentence = json.loads((SAMPLES / "truth.json").read_text("utf-8"))["demo"][0]["text"]
    with chromium() as browser, watched_page(browser, url, width=SIZE[0], height=SIZE[1]) as watched:
        page = watched.page
        page.goto("/")
        page.locator("#text").fill(sentence)
        page.keyboard.press("Enter")
        page.wait_for_selector("button.tile img")
        watched.settle()
        page.screenshot(path=folder / "page.jpg", type="jpeg", quality=88)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
