"""Which model is recommended for a device, and what every two models differ by."""

import json
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, MakeModel
from verdicts import evaluation, latency, model

from benchmarks.compare import Config, compare
from benchmarks.comparison import recommendation
from benchmarks.comparison.bench import Bench
from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.report.recommended import demand, difference, fits, sentence
from benchmarks.report.schema import GateEntry, LatencyEntry, Report
from edgepress.core.ending import end_by
from edgepress.core.errors import GateFailed, GateUndecided, UserError

WRONG = COLOURS[::-1].copy()
LIMIT = "latency <= 0.02"


def check(outcome: str) -> GateEntry:
    return GateEntry(
        gate=LIMIT, against=None, measured=0.01, ci95=None, verdict=outcome, reason="Measured."
    )


def chosen(full: Report, outcomes: dict[str, str], maps: dict[str, float]) -> Report:
    """Return a report whose models, named by letters, were held against a budget."""
    models = tuple(
        full.models[0].model_copy(
            update={
                "name": name,
                "map": maps[name],
                "gates": (),
                "budget": (check(outcome),),
                "latency_s": {"cpu:1": LatencyEntry(p50=maps[name], p90=None, n=9)},
            }
        )
        for name, outcome in outcomes.items()
    )
    found = recommendation.recommend((LIMIT,), models, full.differences)
    return full.model_copy(update={"models": models, "recommendation": found})


def test_the_most_accurate_that_surely_keeps_the_budget_is_chosen(full_report: Report) -> None:
    outcomes = {"a": "pass", "b": "inconclusive", "c": "pass", "d": "fail"}
    report = chosen(full_report, outcomes, {"a": 0.7, "b": 0.9, "c": 0.8, "d": 0.95})
    assert report.recommendation.chosen == "c"
    assert report.recommendation.verdict == "pass"
    assert "c is the most accurate of the 2 models that keep latency ≤ 20.0 ms" in sentence(report)
    assert recommendation.finding(report) == ()


def test_a_cheaper_model_is_named_if_it_may_be_as_accurate(full_report: Report) -> None:
    pairs = full_report.differences
    pair = pairs[0].model_copy(
        update={"one": "a", "other": "b", "map_difference": 0.01, "ci95": (-0.01, 0.03)}
    )
    outcomes, maps = {"a": "pass", "b": "pass"}, {"a": 0.8, "b": 0.4}
    full = full_report.model_copy(update={"differences": (pair,)})
    report = chosen(full, outcomes, maps)
    assert report.recommendation.cheaper == ("b",)
    told = "b is 2.00× faster and not surely less accurate (−1.0 points of mAP, 95% interval −3.0"
    assert told in sentence(report)
    sure = pair.model_copy(update={"ci95": (0.002, 0.018)})
    full = full_report.model_copy(update={"differences": (sure,)})
    assert chosen(full, outcomes, maps).recommendation.cheaper == ()


@pytest.mark.parametrize(
    ("outcomes", "error", "told"),
    [
        (("fail", "fail"), GateFailed, "none keeps latency ≤ 20.0 ms"),
        (("fail", "inconclusive"), GateUndecided, "none surely keeps"),
    ],
)
def test_without_a_choice_the_command_ends_by_it(full_report, outcomes, error, told) -> None:
    named = dict(zip("ab", outcomes, strict=True))
    report = chosen(full_report, named, {"a": 0.8, "b": 0.4})
    assert report.recommendation.chosen is None
    with pytest.raises(error, match=told):
        end_by(recommendation.finding(report))


def test_a_model_that_failed_its_own_gate_or_has_no_map_does_not_fit(full_report: Report) -> None:
    entry = chosen(full_report, {"a": "pass"}, {"a": 0.8}).models[0]
    assert fits(entry) == "pass"
    assert fits(entry.model_copy(update={"gates": (check("fail"),)})) == "fail"
    assert fits(entry.model_copy(update={"map": None})) == "fail"
    failed = full_report.model_copy(
        update={
            "models": (entry.model_copy(update={"gates": (check("fail"),)}),),
            "recommendation": full_report.recommendation.model_copy(
                update={"chosen": None, "verdict": "fail"}
            ),
        }
    )
    assert "and has its mAP measured and no other gate failed" in sentence(failed)


