"""Throughput in the page and in Markdown, where it was measured."""

import json
import re

from benchmarks.report import rates
from benchmarks.report.markdown import markdown
from benchmarks.report.page import fragment
from benchmarks.report.schema import ModelEntry, Report
from benchmarks.report.sections import PAGE, throughput


def plot(page: str) -> dict[str, object]:
    """Return the only plot of a piece of a page."""
    (spec,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    return json.loads(spec)


def words(fragment: str) -> str:
    """Return the text of a piece of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", fragment).split())


def test_the_page_has_the_section_only_where_it_was_measured(full: Report, minimal: Report) -> None:
    assert '<section id="throughput"' in PAGE.html(full)
    assert 'href="#throughput"' in PAGE.html(full)
    assert "throughput" not in re.sub(
        r"<script.*?</script>", "", PAGE.html(minimal), flags=re.DOTALL
    )
    assert fragment(throughput, minimal) == '<p class="missing">Throughput was not measured.</p>'


def test_the_table_has_a_cell_for_each_setting(full: Report) -> None:
    page = fragment(throughput, full)
    rows = re.findall(r'<tr data-place="(\d)">(.*?)</tr>', page)
    assert [place for place, _ in rows] == ["0", "3", "4"], "the others were not measured"
    assert [row.count("<td") for _, row in rows] == [6, 6, 6]
    assert "efficientnet_lite0-teacher 111 108–113 136 132–139" in words(rows[0][1])
    assert "7.27× (7.27–7.37×)" in words(rows[1][1])
    assert words(rows[2][1]).count("failed") == 2
    assert words(page).count("cannot run at batch 32") == 1, "a reason is given once"


def test_the_plot_has_a_line_for_each_model_and_thread_count(full: Report) -> None:
    lines = plot(fragment(throughput, full))["data"]
    assert [(line["meta"], line["marker"]["symbol"]) for line in lines] == [
        (place, symbol) for place in (0, 3, 4) for symbol in ("circle", "square")
    ]
    assert [line["x"] for line in lines] == [[1, 8, 32]] * 4 + [[1, 8]] * 2
    low = lines[0]["y"][0] - lines[0]["error_y"]["arrayminus"][0]
    assert round(low / lines[0]["y"][0], 3) == 0.97


def test_a_pass_in_which_all_failed_has_no_plot(full: Report) -> None:
    failed = [one for one in full.models[4].throughput if one.failure]
    entry = ModelEntry.model_validate(full.models[4].model_dump() | {"throughput": failed})
    report = full.model_copy(update={"models": (entry,)})
    page = fragment(throughput, report)
    assert "<script" not in page
    assert "failed: cannot run at batch 32" in words(page)
    assert rates.settings(report) == [(1, 32), (2, 32)]


def test_markdown_has_the_table_where_it_was_measured(full: Report, minimal: Report) -> None:
    assert "Images per second" not in markdown(minimal)
    told = markdown(full).partition("### Images per second, CPUExecutionProvider\n\n")[2]
    header, _, first, _, last, _, why = told.splitlines()[:7]
    assert header.startswith("| Model | batch 1, 1 thread | batch 8, 1 thread |")
    assert first.startswith("| efficientnet_lite0-teacher | 111 (108–113) |")
    assert last.count("| failed |") == 2
    assert why.startswith("mobilenetv3-int8 failed: cannot run at batch 32")
