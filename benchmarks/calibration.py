"""`python -m benchmarks.calibration` tells what a calibration would do to models, and makes none.

Scalings are fitted on validation images, one view of each, and judged on the test part.
"""

import sys
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import tyro
from numpy.typing import NDArray
from pydantic import Field

from benchmarks import metrics
from benchmarks.evaluation.candidates import open_model, unique_names
from benchmarks.evaluation.evaluation import (
    EvalSettings,
    evaluate,
)
from benchmarks.runtimes import _session
from benchmarks.statistics import paired
from benchmarks.statistics.decisions import ece_interval, label_ece_draws
from benchmarks.statistics.paired import Interval
from benchmarks.statistics.shares import group_numbers
from benchmarks.thresholds import calibration, scaled
from edgepress.core import console, environment, writable
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.core.scaling import CalibrationMethod, LabelCalibration, inverses
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.parts import Part
from models.defaults import default_model

METHODS: tuple[CalibrationMethod, ...] = get_args(CalibrationMethod)
PARTS: tuple[Part, ...] = ("val", "test")
HEADER = ("label", "as it is", *METHODS)


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


class Config(Noun):
    """Tell what temperature and Platt scaling do to the calibration error of models.

    Fitted on the validation part and judged on the test part, one view of each image. To calibrate
    a model: --calibrate of compress.train, compress.distill, export.onnx or benchmarks.thresholds.
    """

    models: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Artifacts or `.onnx` files (default: the newest trained one under runs/, else the zoo's)."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    threads: int = Field(0, ge=0)
    """Threads; 0 takes every core."""
    out: Path | None = None
    """Also write what is printed to this file, as JSON."""
    skip_bad_images: bool = False
    """Leave out images that do not decode instead of stopping."""


def run(config: Config) -> Result:
    """Fit, judge, print and store.

    Raises:
        UserError: bad models, data or provider, or no validation images.
    """
    if config.out is not None:
        writable.check_replaced_file(config.out, "The result")
    models = tuple(open_model(path) for path in config.models or (default_model(),))
    _session.require(models, config.provider)
    dataset = open_data(config.data, config.skip_bad_images)
    for model in models:
        if not len(context_of(dataset, model).rows("val")):
            raise UserError(
                "There are no validation images to fit a scaling on",
                got=f"{config.data}, as {model.path} splits it",
            )
        context_of(dataset, model).require("test")
    result = Result(
        command=own_command("benchmarks.calibration"),
        data=config.data,
        fingerprint=dataset.fingerprint,
        models=tuple(
            _model(config, name, model, dataset)
            for name, model in zip(unique_names(models), models, strict=True)
        ),
        environment=environment.describe(),
    )
    _print(result)
    if config.out is not None:
        writable.write_whole(config.out, result.model_dump_json(indent=1) + "\n")
        console.result(f"result: {config.out}")
    return result


def rows(model: ModelResult) -> list[tuple[str, ...]]:
    """Return a row of text for each label, and one for their mean."""
    means = [
        _percent(metrics.mean_defined(error.ece for error in errors))
        for errors in zip(*map(_errors, model.labels), strict=True)
    ]
    each = [(label.label, *map(_told, _errors(label))) for label in model.labels]
    return [*each, ("mean", *means)]


def images(result: Result) -> str:
    """Return on how many images each model was fitted and measured, once where all are alike."""
    told = {
        model.name: f"fitted on {model.n_val} images, measured on {model.n_test} others"
        for model in result.models
    }
    if len(set(told.values())) == 1:
        return next(iter(told.values()))
    return "; ".join(f"{name}: {counts}" for name, counts in told.items())


def _errors(label: LabelResult) -> tuple[Error, ...]:
    return (label.before, *(label.after[method] for method in METHODS))


def _model(config: Config, name: str, model: Artifact, dataset: Dataset) -> ModelResult:
    """Measure a model on the parts of its own split: another's may hold images it learnt from."""
    found = {part: _evaluated(config, model, dataset, part) for part in PARTS}
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


def _evaluated(config: Config, model: Artifact, dataset: Dataset, part: Part) -> EvalResult:
    settings = EvalSettings(provider=config.provider, part=part, views=1)
    if config.threads:
        settings = settings.model_copy(update={"threads": config.threads})
    return evaluate(model, dataset, context_of(dataset, model).images(part), settings)


def _error(targets: paired.Array, probs: paired.Array, numbers: NDArray[np.intp]) -> Error:
    ece, ap = (
        metric(targets, probs) for metric in (metrics.calibration_error, metrics.average_precision)
    )
    if ece is None:
        return Error(ece=None, ci95=None, ap=ap)
    ends = ece_interval(label_ece_draws(targets, probs, numbers), ece, 0.025)
    return Error(ece=ece, ci95=ends, ap=ap)


def _print(result: Result) -> None:
    for model in result.models:
        title = f"{model.name}: calibration error % on {model.n_test} test images"
        console.table(title, HEADER, rows(model))
        for label in model.labels:
            for method, fitted in label.fitted.items():
                if fitted.left is not None:
                    console.result(f"{label.label} is left as it is by {method}: {fitted.left}")


def _told(error: Error) -> str:
    if error.ci95 is None:
        return _percent(error.ece)
    return f"{_percent(error.ece)} ({100 * error.ci95[0]:.1f}–{100 * error.ci95[1]:.1f})"


def _percent(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
    sys.exit(main(Config, run))
