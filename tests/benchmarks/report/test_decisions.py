"""Thresholds and what they reach, in the page and in Markdown."""

import json
import re
from html import unescape
from pathlib import Path

from colours import MakeModel
from verdicts import LABELS, evaluation

from benchmarks.comparison.decision_entries import decision_entries
from benchmarks.report import decisions
from benchmarks.report.markdown import markdown
from benchmarks.report.page import fragment
from benchmarks.report.schema import DecisionEntry, Report
from benchmarks.report.sections import PAGE, labels
from edgepress.core import artifact as artifacts


def words(fragment: str) -> str:
    """Return the text of a piece of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", fragment)).split())


def test_the_page_tells_what_each_threshold_reaches(full: Report) -> None:
    page = fragment(labels, full)
    assert page.count("<details") == 1, "one model tells its decisions"
    assert '<details class="card gated" data-place="4" open>' in page
    text = words(page.partition("Thresholds and what they reach")[2])
    assert "polycrystalline 0.400 0.900 0.853–0.933; 189 of 210" in text
    assert "41 of 131 have it 0.886 f1" in text
    assert "recall[defect_possible] >= 0.95 kept on validation" in text
    assert "precision[defect_probable] >= 0.9 not kept: 0.875 at most" in text
    assert "defect_certain 0.400 n/a n/a n/a n/a n/a 0 of 131 have it n/a as it was" in text


def test_markdown_has_the_same_of_the_candidate(full: Report, minimal: Report) -> None:
    told = markdown(full).partition("### Decisions of mobilenetv3-int8")[2]
    header, _, first, *_ = told.split("| ", 1)[1].splitlines()
    assert header == " | ".join(decisions.HEADER) + " |"
    assert first.startswith("| polycrystalline | 0.400 | 0.900 (0.853–0.933; 189 of 210) |")
    assert "### Decisions" not in markdown(minimal)
    assert "Thresholds and what" not in fragment(labels, minimal)


def test_a_report_from_before_has_no_decisions(full: Report) -> None:
    old = json.loads(full.model_dump_json())
    for model in old["models"]:
        del model["decisions"]
    report = Report.model_validate(old)
    assert "Thresholds and what they reach" not in PAGE.html(report)
    assert "AP" in PAGE.html(report)


def test_a_model_that_does_not_tell_has_figures_all_the_same() -> None:
    entries = decision_entries(LABELS, evaluation(0.1))
    assert [type(entry) for entry in entries.values()] == [DecisionEntry] * 2
    entry = entries["a"]
    assert (entry.threshold, entry.method, entry.learning) == (0.5, None, None)
    assert entry.recall.ci95[0] < entry.recall.value < entry.recall.ci95[1]
    assert entry.f1 == 2 * entry.recall.hits / (entry.recall.of + entry.precision.of)


def test_compare_tells_the_decisions_of_each_model(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    path = make_model("model").path
    learnt = tmp_path / "learnt"
    more = ("--data", colours, "--out", learnt, "--demand", "recall[red] >= 0.9")
    assert command("benchmarks.thresholds.__main__", "--model", path, *more).code == 0
    out = tmp_path / "report"
    done = command("benchmarks.compare", path, learnt, "--data", colours, "--out", out,
                   "--no-latency")  # fmt: skip
    assert done.code == 0, done.err
    report = Report.model_validate_json((out / "report.json").read_text())
    before, after = (model.decisions["red"] for model in report.models)
    assert (before.method, before.learning) == (None, None)
    assert after.threshold == artifacts.load(learnt).manifest.labels.thresholds[0]
    assert after.learning.demand == "recall[red] >= 0.9"
