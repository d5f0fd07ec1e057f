"""The page in a real browser: it loads without a word, sorts, filters, and fits any width."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM, LAPTOP, PATIENCE_MS, PHONE, drawn, new_page, running, watched
from PIL import Image

from benchmarks.report.render import write
from benchmarks.report.schema import Report

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]

RED = (220, 20, 20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a browser that all tests of this file share."""
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def addresses(full: Report, minimal: Report, tmp_path_factory: Any) -> dict[str, str]:
    """Return the addresses of a full and of a minimal page."""
    folder: Path = tmp_path_factory.mktemp("reports")
    stream = io.BytesIO()
    Image.new("RGB", (96, 96), RED).save(stream, "JPEG")
    flips = full.models[4].agreement.flips
    write(full, folder / "full", {flip.image_id: stream.getvalue() for flip in flips})
    write(minimal, folder / "minimal")
    return {name: (folder / name / "report.html").as_uri() for name in ("full", "minimal")}


@pytest.fixture
def page(browser: Any, addresses: dict[str, str]) -> Iterator[Any]:
    """Return the full page on a laptop, with its plots drawn."""
    opened = new_page(browser, LAPTOP)
    opened.goto(addresses["full"])
    drawn(opened)
    yield opened
    opened.close()


def models_of(page: Any) -> list[str]:
    """Return the names of the models that the table shows, from top to bottom."""
    names = page.locator("table.models tbody tr:visible .model")
    return [str(name) for name in names.all_inner_texts()]


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (LAPTOP, "light")], ids=["phone", "laptop"]
)
@pytest.mark.parametrize("name", ["full", "minimal"])
def test_the_page_loads_clean_and_fits(
    browser: Any, addresses: dict[str, str], name: str, size: dict[str, int], scheme: str
) -> None:
    seen = watched(browser, addresses[name], size, scheme)
    assert seen.said == []
    assert seen.asked == [addresses[name]]
    assert seen.fits
    assert (seen.plots > 0) == (name == "full")


def test_the_check_of_the_width_can_fail(browser: Any) -> None:
    page = new_page(browser, PHONE)
    page.set_content("<div style='width: 900px'>wide</div>")
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    assert not fits


def test_plots_follow_the_colour_scheme_and_the_legend(page: Any) -> None:
    line = page.locator("#pr-curves .plot .scatterlayer .js-line").first
    light = line.evaluate("node => node.style.stroke")
    lines = page.locator("#pr-curves .plot .scatterlayer .js-line").count()
    page.emulate_media(color_scheme="dark")
    dark = line.evaluate("node => node.style.stroke")
    page.locator("#pr-curves button[data-model='0']").click()
    fewer = page.locator("#pr-curves .plot .scatterlayer .js-line").count()
    assert light != dark
    assert fewer == lines - 4


def test_the_table_sorts_by_keyboard_and_says_so(page: Any, full: Report) -> None:
    head = page.locator("th[data-column]", has_text="Size")
    button = head.locator("button")
    assert head.get_attribute("aria-sort") is None
    button.focus()
    page.keyboard.press("Enter")
    sizes = sorted(full.models, key=lambda model: model.size_bytes)
    assert models_of(page) == [model.name for model in sizes]
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert models_of(page) == [model.name for model in reversed(sizes)]
    assert head.get_attribute("aria-sort") == "descending"
    assert "Sorted by Size, descending." in page.locator("p[role=status]").inner_text()
    page.keyboard.press("Enter")
    assert models_of(page) == [model.name for model in full.models]
    assert page.locator("th[aria-sort]").count() == 0


def test_what_was_not_measured_is_sorted_last_both_ways(page: Any) -> None:
    button = page.locator("th[data-column] button", has_text="p50").first
    for timed in (
        ["mobilenetv3-int8", "mobilenetv3-fp32", "efficientnet_lite0-teacher"],
        ["efficientnet_lite0-teacher", "mobilenetv3-fp32", "mobilenetv3-int8"],
    ):
        button.click()
        assert models_of(page) == [*timed, "teacher-pruned", "mobilenetv3-distilled"]


def test_a_filter_holds_for_the_whole_page(page: Any) -> None:
    groups = page.locator("#gates [data-place]:visible")
    lines = page.locator("#pr-curves .plot .scatterlayer .js-line")
    before = (groups.count(), lines.count())
    page.locator("input[type=search]").fill("int8 mobile")
    assert models_of(page) == ["mobilenetv3-int8"]
    assert page.locator("form.filters output").inner_text() == "1 of 5 models"
    assert (groups.count(), lines.count()) == (1, 4)
    page.locator("form.filters button").click()
    assert page.locator("form.filters output").inner_text() == "5 of 5 models"
    assert (groups.count(), lines.count()) == before


def test_boxes_filter_by_keyboard_and_add_up(page: Any) -> None:
    page.locator("input[name=precision][value=fp32]").focus()
    page.keyboard.press("Space")
    assert len(models_of(page)) == 4
    page.locator("input[name=precision][value=int8]").focus()
    page.keyboard.press("Space")
    assert len(models_of(page)) == 5
    page.locator("input[name=gates][value=pass]").focus()
    page.keyboard.press("Space")
    assert models_of(page) == ["teacher-pruned", "mobilenetv3-fp32"]


def test_the_reason_for_grey_comes_on_focus(page: Any) -> None:
    hover = page.locator("#trade-off .hoverlayer .hovertext")
    button = page.locator("#trade-off button.aside").first
    assert "Not on a front" in str(button.get_attribute("title"))
    button.focus()
    assert "not on the" in hover.last.text_content()
    page.locator("h1").click()
    button.blur()
    assert hover.count() == 0


def test_thumbnails_are_seen(page: Any) -> None:
    thumbnail = page.locator("details[open] .thumb").first
    with Image.open(io.BytesIO(thumbnail.screenshot())) as shot:
        seen = shot.convert("RGB").getpixel((48, 48))
    assert all(abs(a - b) < 20 for a, b in zip(seen, RED, strict=True))


def test_folded_texts_are_printed(page: Any) -> None:
    folded = page.locator("details:not([open], .flips)")
    before = folded.count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    during = folded.count()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert before > 0
    assert during == 0
    assert folded.count() == before


def test_the_page_works_without_a_script(browser: Any, addresses: dict[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(addresses["full"])
    assert len(models_of(page)) == 5
    assert page.locator("form.filters").is_hidden()
    assert page.locator("details.flips .thumb").count() > 0
    context.close()
