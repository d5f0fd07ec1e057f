"""What a calibration would do to models (`python -m benchmarks.thresholds --show`).

Scalings are fitted on validation images, one view of each, and judged on the test part.
"""

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks import metrics
from benchmarks.evaluation.candidates import unique_names
from benchmarks.evaluation.evaluation import (
    EvalSettings,
    evaluate,
)
from benchmarks.report.markdown import table_md
from benchmarks.statistics import paired
from benchmarks.statistics.decisions import ece_interval, label_ece_draws
from benchmarks.statistics.paired import Interval
from benchmarks.statistics.shares import group_numbers
from benchmarks.thresholds.calibrating import calibration
from benchmarks.thresholds.scaling import scaled
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.core.scaling import CalibrationMethod, LabelCalibration, inverses
from edgepress.data.context import Context, context_of
from edgepress.data.dataset import Dataset
from edgepress.data.parts import Part

METHODS: tuple[CalibrationMethod, ...] = get_args(CalibrationMethod)
PARTS: tuple[Part, ...] = ("val", "test")
HEADER = ("model", "label", "as it is", *METHODS)


class Error(Noun):
    """The calibration error of one label on the test part; shares, not per cent."""

    ece: float | None
    """`None` where the known targets do not hold both classes."""
    ci95: Interval | None
    """Less what chance adds on so few images (`benchmarks.statistics.decisions.ece_draws`)."""
    ap: float | None
    """Average precision, which a scaling does not change."""


class LabelResult(Noun):
    """One label of one model."""

    label: str
    before: Error
    fitted: dict[CalibrationMethod, LabelCalibration]
    after: dict[CalibrationMethod, Error]


class ModelResult(Noun):
    """One model."""

    name: str
    id: str
    precision: Precision
    n_val: int
    """Images that were fitted on, of the model's own split."""
    n_test: int
    labels: tuple[LabelResult, ...]


class Result(Noun):
    """What was found."""

    schema_version: int = 2
    command: str
    data: str
    fingerprint: str
    models: tuple[ModelResult, ...]
    environment: dict[str, object]


def measure(
    models: tuple[Artifact, ...], data: str, dataset: Dataset, provider: str
) -> tuple[ModelResult, ...]:
    """Return what each way to calibrate would do to models, each judged on its own split.

    Raises:
        UserError: no validation or test images, or as `evaluate`.
    """
    contexts = [context_of(dataset, model) for model in models]
    for model, context in zip(models, contexts, strict=True):
        if not len(context.rows("val")):
            raise UserError(
                "There are no validation images to fit a scaling on",
                got=f"{data}, as {model.path} splits it",
            )
        context.require("test")
    named = zip(unique_names(models), models, contexts, strict=True)
    return tuple(_model(provider, name, model, context) for name, model, context in named)


def show(result: Result) -> None:
    """Print the errors, and which labels a calibration would leave as they are."""
    console.table("Calibration", HEADER, rows(result))
    console.result(sentence(result))
    for model in result.models:
        for label in model.labels:
            for method, fitted in label.fitted.items():
                if fitted.left is not None:
                    left = f"{label.label} is left as it is by {method}: {fitted.left}"
                    console.result(f"{model.name}: {left}")


def table(result: Result) -> str:
    """Return the errors as a table in Markdown, and how it is read."""
    return f"{table_md(HEADER, rows(result), left={0, 1})}\n\n{sentence(result)}"


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return for each model a row of text for each label, and one for their mean."""
    return [(model.name, *row) for model in result.models for row in _rows(model)]


def _rows(model: ModelResult) -> list[tuple[str, ...]]:
    means = [
        _percent(metrics.mean_defined(error.ece for error in errors))
        for errors in zip(*map(_errors, model.labels), strict=True)
    ]
    each = [(label.label, *map(_told, _errors(label))) for label in model.labels]
    return [*each, ("mean", *means)]


def sentence(result: Result) -> str:
    """Return what is told, and on how many images of each model, once where all are alike."""
    told = {
        model.name: f"fitted on {model.n_val} images, measured on {model.n_test} others"
        for model in result.models
    }
    counts = set(told.values())
    if len(counts) > 1:
        counts = {"; ".join(f"{name}: {count}" for name, count in told.items())}
    return (
        "Calibration error in %, with 95% intervals less what chance adds on so few images; "
        f"{counts.pop()}."
    )


def _errors(label: LabelResult) -> tuple[Error, ...]:
    return (label.before, *(label.after[method] for method in METHODS))


def _model(provider: str, name: str, model: Artifact, context: Context) -> ModelResult:
    """Measure a model on the parts of its own split: another's may hold images it learnt from."""
    found = {part: _evaluated(provider, model, context, part) for part in PARTS}
    return ModelResult(
        name=name,
        id=model.manifest.id,
        precision=model.manifest.precision,
        n_val=len(found["val"].image_ids),
        n_test=len(found["test"].image_ids),
        labels=_labels(model, found),
    )


def _labels(model: Artifact, found: dict[Part, EvalResult]) -> tuple[LabelResult, ...]:
    """Return what each scaling does, to the probabilities of the network before any."""
    inverse, numbers = inverses(model.manifest.labels.scalings), group_numbers(found["test"])
    told = {part: result.targets.astype(float) for part, result in found.items()}
    probs = {part: scaled(result.scores[0], inverse) for part, result in found.items()}
    fitted = {method: calibration(told["val"], probs["val"], method) for method in METHODS}
    after = {method: scaled(probs["test"], fitted[method].scalings) for method in METHODS}
    return tuple(
        LabelResult(
            label=name,
            before=_error(told["test"][:, row], probs["test"][:, row], numbers),
            fitted={method: fitted[method].labels[row] for method in METHODS},
            after={
                method: _error(told["test"][:, row], after[method][:, row], numbers)
                for method in METHODS
            },
        )
        for row, name in enumerate(found["test"].label_names)
    )


def _evaluated(provider: str, model: Artifact, context: Context, part: Part) -> EvalResult:
    settings = EvalSettings(provider=provider, views=1)
    return evaluate(model, context.dataset, context.images(part), settings)


def _error(targets: paired.Array, probs: paired.Array, numbers: NDArray[np.intp]) -> Error:
    ece, ap = (
        metric(targets, probs) for metric in (metrics.calibration_error, metrics.average_precision)
    )
    if ece is None:
        return Error(ece=None, ci95=None, ap=ap)
    ends = ece_interval(label_ece_draws(targets, probs, numbers), ece, 0.025)
    return Error(ece=ece, ci95=ends, ap=ap)


def _told(error: Error) -> str:
    if error.ci95 is None:
        return _percent(error.ece)
    return f"{_percent(error.ece)} ({100 * error.ci95[0]:.1f}–{100 * error.ci95[1]:.1f})"


def _percent(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.1f}"
