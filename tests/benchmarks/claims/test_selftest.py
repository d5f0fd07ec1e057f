"""The self-test's own formulas, and that it can fail."""

import json
from pathlib import Path

import numpy as np
import pytest
from colours import MakeModel
from sklearn.metrics import average_precision_score
from timed_once import once
from timings import noisy

from benchmarks.claims.selftest import (
    accuracy,
    agreement,
    check,
    coverage,
    coverage_cases,
    decisions,
    latency,
    overhead,
    passes,
)
from benchmarks.claims.selftest.simulated import (
    PREVALENCE,
    SEPARATION,
    Pair,
    draw,
    separation_for,
    true_ap,
    true_map,
)
from benchmarks.gates import verdicts
from benchmarks.statistics import label_decisions, paired
from benchmarks.timing import tournament
from benchmarks.timing.worker import Job, Sample


def test_true_ap_is_that_of_very_many_images() -> None:
    rng = np.random.default_rng(0)
    targets = rng.random(400_000) < 0.3
    scores = SEPARATION * targets + rng.standard_normal(len(targets))
    assert true_ap(SEPARATION, 0.3) == pytest.approx(
        average_precision_score(targets, scores), abs=0.003
    )


def test_a_planted_drop_is_as_large_as_it_says() -> None:
    assert true_map(SEPARATION) - true_map(separation_for(0.02)) == pytest.approx(0.02, abs=1e-9)
    candidate, reference = draw(Pair(drop=0.05, correlation=0.9), 50_000, seed=1)
    assert reference.map - candidate.map == pytest.approx(0.05, abs=0.01)
    assert len(reference.ap) == len(PREVALENCE)


def test_the_accuracy_part_passes_and_notices_a_wrong_interval(make_model, monkeypatch) -> None:
    monkeypatch.setattr(accuracy, "PAIRS", 30)
    monkeypatch.setattr(accuracy, "PAIR_IMAGES", 300)
    monkeypatch.setattr(accuracy, "DECIDED", 3)
    found = accuracy.run(make_model("named"))
    assert [check.met for check in found[1:]] == [True, True]
    monkeypatch.setattr(paired.Estimate, "interval", lambda found: (0.5, 0.6))
    assert accuracy.run(make_model("again"))[0].met is False


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ({"reference": 1.0, "equal": 1.0, "slower": 1.1}, [("0", True), ("1, 0 passed", True)]),
        ({"reference": 1.0, "equal": 0.9, "slower": 0.9}, [("1", False), ("0, 1 passed", False)]),
    ],
    ids=["sound", "unsound"],
)
def test_the_latency_part_tells_equal_from_slower(
    seconds: dict[str, float], found: list[tuple[str, bool]], tmp_path: Path, monkeypatch
) -> None:
    """A process of each model is real, beside a busy one; what it has taken is made up."""
    start, drawn = once(tournament.spawn), noisy(0, 0.002)

    def spawn(job: Job, timeout_s: float) -> Sample:
        sample, name = start(job.model_copy(update={"profile": False}), timeout_s), job.model.stem
        assert sample.blocks_s[0][0] > 0
        return sample.model_copy(update={"blocks_s": ((seconds[name] * drawn(name, 0),),)})

    short = {"blocks": 1, "warmup_s": 0.02, "block_s": 0.02}
    monkeypatch.setattr(tournament, "spawn", spawn)
    monkeypatch.setattr(latency, "usable_cores", lambda: 1)
    monkeypatch.setattr(latency, "SETTINGS", latency.SETTINGS.model_copy(update=short))
    checks = latency.run(tmp_path, runs=1)
    assert [(check.measured, check.met) for check in checks] == found
    assert checks[0].demanded == "at most 0"


