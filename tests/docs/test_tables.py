"""Tables of results are those of the committed figures, and pages show the committed tables."""

import re
from collections import Counter
from pathlib import Path

import pages
import pytest
import tables

from benchmarks.claims import readme
from edgepress.core.errors import UserError


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pages.ROOT)


def markers(page: Path) -> list[str]:
    return re.findall(r"^<!-- ([\w-]+) -->$", page.read_text(), re.MULTILINE)


def test_tables_are_those_of_the_committed_figures():
    stale = [str(file) for file, table in tables.tables() if file.read_text() != f"{table}\n"]
    assert not stale, "run `make readme`"


def test_all_committed_figures_have_a_table():
    known = {file.with_suffix(".json") for file, _ in tables.tables()}
    found = set(tables.RESULTS.glob("*.json"))
    assert found - known == set()


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_pages_show_the_committed_tables(page: Path):
    assert readme.updated(page.read_text()) == page.read_text(), "run `make readme`"


def test_every_table_is_shown_once_or_is_a_page():
    shown = Counter(name for page in pages.PAGES for name in markers(page))
    made = {file: file.read_text() for file, _ in tables.tables()}
    assert shown == Counter(file.stem for file, text in made.items() if text[:2] != "# ")
    assert markers(pages.README) == ["models"]


@pytest.mark.parametrize("page", ["README.md", "docs/results.md", "docs/runtimes.md"])
def test_a_stale_table_is_noticed(page: str):
    stale = (pages.ROOT / page).read_text().replace("teacher", "preacher")
    assert readme.updated(stale) != stale


def test_a_table_that_is_not_there_is_missed():
    with pytest.raises(UserError, match="<!-- no-such-table -->"):
        readme.updated("<!-- no-such-table -->\n<!-- /no-such-table -->\n")


def test_the_command_writes_every_page(command, tmp_path: Path):
    (tmp_path / "docs").mkdir()
    for page in ("README.md", "docs/a.md"):
        (tmp_path / page).write_text("<!-- kinds -->\n<!-- /kinds -->\n")
    assert command("benchmarks.claims.readme", "--readme", tmp_path / "README.md").code == 0
    assert "student-int8" in (tmp_path / "docs" / "a.md").read_text()
    assert (tmp_path / "README.md").read_text() == (tmp_path / "docs" / "a.md").read_text()


def test_a_readme_that_is_not_there_is_bad_input(command, tmp_path: Path):
    done = command("benchmarks.claims.readme", "--readme", tmp_path / "none.md")
    assert done.code == 2
    assert "none.md" in done.err
