"""`python -m benchmarks.accuracy` measures a model on a part of a data set."""

import sys
from pathlib import Path

from pydantic import Field

from benchmarks import metrics, statistics
from benchmarks.candidates import open_model
from benchmarks.evaluation import EvalSettings, evaluate, rows_for
from compress.core import console
from compress.core.cli import main
from compress.core.labels import Labels
from compress.core.noun import Noun
from compress.core.results import EvalResult
from compress.data.dataset import open_data
from compress.data.split import Part
from models.defaults import default_model


class Config(Noun):
    """Measure mAP, AP per label, F1, accuracy and calibration, with 95% intervals."""

    model: Path = Field(default_factory=default_model)
    """Artifact or `.onnx` file (default: the newest trained model under runs/, else the zoo's)."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    part: Part = "test"
    """Part of the data, by the split in the model's manifest where it knows these data."""
    threads: int = Field(0, ge=0)
    """Threads; 0 takes every core."""
    skip_bad_images: bool = False
    """Leave out images that do not decode instead of stopping."""


def run(config: Config) -> EvalResult:
    """Evaluate and print.

    Raises:
        UserError: bad model, data or provider, or the model was trained on the test part.
    """
    model = open_model(config.model)
    dataset = open_data(config.data, config.skip_bad_images)
    settings = EvalSettings(provider=config.provider, part=config.part)
    if config.threads:
        settings = settings.model_copy(update={"threads": config.threads})
    rows = rows_for((model,), dataset, config.part)
    result = evaluate(model, dataset, rows, settings)
    _print(result, model.manifest.labels, f"{model.name} on {config.data}, part {config.part}")
    return result


def _print(result: EvalResult, labels: Labels, title: str) -> None:
    draws = statistics.ap_draws(result)
    rows = [
        (
            "mAP",
            _percent(result.map),
            _range(statistics.interval(statistics.map_draws(result))),
            "",
            "",
        )
    ]
    for column, (name, threshold) in enumerate(zip(labels.names, labels.thresholds, strict=True)):
        targets, probs = result.targets[:, column], result.scores[0, :, column]
        right = metrics.accuracy(targets, probs, threshold)
        ap_range = _range(statistics.interval(draws[:, column]))
        rows.append(
            (name, _percent(result.ap[name]), ap_range, f"{threshold:.3f}", _percent(right))
        )
    header = ("label", "AP %", "95% interval", "threshold", "accuracy %")
    console.table(title, header, rows)
    console.result(f"F1 (macro, at the stored thresholds): {_percent(result.f1_macro)}%")
    console.result(f"expected calibration error: {_percent(result.ece)}%")
    console.result(f"images: {len(result.image_ids)}, views: {', '.join(result.view_names)}")
    console.result(certifiable(result))


def certifiable(reference: EvalResult) -> str:
    """Return the sentence about the smallest drop that these images can certify."""
    sd = statistics.expected_sd(reference)
    if sd is None:
        return "smallest drop of mAP these images can certify: unknown with a single view"
    points = 100 * statistics.smallest_certifiable_drop(sd)
    return (
        f"smallest drop of mAP these {len(reference.image_ids)} images can certify: "
        f"{points:.2f} points (for a candidate that differs as two halves of the views do)"
    )


def _percent(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.2f}"


def _range(interval: tuple[float, float] | None) -> str:
    return (
        "undefined" if interval is None else f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
