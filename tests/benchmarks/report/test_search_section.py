"""The search for an int8 file in the page and in Markdown, where there was one."""

import json
import re
from dataclasses import replace
from html import unescape

from colours import MakeModel

from benchmarks.comparison.bench import Bench
from benchmarks.comparison.entries import model_entry
from benchmarks.report import steps
from benchmarks.report.markdown import markdown
from benchmarks.report.page import fragment
from benchmarks.report.schema import ModelEntry, Report
from benchmarks.report.sections import PAGE, search
from edgepress.core.manifest import SearchStep

FIRST = SearchStep(change="best-known", speedup=None, map_drop=None, kept=True, seconds=0.2)


def with_search(report: Report, place: int, *found: SearchStep) -> Report:
    """Return the report with another search for one of its models."""
    models = list(report.models)
    models[place] = models[place].model_copy(update={"search": found})
    return report.model_copy(update={"models": tuple(models)})


def table_rows(page: str) -> list[list[str]]:
    """Return the text of every cell in the body of every table."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page.partition("<tbody>")[2])
    return [[words(cell) for cell in re.split(r"</t[hd]>", row)[:-1]] for row in rows]


def words(fragment: str) -> str:
    """Return the text of a piece of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", fragment)).split())


def test_the_page_has_the_section_only_where_there_was_a_search(
    full: Report, minimal: Report
) -> None:
    assert '<section id="search"' in PAGE.html(full)
    assert 'href="#search"' in PAGE.html(full)
    assert '<section id="search"' not in PAGE.html(minimal)
    assert "comes from a search" in fragment(search, minimal)


def test_the_table_tells_every_step_in_order(full: Report) -> None:
    page = fragment(search, full)
    assert page.count("<table") == 1, "one model was searched for"
    rows = table_rows(page)
    assert [row[0] for row in rows] == [step.change for step in full.models[4].search]
    assert rows[0][1:] == ["2.00×", "not measured", "yes", "12.4 s"]
    assert rows[3][1:] == ["2.31×", "1.3", "yes", "6.02 s"]
    assert rows[4][1:] == ["2.31×", "1.4", "no", "31.5 s"]
    assert rows[5][1:3] == ["2.25×", "−0.1"], "a gain is a negative drop"
    assert page.count('<tr class="dropped">') == 2
    assert "mobilenetv3-int8 6 steps in 86.5 s" in words(page)


def test_each_search_has_a_table_of_its_own(full: Report) -> None:
    page = fragment(search, with_search(full, 2, FIRST))
    assert re.findall(r'tabindex="0" data-place="(\d)"', page) == ["2", "4"]
    assert table_rows(page)[0] == ["best-known", "not measured", "not measured", "yes", "200 ms"]
    assert "1 step in 200 ms" in words(page)


def test_both_reports_say_once_that_the_timings_are_quick(full: Report) -> None:
    assert words(fragment(search, full)).count(steps.ABOUT) == 1
    twice = with_search(full, 2, FIRST)
    assert markdown(twice).count("quick timings in one process") == 1
    assert "the gates measured again" in markdown(twice)


def test_markdown_has_the_table_where_there_was_a_search(full: Report, minimal: Report) -> None:
    assert "### Search" not in markdown(minimal)
    told = markdown(full).partition("mobilenetv3-int8: 6 steps in 86.5 s\n\n")[2]
    header, _, *rows = told.partition("\n\n")[0].splitlines()
    assert header == f"| {' | '.join(steps.HEADER)} |"
    assert len(rows) == 6
    assert rows[4] == "| calibration by percentile | 2.31× | 1.4 | no | 31.5 s |"


def test_a_name_of_a_step_is_text(full: Report) -> None:
    hostile = FIRST.model_copy(update={"change": "<img src=x> | </table>"})
    report = with_search(full, 4, hostile)
    assert "<img" not in fragment(search, report)
    assert "<img" not in markdown(report)
    assert r"&lt;img src=x&gt; \| &lt;/table&gt;" in markdown(report)


def test_a_drop_that_could_not_be_measured_is_not_a_number(full: Report) -> None:
    endless = FIRST.model_copy(update={"map_drop": float("inf")})
    row = table_rows(fragment(search, with_search(full, 4, endless)))[0]
    assert row[2] == "n/a"


def test_a_report_from_before_has_no_search(full: Report) -> None:
    old = json.loads(full.model_dump_json())
    for model in old["models"]:
        del model["search"]
    report = Report.model_validate(old)
    assert [model.search for model in report.models] == [()] * 5
    assert not search.shown(report)
    assert 'id="search"' not in PAGE.html(report)


def test_json_keeps_the_search(full: Report) -> None:
    again = ModelEntry.model_validate_json(full.models[4].model_dump_json())
    assert again.search == full.models[4].search
    assert len(again.search) == 6


def test_the_steps_come_from_the_manifest(make_model: MakeModel) -> None:
    made = make_model("made")
    searched = replace(made, manifest=made.manifest.model_copy(update={"search": (FIRST,)}))
    bench = Bench((made, searched), ("made", "searched"))
    assert [model_entry(bench, row, ()).search for row in (0, 1)] == [(), (FIRST,)]
