"""Takes the README's picture: the page over the demo's index. Run by ``make picture`` while ``make serve`` runs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.api.browser import CHROMIUM_ARGS
from tests.conftest import SAMPLES

SIZES = {"page": (1440, 1000)}


def main(url: str, folder: Path) -> None:
    """Ask the demo's first sentence and keep what the page shows, in two sizes."""
    sentence = json.loads((SAMPLES / "truth.json").read_text("utf-8"))["demo"][0]["text"]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM_ARGS))
        for name, (width, height) in SIZES.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, locale="en-GB", timezone_id="Asia/Shanghai"
            )
            page.goto(url)
            page.locator("#text").fill(sentence)
            page.keyboard.press("Enter")
            page.wait_for_selector("button.tile img")
            page.wait_for_timeout(1000)
            page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=88)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