@pytest.mark.parametrize(
    "text", ["map drop <= 0.01", "latency speedup >= 2", "agreement >= 0.9", "size <= 1MB vs other"]
)
def test_a_budget_compares_with_no_model(text: str) -> None:
    with pytest.raises(UserError, match="A budget is what the device has"):
        recommendation.parse_budget([text])


def test_differences_are_of_pairs_and_turn_round() -> None:
    names, noises = ("a", "b", "c"), (0.0, 0.0, 0.8)
    results = tuple(evaluation(noise) for noise in noises)
    bench = Bench(tuple(map(model, names)), names, results)
    same, worse, again = recommendation.differences(bench)
    assert (same.one, same.other, same.map_difference, same.p_holm) == ("a", "b", 0, 1)
    assert same.ci95[0] == -same.ci95[1] < 0
    assert worse.map_difference == pytest.approx(results[0].map - results[2].map)
    assert worse.ci95[0] > 0
    assert worse.p_holm == again.p_holm < 1e-6
    report = Report.model_construct(differences=(same, worse, again))
    turned = difference(report, "c", "a")
    assert turned.map_difference == -worse.map_difference
    assert turned.ci95 == (-worse.ci95[1], -worse.ci95[0])
    other = evaluation(0, n=50)
    unpaired = Bench(bench.models, names, (*results[:2], other))
    assert len(recommendation.differences(unpaired)) == 1


def test_memory_is_a_gate() -> None:
    used = latency(0.01).model_copy(update={"peak_rss_bytes": 100_000_000})
    more = used.model_copy(update={"peak_rss_bytes": 160_000_000})
    subject, other = Subject(model("new"), latency=used), Subject(model("old"), latency=more)
    limits = {"peak_rss <= 100MB": "pass", "peak_rss <= 99MB": "fail"}
    for text, outcome in limits.items():
        assert verdicts.needs_latency(verdicts.parse(text))
        verdict = verdicts.check(verdicts.parse(text), Evidence(subject))
        assert verdict.outcome == outcome
        assert verdict.measured == 100_000_000
    share = verdicts.check(verdicts.parse("peak_rss ratio <= 0.7"), Evidence(subject, other))
    assert (share.outcome, share.measured) == ("pass", 0.625)
    untimed = verdicts.check(verdicts.parse("peak_rss <= 1GB"), Evidence(Subject(model("new"))))
    assert untimed.outcome == "fail"


def test_limits_are_told_with_their_units() -> None:
    told = [demand(text) for text in ("size <= 2000000", "macs <= 300000000", "map >= 0.8")]
    assert told == ["size ≤ 2.00 MB", "macs ≤ 300 M", "map ≥ 0.800"]


def test_compare_recommends(make_model: MakeModel, colours: Path, tmp_path: Path, command) -> None:
    models = [make_model("wrong", WRONG).path, make_model("right", np.copy(COLOURS)).path]
    models.append(make_model("large", COLOURS, convs=2).path)
    sizes = [(path / "model.onnx").stat().st_size for path in models]
    assert sizes[2] > 2 * sizes[1]
    common = (*models, "--data", colours, "--no-latency", "--out", tmp_path / "out")
    done = command("benchmarks.compare", *common, "--budget", f"size <= {sizes[2] - 1}")
    assert done.code == 0, done.err
    assert "right is the most accurate of the 2 models that keep size" in done.out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["recommendation"]["chosen"] == "right"
    assert len(report["differences"]) == 3
    for name in ("report.md", "report.html"):
        assert "Take right" in (tmp_path / "out" / name).read_text()
    none = command("benchmarks.compare", *common, "--budget", "size <= 10B")
    assert none.code == 3
    assert "Of 3 models, none keeps size ≤ 10 B" in none.err
    untimed = command("benchmarks.compare", *common, "--budget", "latency p50 <= 1s")
    assert untimed.code == 3
    bad = command("benchmarks.compare", *common, "--budget", "size ratio <= 1")
    assert bad.code == 2


def test_without_a_budget_nothing_is_recommended(
    make_model: MakeModel, colours: Path, tmp_path: Path
) -> None:
    models = (make_model("one").path, make_model("two", np.copy(COLOURS)).path)
    config = Config(models=models, out=tmp_path / "out", data=str(colours), latency=False)
    report = compare(config)
    assert report.recommendation is None
    assert [(pair.map_difference, pair.p_holm) for pair in report.differences] == [(0, 1)]
    assert "Recommendation" not in (tmp_path / "out" / "report.html").read_text()
