"""Verdicts: what passes, what fails, what is undecided, and that nothing missing ever passes."""

from pathlib import Path

import numpy as np
import pytest
from verdicts import LABELS, OF_FIGURES, OPS, accuracy, check, evaluation, latency, model, speed

from benchmarks.evaluation.evaluation import with_metrics
from benchmarks.gates import verdicts as gates
from benchmarks.gates.checks import Scene, measured, require_decidable
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.gates.text import parse
from edgepress.core import ending
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate
from edgepress.core.manifest import TimeShares
from edgepress.core.results import SOFTWARE


def test_a_model_passes_against_itself_within_what_its_images_can_show() -> None:
    """Of a label with P positives up to `1 - 0.05 ** (1 / P)` may fail unseen, of two a half."""
    fewest = int(evaluation(0).targets.sum(axis=0).min())
    unseen = (1 - 0.05 ** (1 / fewest)) / 2
    verdict = accuracy("map drop <= 0.02", evaluation(0), evaluation(0))
    assert (verdict.outcome, verdict.measured) == ("pass", 0.0)
    assert verdict.margin == pytest.approx(0.02 - unseen)
    verdict = accuracy("map drop <= 0", evaluation(0), evaluation(0))
    assert verdict.outcome == "inconclusive"
    assert f"is in {fewest} images, which cannot show less" in verdict.reason


def test_planted_drop_fails() -> None:
    verdict = accuracy("map drop <= 0.01", evaluation(0.6), evaluation(0))
    assert verdict.outcome == "fail"
    assert verdict.margin < 0
    assert f"drops by {100 * verdict.measured:.2f} points" in verdict.reason
    assert "limit of 1 points is not met" in verdict.reason
    assert verdict.against == "old"


def test_too_few_images_decide_nothing() -> None:
    verdict = accuracy("map drop <= 0.01", evaluation(0.1, n=60), evaluation(0, n=60))
    assert verdict.outcome == "inconclusive"
    assert verdict.ci95[0] < 0.01 < verdict.ci95[1]


def test_label_gate_and_unknown_label() -> None:
    assert accuracy("ap[a] drop <= 0.03", evaluation(0), evaluation(0)).outcome == "pass"
    assert accuracy("ap[b] drop <= 0.01", evaluation(0.8), evaluation(0)).outcome == "fail"
    with pytest.raises(UserError, match="Unknown label"):
        accuracy("ap[c] drop <= 0.01", evaluation(0), evaluation(0))


def test_gain_that_is_too_good_is_flagged() -> None:
    verdict = accuracy("map drop <= 0.01", evaluation(0, sharpness=2), evaluation(0.3))
    assert verdict.outcome == "pass"
    assert "suspicious" in verdict.reason
    assert "suspicious" not in accuracy("map drop <= 1", evaluation(0), evaluation(0)).reason


def test_map_itself() -> None:
    result = evaluation(0)
    subject = Subject(model("new"), result)
    assert check(f"map >= {result.map - 0.1}", subject).outcome == "pass"
    assert check(f"map >= {result.map}", subject).outcome == "inconclusive"
    assert check(f"map >= {result.map + 0.1}", subject).outcome == "fail"


def test_speedup_passes_fails_and_is_undecided() -> None:
    ours, theirs = latency(0.001), latency(0.0021, seed=1)
    assert speed("latency speedup >= 2", ours, theirs).outcome == "pass"
    assert speed("latency speedup >= 3", ours, theirs).outcome == "fail"
    noisy = speed("latency speedup >= 2", latency(0.001, 0.2), latency(0.0021, 0.2, seed=1))
    assert noisy.outcome == "inconclusive"


def test_noisy_machine_decides_nothing() -> None:
    ours, theirs = latency(0.001), latency(0.0021, seed=1)
    assert speed("latency speedup >= 2", ours, theirs, aa=0.01).outcome == "pass"
    verdict = speed("latency speedup >= 2", ours, theirs, aa=0.2)
    assert verdict.outcome == "inconclusive"
    assert "this machine is too noisy" in verdict.reason


def test_times_of_an_emulated_device_decide_nothing() -> None:
    emulated = latency(0.001).model_copy(update={"provider_opened": f"WebGpu ({SOFTWARE})"})
    verdicts = (
        speed("latency speedup >= 2", emulated, latency(0.0021, seed=1)),
        speed("latency speedup >= 2", latency(0.001), emulated),
        check("latency p50 <= 5ms", Subject(model("new"), latency=emulated)),
    )
    assert [verdict.outcome for verdict in verdicts] == ["inconclusive"] * 3
    assert all("software adapter" in verdict.reason for verdict in verdicts)


def test_latency_of_other_rounds_is_refused() -> None:
    other = latency(0.001).model_copy(update={"block_medians_s": (0.001,) * 5})
    with pytest.raises(UserError, match="different runs"):
        speed("latency speedup >= 2", other, latency(0.002))


def test_the_90th_percentile_of_the_runs() -> None:
    runs = tuple(0.001 * (1 + n / 1000) for n in range(1000, 0, -1))
    timed = latency(0.001).model_copy(update={"samples_s": runs})
    subject = Subject(model("new"), latency=timed)
    # of 1,000 sorted runs the bounds at 99% confidence are the 877th and the 923rd
    assert check("latency p90 <= 1.923ms", subject).outcome == "pass"
    assert check("latency p90 <= 1.9229ms", subject).outcome == "inconclusive"
    assert check("latency p90 <= 1.877ms", subject).outcome == "inconclusive"
    verdict = check("latency p90 <= 1.8769ms", subject)
    assert verdict.outcome == "fail"
    assert verdict.measured == pytest.approx(0.0019001)
    few = Subject(model("new"), latency=timed.model_copy(update={"samples_s": runs[:63]}))
    assert check("latency p90 <= 1s", few).outcome == "inconclusive"


