"""`python -m benchmarks.claims.drift` streams solar cells past the watch, drifting or not."""

import sys
from pathlib import Path

import numpy as np
from pydantic import Field

from benchmarks.claims.drift import cells
from benchmarks.claims.drift.cells import UNCHANGED
from benchmarks.claims.drift.result import (
    HEADER,
    Result,
    false_alarms,
    rows,
    scenario,
    sentence,
    table,
)
from benchmarks.claims.drift.streams import Design, simulate
from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.evaluation import EvalSettings
from edgepress.core import console, environment, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.data.context import open_context
from edgepress.device.watch import MIN_IMAGES
from models.defaults import ModelPath, default_model


class Config(Noun):
    """Stream images that a model was not trained on past the watch of a device.

    References and streams are drawn again and again from the validation and the test part; from
    half-way on, the camera is darker, blurred or noisy, or there are more defects. About ten
    minutes on one core with the defaults.
    """

    model: ModelPath | None = None
    """Artifact or `.onnx` file (default: the newest ONNX one under runs/, else the shipped one)."""
    data: str = "elpv"
    """`elpv`, a path, or `format:path`."""
    label: str = "defect_probable"
    """The label of which there is more in one of the streams."""
    share: float = Field(1.5, gt=1)
    """Share of images with that label after the drift, times that before."""
    references: int = Field(50, ge=1)
    """References to be drawn."""
    streams: int = Field(4, ge=1)
    """Streams of each kind for each reference."""
    reference_images: int = Field(263, ge=MIN_IMAGES)
    """Images in a reference; as many as the validation part of the solar cells has."""
    before: int = Field(400, ge=1)
    """Images before the drift."""
    after: int = Field(600, ge=1)
    """Images from the drift on."""
    window: int = Field(250, ge=1)
    """Images after which the watch judges its histograms."""
    false_alarms: float = Field(0.01, gt=0, lt=1)
    """Share of unchanged windows that may be in alarm."""
    threads: int = Field(0, ge=0)
    """Threads; 0 takes every core."""
    seed: int = Field(0, ge=0)
    """Seed of all draws."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""
    out: Path = Path("runs/drift.json")
    """JSON file for the figures; their table is written beside it."""


def run(config: Config) -> Result:
    """Stream, and print how often a drift was found.

    Raises:
        UserError: a bad model or data, too few images, or a place that cannot be written to.
    """
    figures.check(config.out)
    model = open_model(config.model or default_model("onnx"))
    _check_label(config, model.manifest.labels.names)
    context = open_context(config.data, (model,), config.skip_bad_images)
    dataset, known = context.dataset, np.sort(np.append(context.rows("val"), context.rows("test")))
    _check(config, len(known))
    threads = config.threads or environment.usable_cores()
    found = cells.look(model, dataset, known, EvalSettings(threads=threads, views=1))
    fields = config.model_dump(include=set(Design.model_fields))
    tallies = simulate(found, design := Design(**fields))
    unchanged, others = false_alarms(tallies[UNCHANGED])
    result = Result(
        command=own_command("benchmarks.claims.drift"),
        model=model.name,
        data=dataset.source,
        images=len(known),
        design=design,
        unchanged_windows=unchanged,
        folklore=others,
        scenarios=tuple(scenario(name, tally) for name, tally in tallies.items()),
        environment=environment.describe(),
    )
    console.table("Drift in streams", HEADER, rows(result))
    console.result(sentence(result))
    figures.store(config.out, result, table(result))
    return result


def _check_label(config: Config, labels: tuple[str, ...]) -> None:
    if config.label not in labels:
        raise UserError("The data have no such label", got=config.label, allowed=", ".join(labels))


def _check(config: Config, images: int) -> None:
    needed = config.reference_images + config.before + config.after
    if images < needed:
        raise UserError(
            "There are too few images for a reference and a stream beside it",
            got=f"{images} images that the model was not trained on",
            allowed=f"at least {needed}",
            next_step="ask for less: --reference-images, --before, --after",
        )


if __name__ == "__main__":
    sys.exit(main(Config, run))
