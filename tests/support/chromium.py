"""A page in a real browser, for the tests of every page that the project writes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

NAMES = ("chromium", "chromium-browser", "chrome", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PATIENCE_MS = 180_000
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1366, "height": 768}


@dataclass(frozen=True)
class Seen:
    """What a page did while it loaded."""

    said: list[str]
    """Messages on the console, and errors."""
    asked: list[str]
    """Addresses that it fetched."""
    fits: bool
    """Whether it is no wider than the window."""
    plots: int


@contextmanager
def running() -> Iterator[Any]:
    """Run a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE_MS)
        yield browser
        browser.close()


def new_page(browser: Any, size: dict[str, int], scheme: str = "light") -> Any:
    """Return an empty page that gives a busy machine time."""
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.set_default_timeout(PATIENCE_MS)
    return page


def drawn(page: Any) -> int:
    """Wait until the plots are drawn, if there are any, and return their number."""
    if page.locator(".plot").count():
        page.wait_for_selector("html[data-plots=drawn]", state="attached")
    return int(page.locator(".plot .main-svg").count())


def watched(browser: Any, address: str, size: dict[str, int], scheme: str) -> Seen:
    """Open a page, close it again, and return what it did."""
    page = new_page(browser, size, scheme)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    plots = drawn(page)
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    return Seen(said, asked, bool(fits), plots)