def test_median_latency() -> None:
    subject = Subject(model("new"), latency=latency(0.004))
    assert check("latency p50 <= 5ms", subject).outcome == "pass"
    verdict = check("latency p50 <= 3ms", subject)
    assert verdict.outcome == "fail"
    assert "ms" in verdict.reason


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("macs ratio <= 0.5", "pass"),
        ("macs ratio <= 0.4", "fail"),
        ("params <= 10", "pass"),
        ("int8_convs >= 0.75", "pass"),
        ("int8_convs >= 1", "fail"),
        ("float_time <= 26%", "pass"),
        ("float_time <= 0.24", "fail"),
        ("qdq_nodes <= 4", "pass"),
        ("qdq_nodes <= 2", "fail"),
        ("parity <= 0.001", "pass"),
        ("flipped <= 0.001", "fail"),
    ],
)
def test_counted_figures(text: str, outcome: str) -> None:
    new = model(
        "new", macs=50, params=10, int8_convs_fused=3, convs_total=4,
        parity_max_prob_diff=1e-6, parity_flipped=0.5, qdq_nodes=4,
        time_shares=TimeShares(integer=0.7, conversions=0.05, layout=0.05, floats={"Conv": 0.2}),
    )  # fmt: skip
    verdict = check(text, Subject(new), Subject(model("old", macs=100)))
    assert verdict.outcome == outcome
    assert verdict.measured is not None


def test_integer_layers_are_told_of_those_that_should_and_of_all() -> None:
    made = model(
        "new", int8_convs_fused=33, convs_total=49, convs_kept_float=16,
        dense_int8=2, dense_total=4, dense_kept_float=1,
    )  # fmt: skip
    verdict = check("int8_convs >= 1", Subject(made))
    assert verdict.outcome == "fail"
    assert verdict.measured == pytest.approx(35 / 36)
    assert "35 of the 36 convolutions and dense layers that should" in verdict.reason
    assert "of 53 in all" in verdict.reason


def test_what_does_not_apply_is_no_failure() -> None:
    stem = model("new", int8_convs_fused=0, convs_total=1, convs_kept_float=1)
    verdict = check("int8_convs >= 1", Subject(stem))
    assert (verdict.outcome, verdict.measured) == ("pass", 1.0)
    assert "no convolution or dense layer should run in int8" in verdict.reason


def test_size_is_read_from_the_file(tmp_path: Path) -> None:
    for name, size in (("old", 1000), ("new", 100)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.onnx").write_bytes(b"0" * size)
    new, old = (Subject(Artifact(tmp_path / n, model(n).manifest)) for n in ("new", "old"))
    assert check("size ratio <= 0.1", new, old).outcome == "pass"
    assert check("size <= 0.05kB", new).outcome == "fail"


@pytest.mark.parametrize("gate", OF_FIGURES)
def test_missing_evidence_fails(gate: tuple[str, str]) -> None:
    metric, form = gate
    demand = Gate(
        metric="ap[a]" if metric == "ap" else metric,
        form=form,
        op=OPS[gate],
        limit=1e9 if OPS[gate] == "<=" else 1e-9,
    )
    verdict = gates.check(demand, Evidence(Subject(model("new"))))
    assert verdict.outcome == "fail"
    assert verdict.measured is None
    assert "not measured" in verdict.reason


def test_speedup_without_an_aa_run_fails() -> None:
    pair = (Subject(model("new"), latency=latency(1)), Subject(model("old"), latency=latency(9)))
    assert check("latency speedup >= 2", *pair).outcome == "fail"


def test_undefined_metric_fails() -> None:
    empty = evaluation(0)
    targets = np.zeros_like(empty.targets)
    empty = with_metrics(empty.model_copy(update={"targets": targets}), LABELS)
    verdict = accuracy("map drop <= 1", empty, empty)
    assert (verdict.outcome, verdict.measured) == ("fail", None)


def test_check_all_knows_only_the_reference_at_hand() -> None:
    old, new = Subject(model("old"), evaluation(0)), Subject(model("new"), evaluation(0))
    wanted = ("map drop <= 0.02", "map drop <= 0.02 vs old", "map drop <= 0.02 vs other")
    outcomes = [verdict.outcome for verdict in gates.check_all(wanted, new, old)]
    assert outcomes == ["pass", "pass", "fail"]


def test_worst() -> None:
    assert ending.worst([]) == "pass"
    assert ending.worst(["pass", "inconclusive"]) == "inconclusive"
    assert ending.worst(["inconclusive", "fail", "pass"]) == "fail"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("map drop <= 0.1", "demand a value, e.g. 'map >= LIMIT', or compare"),
        ("recall[a] drop <= 0.1", r"e.g. 'recall\[a\] >= LIMIT', or compare"),
        ("worst_ap drop <= 0.1", "Next: compare afterwards"),
        ("agreement >= 0.9", "Next: compare afterwards"),
    ],
)
def test_only_gates_that_there_are_are_advised(text: str, advice: str) -> None:
    with pytest.raises(UserError, match=advice):
        require_decidable([parse(text)], Scene(measured(), references=()))
