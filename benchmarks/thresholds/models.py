"""Learn the thresholds of a model, and say what its demands reach."""

from benchmarks.evaluation import EvalSettings, Rows, evaluate
from benchmarks.label_decisions import Share, label_decisions
from benchmarks.thresholds.demands import parse_demand
from benchmarks.thresholds.learning import learn
from compress.core.artifact import Artifact
from compress.core.gates import Verdict
from compress.core.labels import LabelLearning, Labels, ThresholdSettings
from compress.core.results import EvalResult
from compress.data.dataset import Dataset

ON_VALIDATION = " on validation"
"""Ends a demand as the verdict on it names it, for gates are about the test part."""


def learnt_labels(model: Artifact, validation: EvalResult, settings: ThresholdSettings) -> Labels:
    """Return a model's labels with the thresholds that its scores on validation images tell.

    Raises:
        UserError: a demand that cannot be read or checked.
    """
    labels = model.manifest.labels
    scores = validation.scores[0]
    found = learn(validation.targets, scores, labels.names, settings, labels.thresholds)
    return labels.model_copy(update={"thresholds": found.thresholds, "learning": found.learning})


def on_validation(
    model: Artifact, dataset: Dataset, rows: Rows, settings: EvalSettings
) -> EvalResult:
    """Return a model's scores on validation images, one view of each.

    Raises:
        UserError: as `evaluate`.
    """
    once = settings.model_copy(update={"part": "val", "views": 1})
    return evaluate(model, dataset, rows, once)


def unkept(labels: Labels) -> tuple[Verdict, ...]:
    """Return a failed verdict for each demand that no threshold keeps on validation images."""
    each = labels.learning.labels if labels.learning else ()
    return tuple(_failed(label) for label in each if label.reachable is not None)


def reached(labels: Labels, test: EvalResult) -> tuple[str, ...]:
    """Return for each demand what its label reaches on validation and on test images."""
    each = labels.learning.labels if labels.learning else ()
    decided = label_decisions(test, labels)
    return tuple(
        _sentence(label, found.recall, found.precision)
        for label, found in zip(each, decided, strict=bool(each))
        if label.demand is not None
    )


def _sentence(label: LabelLearning, recall: Share | None, precision: Share | None) -> str:
    demand = parse_demand(label.demand or "")
    before = label.recall if demand.metric == "recall" else label.precision
    now = recall if demand.metric == "recall" else precision
    kept = "undefined" if before is None else f"{before:.3f}"
    return (
        f"{demand}: {kept} on the validation part ({label.positives} of its {label.images} images "
        f"have the label), {now or 'undefined'} on the test part"
    )


def _failed(label: LabelLearning) -> Verdict:
    demand = parse_demand(label.demand or "")
    highest = label.reachable or 0.0
    return Verdict(
        gate=f"{demand}{ON_VALIDATION}",
        against=None,
        outcome="fail",
        measured=highest,
        margin=highest - demand.at_least,
        reason=f"no threshold keeps it on the {label.images} validation images, where "
        f"{demand.metric} reaches {highest:.4f} at most; the threshold is the one without it",
    )
