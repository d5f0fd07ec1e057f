"""The page in a real browser: it must load without a word in the console, at any width."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report.render import write
from benchmarks.report.schema import Report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a browser that all tests of this file share."""
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module")
def addresses(full: Report, minimal: Report, tmp_path_factory: Any) -> dict[str, str]:
    """Return the addresses of a full and of a minimal page."""
    folder: Path = tmp_path_factory.mktemp("reports")
    write(full, folder / "full")
    write(minimal, folder / "minimal")
    return {name: (folder / name / "report.html").as_uri() for name in ("full", "minimal")}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("name", ["full", "minimal"])
def test_the_page_loads_clean_and_fits(
    browser: Any, addresses: dict[str, str], name: str, size: dict[str, int], scheme: str
) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(addresses[name])
    drawn = page.locator(".plot .main-svg").count()
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    assert said == []
    assert asked == [addresses[name]]
    assert fits
    assert (drawn > 0) == (name == "full")


def test_the_check_of_the_width_can_fail(browser: Any) -> None:
    page = browser.new_page(viewport=PHONE)
    page.set_content("<div style='width: 900px'>wide</div>")
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    assert not fits


def test_plots_follow_the_colour_scheme_and_the_legend(
    browser: Any, addresses: dict[str, str]
) -> None:
    page = browser.new_page(viewport=LAPTOP, color_scheme="light")
    page.goto(addresses["full"])
    line = page.locator("#pr-curves .plot .scatterlayer .js-line").first
    light = line.evaluate("node => node.style.stroke")
    lines = page.locator("#pr-curves .plot .scatterlayer .js-line").count()
    page.emulate_media(color_scheme="dark")
    dark = line.evaluate("node => node.style.stroke")
    page.locator("#pr-curves button[data-model='0']").click()
    fewer = page.locator("#pr-curves .plot .scatterlayer .js-line").count()
    page.close()
    assert light != dark
    assert fewer == lines - 4