@pytest.mark.timing
def test_the_harness_adds_little(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(overhead, "BLOCKS", 15)
    (check,) = overhead.run(tmp_path)
    assert check.measured.endswith("%")
    assert abs(float(check.measured.rstrip("%"))) < 10


def test_the_command_writes_its_result(tmp_path: Path, command, monkeypatch) -> None:
    monkeypatch.setattr(overhead, "BLOCKS", 5)
    out = tmp_path / "results"
    done = command("benchmarks.claims.selftest.__main__", "--parts", "overhead", "--out", out)
    assert done.code in (0, 3), done.err
    (check,) = json.loads((out / "overhead.json").read_text())["checks"]
    assert check["demanded"] == "less than 2%"
    assert "Self-test" in done.out


def test_without_a_model_nothing_is_claimed_of_the_runtimes() -> None:
    (check,) = agreement.run(())
    assert check.met is None
    assert "make demo" in check.measured


def test_the_decisions_part_passes_and_notices_limits_that_are_too_narrow(monkeypatch) -> None:
    monkeypatch.setattr(decisions, "RUNS", 5)
    monkeypatch.setattr(decisions, "POSITIVES", (3,))
    found = decisions.run()
    assert len(found) == 18
    assert all(check.met for check in found), [check for check in found if not check.met]
    monkeypatch.setattr(label_decisions, "limits", lambda share, *_: (share, share))
    broken = {check.name: check.met for check in decisions.run()}
    assert broken["recall[a], each image alone"] is False


def test_the_truth_of_simulated_decisions_is_that_of_very_many_images() -> None:
    problem = decisions.Problem(decisions.Truth(0.2, 0.5, 0.1, 0.3), 3000, grouped=False)
    evidence = decisions._draw(problem, np.random.default_rng(0))
    for text, truth in problem.expected().items():
        assert verdicts.check(verdicts.parse(text), evidence).measured == pytest.approx(
            truth, abs=0.02
        )


def test_cases_have_as_many_positives_as_they_say_and_groups_are_alike() -> None:
    for grouped in (False, True):
        candidate, reference = coverage_cases.draw(coverage_cases.Case(5, grouped), 2, seed=0)
        assert (reference.targets.sum(axis=0) == 5).all()
        assert candidate.scores.shape == (2, coverage_cases.IMAGES, coverage_cases.LABELS)
        paired.check_paired(candidate, reference)
        noise = reference.scores[:, :, reference.targets.sum(axis=0) == 5].mean(axis=0)
        negatives = np.where(reference.targets == 0, noise, np.nan)
        numbers = np.array(reference.groups or range(coverage_cases.IMAGES))
        same = np.flatnonzero(numbers[1:] == numbers[:-1])
        assert (len(same) > 100) == grouped
        if grouped:
            pairs = np.stack([negatives[same].ravel(), negatives[same + 1].ravel()])
            alike = np.corrcoef(pairs[:, ~np.isnan(pairs).any(axis=0)])[0, 1]
            assert 0.5 < alike < 0.65


def test_intervals_that_are_too_narrow_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 95% and of 70%: each label's interval is counted, of 5 test parts of 200 labels."""
    case = coverage_cases.Case(30, False)

    def covered() -> dict[int, float]:
        parts = [coverage._measured(case, 1, seed) for seed in range(5)]
        cells = coverage._cells(case, 1, parts)
        return {one.labels: one.covered for one in cells if one.kind == "mAP"}

    assert 0.9 < covered()[4] < 0.99
    usual = paired.Estimate.interval
    half = monkeypatch.context
    with half() as patch:
        patch.setattr(
            paired.Estimate,
            "interval",
            lambda one: tuple(one.value + (end - one.value) / 2 for end in usual(one)),
        )
        found = covered()[4]
    assert found < 0.8
    cell = check.Cell(
        positives=30, grouped=False, kind="mAP", views=1, labels=4, parts=300, intervals=15_000,
        covered=found, too_low=0, too_high=0, few=0, population=None,
    )  # fmt: skip
    assert not coverage.covers(cell)
    assert coverage.covers(cell.model_copy(update={"covered": 0.95}))
    assert not coverage.covers(cell.model_copy(update={"covered": 0.999}))
    assert coverage.covers(cell.model_copy(update={"covered": 0.999, "few": 0.9}))


def test_false_passes_are_noticed(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "RUNS", 60)
    model = make_model("named")
    assert passes._lookup(model, 10, 1, 0.2).met
    monkeypatch.setattr(paired.Estimate, "bounds", lambda one, tail=0.05: one.shown_bounds())
    monkeypatch.setattr(paired.Estimate, "few", False)
    assert not passes._lookup(model, 10, 1, 0.2).met


def test_the_worst_of_many_equal_labels_is_not_surely_worse() -> None:
    assert not any(passes._worst_is_surely_above_0(80, seed) for seed in range(3))
