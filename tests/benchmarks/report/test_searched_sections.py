"""What the page shows of a search: the front, the choices that mattered, and every trial."""

import re

import pytest
from searched import record, searched_report

from benchmarks.report import tried as helpers
from benchmarks.report.markdown import markdown
from benchmarks.report.page import fragment
from benchmarks.report.schema import Report
from benchmarks.report.sections import PAGE, choices, trials, tried
from edgepress.core.search import SearchRecord, TrialRecord


def one(number: int, accuracy: float | None, latency: float, size: int, **more: object):
    told = {"state": "complete", "choices": {"width": number}, "machine": "here", **more}
    return TrialRecord(number=number, map=accuracy, latency_s=latency, size_bytes=size, **told)


def searched(report: Report, *made: TrialRecord, **more: object) -> Report:
    told = {"budgets": ("latency <= 50%", "size <= 1MB"), "gates": (), "space": {}, "seed": 0}
    told |= {"teacher_map": 0.95, "teacher_latency_s": 4e-3, "teacher_size_bytes": 10**7}
    found = SearchRecord(trials=made, **told | more)
    return report.model_copy(update={"searched": found})


def traces(report: Report, panel: int = 0) -> list[dict]:
    return tried.values(report)["panels"][panel].plots[0].spec["data"]


def test_a_comparison_that_nobody_searched_for_has_none_of_these_sections(full: Report):
    assert not any(part.shown(full) for part in (tried, choices, trials))
    assert "What the search found" not in PAGE.html(full)
    assert "A search tried" not in markdown(full)


def test_the_front_and_the_budget_by_hand(full: Report):
    """Trial 1 is beaten by 0; 3 is over the budget; 4 was timed on another machine."""
    over = {"excess": {"latency <= 50%": 0.5}}
    made = (
        one(0, 0.90, 1e-3, 500_000), one(1, 0.89, 1.5e-3, 400_000), one(2, 0.92, 2e-3, 900_000),
        one(3, 0.94, 3e-3, 900_000, **over), one(4, 0.93, 1e-4, 900_000, machine="elsewhere"),
    )  # fmt: skip
    report = searched(full, *made)
    budget, front, *_ = traces(report)
    assert budget["x"] == [2.0, 2.0]  # half of the teacher's 4 ms
    assert (front["x"], front["y"]) == ([1.0, 2.0], [0.90, 0.92])
    sizes = traces(report, 1)
    assert sizes[0]["x"] == [1.0, 1.0]
    assert (sizes[1]["x"], sizes[1]["y"]) == ([0.4, 0.5, 0.9], [0.89, 0.90, 0.93])
    assert traces(report)[-1]["text"] == ["teacher"]


def test_what_was_never_trained_stands_at_the_foot_and_what_ships_is_a_star():
    report = searched_report()
    found = {trace["marker"]["symbol"]: trace for trace in traces(report) if "marker" in trace}
    low, high = tried.values(report)["panels"][0].plots[0].spec["layout"]["yaxis"]["range"]
    assert found["x"]["y"] == pytest.approx([low + 0.03 * (high - low)] * 4, rel=1e-4)
    assert found["star"]["text"] == [str(report.searched.shipped)]
    assert "budget" in found["x"]["hovertext"][0]
    body = fragment(tried, report)
    assert "30 trials (16 to the end, 10 given up early, 4 over the budget)" in body
    assert f"★ {report.searched.shipped}" in body


def test_lines_go_through_the_choices_of_their_trials():
    """Optuna draws them in the order of the trials, and words are in theirs."""
    report = searched_report()
    made = helpers.whole(report.searched)
    drawn = choices.values(report)["coordinates"].spec
    assert len(drawn["data"]) == len(made)
    for trace in drawn["data"]:
        number = int(re.match(r"trial (\d+)", trace["hovertemplate"])[1])
        (trial,) = (x for x in made if x.number == number)
        told = dict(trace["customdata"])
        assert float(told["mAP"]) == pytest.approx(trial.map, abs=1e-3)
        assert told["student"] == trial.choices["student"]
        assert (told["share"] == helpers.NOT_CHOSEN) == ("share" not in trial.choices)
    titles = drawn["layout"]["xaxis"]["ticktext"]
    notes = [x for x in drawn["layout"]["annotations"] if x["x"] == titles.index("share")]
    notes.sort(key=lambda note: note["y"])
    words = [note["text"] for note in notes]
    assert words == sorted(words, key=helpers.order)
    assert words[0] == helpers.NOT_CHOSEN
    assert {x["font"]["color"] for x in drawn["layout"]["annotations"]} == {"var(--muted)"}


def test_what_explains_the_differences_is_on_top(full: Report):
    made = [
        one(n, 0.5 + 0.01 * (n % 7), 1e-3 + 1e-4 * (n // 7), 1,
            choices={"width": n % 7, "depth": n // 7, "same": 1})
        for n in range(28)
    ]  # fmt: skip
    found = choices.values(searched(full, *made))["importances"]
    for drawing, wanted in zip(found, ("width", "depth"), strict=True):
        (bars,) = drawing.plots[0].spec["data"]
        assert bars["y"][-1] == wanted
        assert bars["x"][-1] > 0.9
        assert "same" not in bars["y"]


def test_few_trials_tell_nothing_of_choices(full: Report):
    report = searched(full, *(one(n, 0.9, 1e-3, 1) for n in range(3)))
    assert "Fewer than 4 trials" in choices.values(report)
    assert "No trial of a search" in tried.values(searched(full))
    assert "Nothing was tried" in trials.values(searched(full))


def test_every_trial_has_its_commands_and_its_reason(full: Report):
    command = 'python -m compress.distill --gate "size <= 1GB"'
    lost = one(1, None, 9e-3, 5, state="infeasible", reason="it is <slow>")
    body = fragment(trials, searched(full, one(0, 0.9, 1e-3, 5, commands=(command, "b")), lost))
    assert body.count("<details><summary>Commands") == 1
    assert "--gate &#34;size &lt;= 1GB&#34;&#10;b" in body
    assert "it is &lt;slow&gt;" in body
    assert '<tr class="dropped">' in body


def test_a_choice_that_only_some_trials_have_is_told_by_quarters():
    made = [one(n, 0.9, 1e-3, 1, choices={"share": n / 10} if n else {}) for n in range(9)]
    found = helpers.comparable(made, "share")
    assert found[0] == helpers.NOT_CHOSEN
    assert found[1] == "0.1 to 0.28"
    assert len(set(found)) == 5
    assert helpers.varied(made) == ("share",)


def test_the_summary_says_how_many_were_tried():
    told = "A search tried 30 students on validation images, 16 to the end; the test images saw "
    page = PAGE.html(searched_report())
    assert told + "2 finalists" in page
    assert told in markdown(searched_report())
    leading = record().leading
    assert leading.trial == record().shipped
