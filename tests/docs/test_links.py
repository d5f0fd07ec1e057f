"""Links and named files of README and docs lead somewhere."""

import re
from pathlib import Path

import pages
import pytest

every_page = pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)


def test_the_readme_is_read_in_a_sitting():
    assert len(pages.README.read_text().splitlines()) <= 200


@every_page
def test_every_link_leads_to_a_file_and_a_heading_of_it(page: Path):
    for link in pages.links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in pages.anchors(target), link


def test_every_page_is_found_from_the_readme_and_from_the_first_page():
    known = {page.name for page in pages.DOCS.glob("*.md")} - {"index.md"}
    for start in (pages.README, pages.DOCS / "index.md"):
        assert known <= {Path(link.partition("#")[0]).name for link in pages.links(start)}


@every_page
def test_a_page_has_one_title_and_answers_one_question(page: Path):
    assert len(re.findall(r"^# ", pages.prose(page), re.MULTILINE)) == 1


@pytest.mark.parametrize("page", pages.TODAY, ids=pages.name)
def test_every_file_of_ours_that_is_named_is_there(page: Path):
    rooms = ("edgepress/", "models/", "benchmarks/", "compress/", "export/", "tests/", "docs/")
    named = [code for code in pages.inline(page) if code.startswith(rooms) and " " not in code]
    for path in named:
        place = pages.ROOT / path.partition("*")[0]
        assert place.exists(), path


def test_the_checks_can_fail(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A title\n\n[x](none.md#b) `a(b)[c](d)`\n\n```sh\n# no title\n[y](z)\n```\n\n"
        "## Any, other\n"
    )
    assert pages.links(page) == ["none.md#b"]
    assert pages.anchors(page) == {"a-title", "any-other"}
