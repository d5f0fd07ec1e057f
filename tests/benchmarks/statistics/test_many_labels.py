"""Several labels at once, and decisions that differ."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdicts import accuracy, evaluation, model

from benchmarks.statistics.agreement import agreement, decisions
from benchmarks.statistics.labels import drop_p_values, holm, worst_label_bounds
from benchmarks.statistics.paired import Estimate


def test_holm_by_hand() -> None:
    """Smallest times 3, next times 2, largest times 1, never falling, at most 1."""
    assert holm([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


def test_holm_leaves_undefined_labels_out() -> None:
    adjusted = holm([0.01, np.nan, 0.02])
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2]].tolist() == pytest.approx([0.02, 0.02])


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_p_value_and_bonferroni_in_any_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert (adjusted >= np.asarray(values) - 1e-12).all()
    assert (adjusted <= np.minimum(np.asarray(values) * len(values), 1) + 1e-12).all()
    assert holm(values[::-1]).tolist() == pytest.approx(adjusted[::-1].tolist())


def test_p_values_of_a_sure_drop_and_of_none() -> None:
    found = drop_p_values([drop(0.196), drop(0.0), None, drop(-0.164485)])
    assert found[[0, 1, 3]] == pytest.approx([0.05, 1.0, 0.1], abs=1e-4)
    assert np.isnan(found[2])
    assert drop_p_values([drop(0.9)])[0] < 1e-8, "as many labels as there may be"


def drop(value: float) -> Estimate:
    """Return the drop of a label with very many positives and a standard error of 10 points."""
    return Estimate(value, 0.1, np.inf, 10**9, 10**9, 1.0, (-1.0, 1.0))


def test_worst_label_bounds_are_those_of_the_worst_label() -> None:
    low, high = worst_label_bounds([drop(0.0), drop(0.3)])
    assert high == pytest.approx(0.3 + 1.645 * 0.1, abs=1e-3)
    assert low == pytest.approx(0.3 - 1.96 * 0.1, abs=1e-3), "5% shared by two labels"


@pytest.mark.parametrize("n_labels", [80, 1000])
def test_no_label_drops_and_the_worst_fails_no_more_often_than_it_says(n_labels: int) -> None:
    """Half of the labels are worse by chance: 60 times, of which 3 may fail."""
    draw = np.random.default_rng(0)
    failed = 0
    for _ in range(60):
        chance = draw.standard_normal(n_labels) * 0.1
        failed += worst_label_bounds([drop(float(value)) for value in chance])[0] > 0
    assert failed <= 6
    assert worst_label_bounds([drop(0.0)] * (n_labels - 1) + [drop(0.5)])[0] > 0


def one_label_worse(noise: float = 1.0) -> tuple[object, object]:
    reference, noisy = evaluation(0.0, n=2000), evaluation(noise, n=2000)
    scores = reference.scores.copy()
    scores[:, :, 1] = noisy.scores[:, :, 1]
    ap = {"a": reference.ap["a"], "b": noisy.ap["b"]}
    changes = {"scores": scores, "ap": ap, "map": float(np.mean(list(ap.values())))}
    return reference.model_copy(update=changes), reference


def test_a_drop_of_one_label_fails_the_gate_on_the_worst_and_is_named() -> None:
    candidate, reference = one_label_worse()
    verdict = accuracy("worst_ap drop <= 0.05", candidate, reference)
    assert verdict.outcome == "fail"
    assert "drops most for b" in verdict.reason
    assert accuracy("worst_ap drop <= 0.05", reference, reference).outcome == "pass"


def test_a_label_without_a_metric_fails_the_gate_on_the_worst() -> None:
    reference = evaluation(0.0)
    undefined = reference.model_copy(update={"ap": {"a": 0.5, "b": None}})
    assert accuracy("worst_ap drop <= 0.5", undefined, reference).outcome == "fail"


def test_agreement_counts_and_lists_what_flipped() -> None:
    reference = evaluation(0.0)
    scores = reference.scores.copy()
    scores[0, 3, 1] = 1 - reference.scores[0, 3, 1]
    scores[0, 7, 0] = reference.scores[0, 7, 0] + 2
    reference.scores[0, 7, 0] = 0.1
    candidate = reference.model_copy(update={"scores": scores})
    found = agreement((model("new"), candidate), (model("old"), reference))
    same = decisions(model("new"), candidate) == decisions(model("old"), reference)
    assert found.share == same.mean()
    assert len(found.flips) == (~same).sum() == 2
    assert (found.flips[0].image_id, found.flips[0].label) == ("7", "a")
    assert found.flips[0].prob_candidate - found.flips[0].prob_reference > 1
    assert found.ci95[0] <= found.share <= found.ci95[1]


def test_a_model_agrees_with_itself_and_the_gate_names_the_reference() -> None:
    reference = evaluation(0.0)
    verdict = accuracy("agreement >= 0.97", reference, reference)
    assert (verdict.outcome, verdict.measured, verdict.against) == ("pass", 1.0, "old")
    # So few images without a difference do not show that one in a thousand decides the same.
    assert accuracy("agreement >= 0.999", reference, reference).outcome == "inconclusive"
    assert accuracy("agreement >= 0.9", evaluation(3.0), reference).outcome == "fail"
