"""Gates on decisions and calibration: by hand, against scikit-learn on drawn images, undecided."""

from dataclasses import replace

import numpy as np
import pytest
from verdicts import LABELS, accuracy, check, evaluation, model

from benchmarks import metrics
from benchmarks.gates.evidence import Subject
from benchmarks.report.format import measured
from benchmarks.statistics.decisions import ece_draws
from edgepress.core.errors import UserError
from edgepress.core.results import EvalResult


def of(result: EvalResult, name: str = "new") -> Subject:
    """Return a model with a result."""
    return Subject(model(name), result)


def probable(n: int = 400, overconfident: float = 1.0, seed: int = 0) -> EvalResult:
    """Return probabilities that are right, or too far from 1/2; one target in ten is unknown."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-0.5, 1.5, (n, 2))
    targets = (rng.random((n, 2)) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    targets[rng.random((n, 2)) < 0.1] = np.nan
    probs = 1 / (1 + np.exp(-overconfident * logits))
    found = evaluation(0, n=n)
    scores = np.stack([probs, probs]).astype(np.float32)
    return found.model_copy(update={"scores": scores, "targets": targets})


def test_what_is_undefined_is_not_measured():
    result = probable(60)
    nothing = result.model_copy(update={"targets": np.zeros_like(result.targets)})
    assert all(np.isnan(draws).all() for draws in ece_draws(nothing))
    for gate in ("cf1 >= 0", "of1 >= 0", "recall[a] >= 0", "ece <= 1"):
        verdict = check(gate, of(nothing))
        assert (verdict.outcome, verdict.measured) == ("fail", None), gate
    for gate in ("cf1 drop <= 1", "of1 drop <= 1", "recall[a] drop <= 1"):
        verdict = accuracy(gate, nothing, nothing)
        assert (verdict.outcome, verdict.measured) == ("fail", None), gate


def test_precision_of_what_is_never_said_is_not_measured():
    result = probable(60)
    silent = result.model_copy(update={"scores": np.zeros_like(result.scores)})
    assert accuracy("precision[a] drop <= 1", silent, result).outcome == "fail"
    assert check("precision[a] >= 0", of(silent)).outcome == "fail"
    assert accuracy("recall[a] drop <= 1", silent, result).measured > 0


@pytest.mark.parametrize("gate", ["cf1", "of1"])
def test_f1_gates_pass_fail_and_leave_open(gate: str):
    same, worse = evaluation(0), evaluation(0.6)
    unchanged = accuracy(f"{gate} drop <= 0.03", same, same)
    assert (unchanged.outcome, unchanged.measured) == ("pass", 0)
    # None of about 240 positives changed: three of them may have done so unseen.
    assert accuracy(f"{gate} drop <= 0.002", same, same).outcome == "inconclusive"
    verdict = accuracy(f"{gate} drop <= 0.01", worse, same)
    assert verdict.outcome == "fail"
    assert f"{gate.upper()} drops by" in verdict.reason
    assert verdict.ci95[0] < verdict.measured < verdict.ci95[1]
    own = check(f"{gate} >= 0", of(same)).measured
    outcomes = [check(f"{gate} >= {own + off}", of(same)).outcome for off in (-0.1, 0, 0.1)]
    assert outcomes == ["pass", "inconclusive", "fail"]


def test_of1_is_micro_f1():
    result = probable()
    found = metrics.averages(result.targets, result.scores[0] >= 0.5)
    assert check("of1 >= 0", of(result)).measured == pytest.approx(found.overall_f1)
    assert check("cf1 >= 0", of(result)).measured == pytest.approx(found.class_f1)


def test_all_found_of_a_few_certifies_little():
    result = evaluation(0, n=60)
    sure = result.model_copy(update={"scores": np.stack([result.targets] * 2)})
    n = int(sure.targets[:, 0].sum())
    verdict = check("recall[a] >= 0.95", of(sure))
    assert verdict.outcome == "inconclusive"
    assert f"{n} of {n}" in verdict.reason
    assert check("recall[a] >= 0.8", of(sure)).outcome == "pass"
    assert measured("recall[a] >= 0.8", 1.0) == "1.000"


def test_recall_and_precision_follow_the_thresholds_of_their_model():
    result = probable()
    low = LABELS.model_copy(update={"thresholds": (0.05, 0.5)})
    eager = of(result, "eager")
    manifest = eager.artifact.manifest.model_copy(update={"labels": low})
    eager = replace(eager, artifact=replace(eager.artifact, manifest=manifest))
    assert check("recall[a] drop <= 0", eager, of(result)).outcome == "pass"
    assert check("precision[a] drop <= 0.05", eager, of(result)).outcome == "fail"
    assert check("recall[b] drop <= 0", eager, of(result)).measured == 0
    assert check("recall[a] >= 0.9", eager).outcome == "pass"


def test_gates_on_labels_that_are_not_there():
    with pytest.raises(UserError, match="Unknown label"):
        check("recall[c] >= 0.9", of(probable()))
    with pytest.raises(UserError, match="same data"):
        accuracy("cf1 drop <= 0.01", evaluation(0, n=50), evaluation(0, n=60))


@pytest.mark.parametrize("gate", ["cf1 drop <= 1", "recall[a] drop <= 1", "ece <= 1"])
def test_missing_is_failing(gate: str):
    assert check(gate, Subject(model("new"))).outcome == "fail"


def test_calibration_is_not_blamed_for_few_images():
    # Right probabilities measure more than 5% on 200 images: chance alone.
    few = check("ece <= 0.05", of(probable(200)))
    assert few.measured > 0.05
    assert few.outcome == "inconclusive"
    assert check("ece <= 0.05", of(probable(2000))).outcome == "pass"
    assert check("ece <= 0.05", of(probable(2000, overconfident=3.0))).outcome == "fail"


def test_the_interval_of_calibration_holds_the_truth():
    large = probable(60_000, overconfident=3.0)
    truth = metrics.expected_calibration_error(large.targets, large.scores[0])
    drawn = [ece_draws(probable(300, 3.0, seed)) for seed in range(12)]
    held = [np.quantile(low, 0.025) <= truth <= np.quantile(high, 0.975) for low, high in drawn]
    assert np.mean(held) >= 0.75


@pytest.mark.parametrize("bare", ["new", "old"])
def test_a_model_that_was_not_measured_has_no_drop(bare: str):
    sides = {name: of(probable(60), name) for name in ("new", "old")}
    sides[bare] = Subject(model(bare))
    for gate in ("recall[a] drop <= 1", "cf1 drop <= 1", "of1 >= 0" if bare == "new" else ""):
        if gate:
            verdict = check(gate, sides["new"], sides["old"])
            assert (verdict.outcome, verdict.measured) == ("fail", None), gate


def test_what_is_said_of_unknown_labels_alone_is_no_precision():
    """The models find the label on images of which nobody knows whether they have it."""
    result = probable(60)
    targets, scores = result.targets.copy(), np.zeros_like(result.scores)
    targets[:5, 0], scores[:, :5, 0] = np.nan, 1
    found = result.model_copy(update={"targets": targets, "scores": scores})
    verdict = accuracy("precision[a] drop <= 1", found, found)
    assert (verdict.outcome, verdict.measured) == ("fail", None)
