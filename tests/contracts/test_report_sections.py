"""Every file in `benchmarks/report/sections` is a section that renders any report."""

from collections import Counter

import pytest
from report_sample import full_report, minimal_report, recommending_report
from sound_html import Balance

from benchmarks.report import sections
from benchmarks.report.schema import Report
from edgepress.core import registry

NAMES = registry.names(sections.__name__)
REPORTS: dict[str, Report] = {
    "full": full_report(),
    "recommending": recommending_report(),
    "minimal": minimal_report(),
    "hostile": minimal_report("<script>alert(1)</script>"),
}


def test_sections_are_found() -> None:
    assert len(NAMES) >= 9


@pytest.mark.parametrize("name", NAMES)
def test_a_section_has_a_title_and_a_place(name: str) -> None:
    section = registry.find(sections.__name__, name, "section")
    assert isinstance(section.TITLE, str)
    assert section.TITLE
    assert isinstance(section.ORDER, int)
    assert section.__doc__


def test_titles_and_places_differ() -> None:
    found = [registry.find(sections.__name__, name, "section") for name in NAMES]
    assert max(Counter(part.TITLE for part in found).values()) == 1
    assert max(Counter(part.ORDER for part in found).values()) == 1


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_a_section_renders_sound_html(name: str, report: Report) -> None:
    fragment = registry.find(sections.__name__, name, "section").render(report)
    parser = Balance()
    parser.feed(fragment)
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
