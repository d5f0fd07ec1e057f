"""Calibrate a model and learn its thresholds, and say what both reach."""

from dataclasses import dataclass, replace
from typing import TypeVar

from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.statistics.label_decisions import LabelDecisions, label_decisions
from benchmarks.thresholds.calibrating import calibration, calibration_notes, carried
from benchmarks.thresholds.demands import parse_demand
from benchmarks.thresholds.learning import learn
from edgepress.core.artifact import Artifact
from edgepress.core.gates import ON_VALIDATION, Verdict
from edgepress.core.labels import LabelLearning, Labels, ThresholdSettings
from edgepress.core.results import EvalResult
from edgepress.core.scaling import CalibrationMethod
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Grouped, Rows
from models.onnx_graph import scaling

Model = TypeVar("Model", bound=Artifact)


@dataclass(frozen=True)
class Learning:
    """What is learnt on validation images."""

    thresholds: ThresholdSettings | None
    """`None` keeps the decisions as they are, on whatever scale the probabilities will be."""
    calibrate: CalibrationMethod | None
    """`None` leaves the probabilities as the network gives them."""


def learnt(
    model: Model, dataset: Dataset, rows: Rows, settings: EvalSettings, wanted: Learning
) -> Model:
    """Return a model calibrated and with thresholds by its own scores on validation images.

    Thresholds are learnt on the calibrated probabilities. Of an ONNX model the file is changed.

    Raises:
        UserError: a demand that cannot be read or checked, or as `evaluate`.
    """
    before = model.manifest.labels
    model = with_labels(model, uncalibrated(before))
    found = on_validation(model, dataset, rows, settings)
    new = None
    if wanted.calibrate is not None:
        new = calibration(found.targets, found.scores[0], wanted.calibrate)
    fixed = wanted.thresholds is not None and wanted.thresholds.method == "fixed"
    starts = before.thresholds if fixed else carried(before, new)
    labels = before.model_copy(update={"thresholds": starts, "calibration": new})
    if new is not None:
        model = with_labels(model, labels)
        found = on_validation(model, dataset, rows, settings)
    if wanted.thresholds is not None:
        labels = learnt_labels(labels, found, wanted.thresholds)
    return relabelled(model, labels)


def with_labels(model: Model, labels: Labels) -> Model:
    """Return a model with these labels and their calibration, which an ONNX file gets inside."""
    if model.manifest.kind == "onnx":
        scaling.write(model.weights, labels.scalings)
    return relabelled(model, labels)


def relabelled(model: Model, labels: Labels) -> Model:
    """Return a model whose manifest has these labels; of an ONNX model the file stays as it is."""
    return replace(model, manifest=model.manifest.model_copy(update={"labels": labels}))


def uncalibrated(labels: Labels) -> Labels:
    """Return labels that decide the same on the probabilities that the network gives."""
    return labels.model_copy(update={"thresholds": carried(labels, None), "calibration": None})


def learnt_labels(labels: Labels, validation: EvalResult, settings: ThresholdSettings) -> Labels:
    """Return labels with the thresholds that a model's scores on validation images tell.

    Raises:
        UserError: a demand that cannot be read or checked.
    """
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
    once = settings.model_copy(update={"views": 1})
    return evaluate(model, dataset, Grouped(rows, part="val"), once)


def unkept(labels: Labels) -> tuple[Verdict, ...]:
    """Return a failed verdict for each demand that no threshold keeps on validation images."""
    each = labels.learning.labels if labels.learning else ()
    return tuple(_failed(label) for label in each if label.reachable is not None)


def told(labels: Labels, test: EvalResult) -> tuple[str, ...]:
    """Return what was learnt, in words, with what it reaches on validation and on test images.

    Args:
        labels: Those of the model.
        test: Its probabilities on the test part, calibrated where `labels` says so; of one that is
            judged on validation images there is no more to say than those told.
    """
    return (*calibration_notes(labels, test), *reached(labels, test))


def reached(labels: Labels, test: EvalResult) -> tuple[str, ...]:
    """Return for each demand what its label reaches on validation and on test images."""
    each = labels.learning.labels if labels.learning else ()
    decided = label_decisions(test, labels)
    return tuple(
        _sentence(label) + ("" if test.on_validation else _tested(label, found))
        for label, found in zip(each, decided, strict=bool(each))
        if label.demand is not None
    )


def _sentence(label: LabelLearning) -> str:
    demand = parse_demand(label.demand or "")
    before = label.recall if demand.metric == "recall" else label.precision
    kept = "undefined" if before is None else f"{before:.3f}"
    return (
        f"{demand}: {kept} on the validation part ({label.positives} of its {label.images} images "
        "have the label)"
    )


def _tested(label: LabelLearning, found: LabelDecisions) -> str:
    now = found.recall if parse_demand(label.demand or "").metric == "recall" else found.precision
    return f", {now or 'undefined'} on the test part"


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
