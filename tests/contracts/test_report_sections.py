"""Every file in a folder of sections is one, and those of a comparison render any report."""

import importlib
from collections import Counter
from pathlib import Path

import pytest
from report_sample import full_report, minimal_report, recommending_report
from searched import searched_report
from sound_html import Balance

from benchmarks.report import sections
from benchmarks.report.page import fragment
from benchmarks.report.schema import Report
from edgepress.core import registry

NAMES = registry.names(sections.__name__)
ROOM = Path(sections.__path__[0]).parents[1]
PAGES = sorted(
    ".".join(folder.relative_to(ROOM.parent).parts) for folder in ROOM.glob("*/sections")
)
REPORTS: dict[str, Report] = {
    "full": full_report(),
    "recommending": recommending_report(),
    "searched": searched_report(),
    "minimal": minimal_report(),
    "hostile": minimal_report("<script>alert(1)</script>"),
}


def test_sections_are_found() -> None:
    assert len(NAMES) >= 9
    assert len(PAGES) == 5


@pytest.mark.parametrize("package", PAGES)
def test_a_section_has_a_title_a_place_and_a_template_beside_it(package: str) -> None:
    found = [registry.find(package, name, "section") for name in registry.names(package)]
    assert max(Counter(part.TITLE for part in found).values()) == 1
    assert max(Counter(part.ORDER for part in found).values()) == 1
    assert all(part.TITLE and part.__doc__ and isinstance(part.ORDER, int) for part in found)
    files = {Path(str(part.__file__)).with_suffix(".html.jinja") for part in found}
    folder = Path(importlib.import_module(package).__path__[0])
    assert files == set(folder.glob("*.jinja")), "each section has one, and there is no other"


@pytest.mark.parametrize("package", PAGES)
def test_every_page_has_the_one_layout(package: str) -> None:
    page = importlib.import_module(package).PAGE
    assert page.package == package
    layouts = [file for file in ROOM.rglob("*.jinja") if "<html" in file.read_text()]
    assert [file.name for file in layouts] == ["layout.html.jinja"]


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_a_section_renders_sound_html(name: str, report: Report) -> None:
    made = fragment(registry.find(sections.__name__, name, "section"), report)
    parser = Balance()
    parser.feed(made)
    parser.close()
    assert not parser.open
    assert set(parser.scripts) <= {"application/json"}
    assert parser.text.strip(), "an empty section must say what is missing"
    assert not {"None", "nan", "inf"} & set(parser.text.replace("–", " ").split())


@pytest.mark.parametrize("broken", ["<p><b></p></b>", "<p>", "</p>"])
def test_the_check_of_the_html_can_fail(broken: str) -> None:
    parser = Balance()
    with pytest.raises(AssertionError):  # noqa: PT012
        parser.feed(broken)
        assert not parser.open
