"""`python -m benchmarks.accuracy` measures a model on a part of a data set."""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from benchmarks import metrics
from benchmarks.evaluation import tables
from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.evaluation.tables import StoredMetrics, percent, percent_range
from benchmarks.runtimes import _session
from benchmarks.statistics import certifiable, paired
from edgepress.core import console, writable
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.data.context import open_context
from edgepress.data.parts import Part
from models.defaults import ModelPath, default_model

_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Config(Noun):
    """Measure mAP with its 95% interval, and every multi-label metric at the stored thresholds."""

    model: ModelPath = Field(default_factory=default_model)
    """Artifact or `.onnx` file (default: the newest trained model under runs/, else the zoo's)."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    part: Part = "test"
    """Part of the data, by the split in the model's manifest where it knows these data."""
    threads: int = Field(0, ge=0)
    """Threads; 0 takes every core."""
    top_k: int = Field(3, ge=1)
    """Labels of an image that count in the top-k metrics: its highest that reach the threshold."""
    prf_weights: tuple[_Weight, _Weight, _Weight] = (1.0, 1.0, 1.0)
    """Weights of precision, recall and F1 in the combined metric, e.g. 0 3 1 where a miss costs
    most."""
    out: Path | None = None
    """Write all metrics to this file as JSON."""
    skip_bad_images: bool = False
    """Leave out images that do not decode instead of stopping."""


def run(config: Config) -> EvalResult:
    """Evaluate and print.

    Raises:
        UserError: bad model, data, provider or options, the model was trained on the test part, or
            its outputs are not probabilities.
    """
    weights = _weights(config)
    if config.out is not None:
        writable.check_replaced_file(config.out, "The file of metrics")
    model = open_model(config.model)
    _session.require([model], config.provider)
    context = open_context(config.data, (model,), config.skip_bad_images).require(config.part)
    settings = EvalSettings(provider=config.provider)
    if config.threads:
        settings = settings.model_copy(update={"threads": config.threads})
    result = evaluate(model, context.dataset, context.images(config.part), settings)
    stored = _all_metrics(config, model, result, weights)
    _print(result, model.manifest.labels, f"{model.name} on {config.data}, part {config.part}")
    _print_all(stored)
    if config.out is not None:
        writable.write_json(config.out, stored)
        console.result(f"metrics: {config.out}")
    return result


def _weights(config: Config) -> metrics.PrfWeights:
    precision, recall, f1 = config.prf_weights
    if precision + recall + f1 == 0:
        raise UserError("No metric has a weight", got="--prf-weights 0 0 0", allowed="one above 0")
    return metrics.PrfWeights(precision=precision, recall=recall, f1=f1)


def _all_metrics(
    config: Config, model: Artifact, result: EvalResult, weights: metrics.PrfWeights
) -> StoredMetrics:
    probs, labels = result.scores[0], model.manifest.labels
    if probs.min() < 0 or probs.max() > 1:
        raise UserError(
            "The model's outputs are not probabilities",
            got=f"{probs.min():.3g} to {probs.max():.3g}",
            allowed="0 to 1",
            next_step="end the ONNX file with a sigmoid.",
        )
    limits = np.asarray(labels.thresholds, np.float32).tolist()
    found = metrics.summary(result.targets, probs, limits, config.top_k, weights)
    return StoredMetrics(
        model=model.name,
        id=model.manifest.id,
        data=config.data,
        fingerprint=result.data_id.partition(":")[0],
        part=config.part,
        n_images=len(result.image_ids),
        views=result.view_names,
        map=result.map,
        map_ci95=paired.interval_of(paired.ranks(result).mean()),
        label_names=labels.names,
        thresholds=labels.thresholds,
        undefined=tuple(
            name for name, label in zip(labels.names, found.labels, strict=True) if label.ap is None
        ),
        weights=weights,
        metrics=found,
    )


def _print_all(stored: StoredMetrics) -> None:
    console.table("Labels, first view", tables.LABEL_HEADER, tables.label_rows(stored))
    header = ("metric", "value", "what it is")
    console.table("All labels, first view", header, tables.mean_rows(stored))
    if stored.undefined:
        console.result(
            f"undefined, and in no mean, for want of images with or without them: "
            f"{', '.join(stored.undefined)}"
        )


def _print(result: EvalResult, labels: Labels, title: str) -> None:
    ranks = paired.ranks(result)
    rows = [
        (
            "mAP",
            percent(result.map),
            percent_range(paired.interval_of(paired.ranks(result).mean())),
            "",
            "",
        )
    ]
    for column, (name, threshold) in enumerate(zip(labels.names, labels.thresholds, strict=True)):
        targets, probs = result.targets[:, column], result.scores[0, :, column]
        right = metrics.accuracy(targets, probs, threshold)
        ap_range = percent_range(paired.interval_of(ranks.label(column)))
        rows.append((name, percent(result.ap[name]), ap_range, f"{threshold:.3f}", percent(right)))
    header = ("label", "AP %", "95% interval", "threshold", "accuracy %")
    console.table(title, header, rows)
    console.result(f"F1 (macro, at the stored thresholds): {percent(result.f1_macro)}%")
    console.result(f"expected calibration error: {percent(result.ece)}%")
    console.result(f"measured with: {result.provider_opened} on {result.cpu}")
    console.result(f"images: {len(result.image_ids)}, views: {', '.join(result.view_names)}")
    console.result(certifiable.sentence(result))


if __name__ == "__main__":
    sys.exit(main(Config, run))
