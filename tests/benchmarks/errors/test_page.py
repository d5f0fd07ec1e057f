"""The page of errors: every section stands, names are text, many labels stay readable."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM, LAPTOP, PHONE, drawn, new_page, running, watched
from error_reports import UNKNOWN, full, label_errors, labels, report
from sound_html import Balance
from verdicts import model

from benchmarks.errors import sections
from benchmarks.errors.schema import ErrorReport
from benchmarks.errors.sections import PAGE
from benchmarks.report.page import fragment
from edgepress.core import registry
from edgepress.core.artifact import Artifact

NAMES = registry.names(sections.__name__)
HOSTILE = ("<script>alert(1)</script>", "a & b", "</svg><img src=x>", "ρ")
MANY = tuple(f"finger_interruption_of_kind_{i}" for i in range(24))


def artifact(name: str, names: tuple[str, ...]) -> Artifact:
    found = model(name)
    return replace(found, manifest=found.manifest.model_copy(update={"labels": labels(names)}))


@pytest.fixture(scope="module")
def reports() -> dict[str, ErrorReport]:
    """Return reports with everything, with many labels, and with nothing."""
    nothing = report(
        label_errors([0, UNKNOWN], [0.1, 0.2]), n_wrong=0, map={"value": None}, f1_macro=None
    )
    return {
        "hostile": full(HOSTILE, artifact),
        "many": full(MANY, artifact, n=200),
        "nothing": nothing,
    }


@pytest.mark.parametrize("kind", ["hostile", "many", "nothing"])
@pytest.mark.parametrize("name", NAMES)
def test_a_section_renders_sound_html(
    name: str, kind: str, reports: dict[str, ErrorReport]
) -> None:
    section = registry.find(sections.__name__, name, "section")
    if not getattr(section, "shown", lambda _: True)(reports[kind]):
        assert kind == "nothing"
        return
    parser = Balance()
    parser.feed(fragment(section, reports[kind]))
    parser.close()
    assert not parser.open
    assert set(parser.scripts) <= {"application/json"}
    assert parser.text.strip(), "an empty section must say what is missing"
    assert not {"None", "nan", "inf"} & set(parser.text.replace("–", " ").split())


def test_titles_and_places_differ() -> None:
    found = [registry.find(sections.__name__, name, "section") for name in NAMES]
    assert len({part.TITLE for part in found}) == len({part.ORDER for part in found}) == len(found)


def test_names_are_text(reports: dict[str, ErrorReport]) -> None:
    made = PAGE.html(reports["hostile"])
    assert "<script>alert" not in made
    assert "<img" not in made
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in made


def test_an_undefined_label_is_said_and_is_not_0(reports: dict[str, ErrorReport]) -> None:
    section = registry.find(sections.__name__, "labels", "section")
    row = fragment(section, reports["hostile"]).split("<tr>")[-1]
    assert "no metric: no image has it" in row
    assert row.count('<td class="missing">n/a') == 6


def test_of_many_labels_the_plots_are_few_and_one_list_is_unfolded(
    reports: dict[str, ErrorReport],
) -> None:
    many, few = PAGE.html(reports["many"]), PAGE.html(reports["hostile"])
    assert many.count('class="plot"') == 12 * 4
    assert "12 of 23 labels with the lowest AP" in many
    worst = many[many.index('id="worst"') : many.index('id="explanations"')]
    assert worst.count("<details") == 24
    assert worst.count(" open>") == 1
    assert few.count('class="plot"') == 3 * 4


def test_pictures_are_in_the_page_and_the_json_holds_none(
    reports: dict[str, ErrorReport], tmp_path: Path
) -> None:
    PAGE.write(reports["hostile"], tmp_path, {"look-0-image": b"\xff\xd8jpeg"})
    made = (tmp_path / "errors.html").read_text()
    assert 'id="image-look-0-image"' in made
    assert 'href="#image-look-0-image"' in made
    stored = (tmp_path / "errors.json").read_text()
    assert ErrorReport.model_validate_json(stored) == reports["hostile"]
    assert ErrorReport.model_validate_json(stored).schema_version == 1
    assert "base64" not in stored


def test_every_word_of_a_next_step_is_on_the_page(reports: dict[str, ErrorReport]) -> None:
    made = PAGE.html(reports["many"])
    assert reports["many"].next_steps
    assert made.count("<li>" + MANY[23] + ": no image has it in this part") == 1


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a browser that the tests below share."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def addresses(reports: dict[str, ErrorReport], tmp_path_factory: Any) -> dict[str, str]:
    """Return the addresses of the pages."""
    folder: Path = tmp_path_factory.mktemp("errors")
    for name, found in reports.items():
        PAGE.write(found, folder / name)
    return {name: (folder / name / PAGE.html_file).as_uri() for name in reports}


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("name", ["hostile", "many", "nothing"])
def test_the_page_loads_clean_and_fits(
    browser: Any, addresses: dict[str, str], name: str, size: dict[str, int]
) -> None:
    seen = watched(browser, addresses[name], size, "dark" if size is PHONE else "light")
    assert seen.said == []
    assert seen.asked == [addresses[name]]
    assert seen.fits
    assert (seen.plots > 0) == (name != "nothing")


@pytest.mark.browser
@needs_chromium
def test_the_operating_point_is_drawn_on_every_curve(
    browser: Any, addresses: dict[str, str]
) -> None:
    opened = new_page(browser, LAPTOP)
    opened.goto(addresses["hostile"])
    drawn(opened)
    plots, points = (
        opened.locator(f"#curves .plot {what}").count() for what in (".xy", ".points path")
    )
    text = opened.locator("#labels tbody th").first.inner_text()
    opened.close()
    assert points == 6
    assert plots >= 6
    assert re.match(re.escape(HOSTILE[0]), text)
