"""Every file in a folder of sections is one, and those of a comparison render any report."""

import importlib
import runpy
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.report import sections
from benchmarks.report.page import fragment
from benchmarks.report.schema import Report
from edgepress.core import registry

NAMES = registry.names(sections.__name__)
ROOM = Path(sections.__path__[0]).parents[1]
PAGES = sorted(
    ".".join(folder.relative_to(ROOM.parent).parts) for folder in ROOM.glob("*/sections")
)
SAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "report" / "sample.py"))
REPORTS: dict[str, Report] = {
    "full": SAMPLE["full_report"](),
    "recommending": SAMPLE["recommending_report"](),
    "minimal": SAMPLE["minimal_report"](),
    "hostile": SAMPLE["minimal_report"]("<script>alert(1)</script>"),
}
VOID = {"br", "col", "hr", "img", "input", "line", "meta"}


class Balance(HTMLParser):
    """Finds tags that are closed in the wrong order, and the scripts that a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs).get("type"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass over `<line/>`, which has nothing to close."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


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
