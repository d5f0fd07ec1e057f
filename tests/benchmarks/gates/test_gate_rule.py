"""Whatever the theory: no verdict contradicts the measured value, no interval leaves it out."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdicts import LABEL_METRICS, LABELS, OF_FIGURES, OPS, latency, model, pretend

from benchmarks.evaluation.evaluation import with_metrics
from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Finding, Subject, holding
from benchmarks.report.format import measured
from edgepress.core.gates import Gate, Verdict
from edgepress.core.results import EvalResult

METRICS = [key for key in OF_FIGURES if key[0] not in ("drifting", "robust_map")]
COUNTED = {
    "macs": 40, "params": 30, "int8_convs_fused": 3, "convs_total": 4, "qdq_nodes": 2,
    "parity_max_prob_diff": 0.01, "parity_flipped": 0.02,
}  # fmt: skip


def drawn(rng: np.random.Generator, n: int, targets: np.ndarray, groups: int) -> EvalResult:
    """Return made-up probabilities of two views."""
    blank = rng.random(targets.shape) < 0.05
    scores = np.clip(0.6 * targets + rng.normal(0.2, 0.25, (2, n, 2)), 0, 1).astype(np.float32)
    bare = EvalResult(
        data_id="d", label_names=LABELS.names, image_ids=tuple(map(str, range(n))),
        view_names=("identity", "flip"), scores=scores,
        targets=np.where(blank, np.nan, targets).astype(np.float32), ap={}, map=None,
        f1_macro=None, ece=None, groups=tuple(np.arange(n) % groups) if groups else (),
    )  # fmt: skip
    return with_metrics(bare, LABELS)


def evidence(seed: int, n: int, groups: int) -> Evidence:
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 2)) < rng.choice([0.1, 0.5, 0.9])).astype(float)
    ours, theirs = drawn(rng, n, targets, groups), drawn(rng, n, targets, groups)
    ours = ours.model_copy(update={"targets": theirs.targets})
    ours, theirs = with_metrics(ours, LABELS), with_metrics(theirs, LABELS)
    times = [latency(0.001, float(rng.choice([0.01, 0.5])), seed + place) for place in range(2)]
    new = Subject(model("new", **COUNTED), ours, times[0])
    return Evidence(new, Subject(model("old", **COUNTED), theirs, times[1]), aa=(0.99, 1.01))


def contradicts(gate: Gate, verdict: Verdict) -> bool:
    met = verdict.measured <= gate.limit if gate.op == "<=" else verdict.measured >= gate.limit
    return verdict.outcome == ("fail" if met else "pass")


@pytest.mark.parametrize("key", METRICS)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([2, 5, 30]), st.sampled_from([0, 1, 2, 5]))
def test_no_verdict_contradicts_what_was_measured(
    key: tuple[str, str], seed: int, n: int, groups: int
) -> None:
    metric, form = key
    name = f"{metric}[a]" if metric in LABEL_METRICS else metric
    seen = evidence(seed, n, groups)
    gate = Gate(metric=name, form=form, op=OPS[key], limit=1e9)
    value = verdicts.check(gate, seen).measured
    if value is None:
        return
    for limit in (value, *(value + off for off in (-1, -0.1, -1e-3, -1e-9, 1e-9, 1e-3, 0.1, 1))):
        if form == "speedup" and limit <= 0:
            continue
        one = gate.model_copy(update={"limit": limit})
        verdict = verdicts.check(one, seen)
        assert not contradicts(one, verdict), verdict
        assert verdict.ci95 is None or verdict.ci95[0] <= value <= verdict.ci95[1], verdict


@pytest.mark.parametrize("bounds", [(0.8, 0.9), (0.1, 0.3), (math.nan, math.nan)])
def test_an_interval_beside_its_estimate_is_widened_and_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, bounds: tuple[float, float]
) -> None:
    """Whatever a method returns: 80.5% to 87.7% passed a demand of 80% at a measured 75%."""
    found = Finding(0.75, bounds, bounds, "made up")
    assert found.ci95[0] <= 0.75 <= found.ci95[1]
    assert found.bounds == found.ci95
    for key, limit in ((("map", "value"), 0.8), (("map", "drop"), 0.2)):
        pretend(monkeypatch, key, found)
        gate = Gate(metric="map", form=key[1], op=OPS[key], limit=limit)
        assert verdicts.check(gate, Evidence(Subject(model("new")))).outcome != "pass"
    assert holding(0.5, (0.4, 0.6)) == (0.4, 0.6)


@pytest.mark.parametrize("text", ["parity <= 0.001", "flipped <= 0.001"])
def test_a_figure_that_is_no_number_is_not_measured(text: str) -> None:
    broken = Subject(model("new", parity_max_prob_diff=math.nan, parity_flipped=math.nan))
    verdict = verdicts.check(verdicts.parse(text), Evidence(broken))
    assert (verdict.outcome, verdict.measured) == ("fail", None)


def test_no_change_among_three_images_certifies_little() -> None:
    """None of three positives was lost: that certifies no drop of at most 5 points."""
    targets = np.array([[1, 0]] * 3 + [[0, 1]] * 37, np.float32)
    scores = np.stack([targets] * 2)
    bare = drawn(np.random.default_rng(0), 40, targets, 0)
    sure = with_metrics(bare.model_copy(update={"targets": targets, "scores": scores}), LABELS)
    seen = Evidence(Subject(model("new"), sure), Subject(model("old"), sure))
    for text, reason in (
        ("recall[a] drop <= 0.05", "recall of a, which 3 images have, drops by 0.00 points"),
        ("precision[a] drop <= 0.05", "precision of a, which 3 images have, drops"),
        ("agreement >= 0.97", "0 differ"),
        ("cf1 drop <= 0.01", "CF1 drops by 0.00"),
        ("of1 drop <= 0.01", "OF1 drops by 0.00"),
        ("recall[a] >= 0.5", "3 of 3"),
    ):
        verdict = verdicts.check(verdicts.parse(text), seen)
        assert verdict.outcome == "inconclusive", text
        assert reason in verdict.reason
        (ends,) = re.findall(r"interval (-?[\d.]+)%? to (-?[\d.]+)", verdict.reason)
        low, high = map(float, ends)
        assert low < high


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("worst_ap drop <= 0.05", "3.1 points"),
        ("ap[a b] drop <= 0.05", "3.1 points"),
        ("recall[a b c] drop <= 0.05", "3.1 points"),
        ("ap[drop] >= 0.5", "0.031"),
        ("ap[a speedup b] >= 0.5 vs x", "0.031"),
        ("agreement >= 0.98", "3.1%"),
        ("latency speedup >= 2", "0.03×"),
    ],
)
def test_figures_are_shown_in_what_they_are(gate: str, told: str) -> None:
    assert measured(gate, 0.0312) == told
