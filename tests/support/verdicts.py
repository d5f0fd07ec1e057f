"""Models, evaluations and latencies that were never measured, to hold against gates."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.evaluation import with_metrics
from benchmarks.gates import metrics, verdicts
from benchmarks.gates.evidence import Evidence, Finding, Subject
from edgepress.core.artifact import Artifact
from edgepress.core.gates import Gate, Verdict
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest, Measurements
from edgepress.core.results import EvalResult, LatencyResult

FORMS = {
    (name, form): found
    for name, metric in metrics.every().items()
    for form, found in metric.forms.items()
}
"""Every form of every metric."""
OPS = {key: form.op for key, form in FORMS.items()}
KNOWN = {
    "agreement", "ap", "cf1", "chance", "drifting", "ece", "flipped", "float_time", "int8_convs",
    "latency", "macs", "map", "of1", "params", "parity", "peak_rss", "precision", "qdq_nodes",
    "recall", "robust_map", "size", "worst_ap",
}  # fmt: skip
"""The metrics that tests speak of by name; more may be added."""
OF_FIGURES = [
    (name, form)
    for name, form in FORMS
    if metrics.find(name).needs != "network" or name in ("macs", "params")
]
"""Every form but those that read the model's file."""
LABEL_METRICS = [name for name, metric in metrics.every().items() if metric.of_label]
LABELS = Labels(names=("a", "b"), thresholds=(0.5, 0.5), prevalence=(0.3, 0.3))


def model(name: str, size: int = 1000, **measured: float) -> Artifact:
    """Return an artifact that was never saved."""
    manifest = Manifest(
        id=name,
        stage="tests",
        config={},
        kind="onnx",
        image=ImageSpec(),
        labels=LABELS,
        data=None,
        measurements=Measurements(**measured),
    )
    return Artifact(Path(name), manifest)


def evaluation(noise: float, n: int = 400, sharpness: float = 0.5) -> EvalResult:
    """Return a result with so much noise added to the same scores."""
    rng = np.random.default_rng(0)
    targets = (rng.random((n, 2)) < 0.3).astype(np.float32)
    scores = targets * sharpness + rng.normal(0, 0.3, (2, n, 2))
    scores = (scores + rng.normal(0, noise, scores.shape)).astype(np.float32)
    bare = EvalResult(
        data_id="data:test",
        label_names=LABELS.names,
        image_ids=tuple(str(row) for row in range(n)),
        view_names=("identity", "flip-identity"),
        scores=scores,
        targets=targets,
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
    )
    return with_metrics(bare, LABELS)


def latency(seconds: float, spread: float = 0.005, seed: int = 0) -> LatencyResult:
    """Return the result of nine processes."""
    rng = np.random.default_rng(seed)
    medians = tuple(float(x) for x in seconds * np.exp(rng.normal(0, spread, 9)))
    return LatencyResult(
        model="m",
        provider_asked="cpu",
        provider_opened="CPUExecutionProvider",
        node_share=1.0,
        threads=1,
        warmup_runs=1,
        block_medians_s=medians,
        samples_s=medians,
        load_s=0.1,
        first_inference_s=0.1,
        peak_rss_bytes=1,
    )


def found_by(gate: Gate, evidence: Evidence) -> Finding | None:
    """Return what the evidence says of what a gate names."""
    return FORMS[verdicts.base_metric(gate), gate.form].find(gate, evidence)


def pretend(patch: pytest.MonkeyPatch, key: tuple[str, str], finding: Finding) -> None:
    """Let a form of a metric find this, whatever the evidence."""
    made_up = replace(FORMS[key], find=lambda *_: finding)
    patch.setitem(metrics.find(key[0]).forms, key[1], made_up)


def check(
    text: str, candidate: Subject, reference: Subject | None = None, **more: object
) -> Verdict:
    """Parse a gate and check it."""
    return verdicts.check(verdicts.parse(text), Evidence(candidate, reference, **more))


def accuracy(text: str, candidate: EvalResult, reference: EvalResult) -> Verdict:
    """Check a gate on two evaluations."""
    return check(text, Subject(model("new"), candidate), Subject(model("old"), reference))


def speed(text: str, ours: LatencyResult, theirs: LatencyResult, aa: float = 0.01) -> Verdict:
    """Check a gate on two latencies; `aa` is the width of the A/A interval."""
    pair = (Subject(model("new"), latency=ours), Subject(model("old"), latency=theirs))
    return check(text, *pair, aa=(1.0, 1.0 + aa))
