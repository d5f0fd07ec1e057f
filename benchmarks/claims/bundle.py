"""`python -m benchmarks.claims.bundle` holds finished bundles against the benchmark's own figures.

Each model is packed, unpacked, and run by the runtime that is in the bundle, on the photographs of
the test part as they are on disk. The benchmark's probabilities are those that the model's stage
has stored, made with the preprocessing of training.
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray
from pydantic import Field

from benchmarks.claims.device import bundles
from benchmarks.evaluation.evaluation import (
    EvalSettings,
    as_result,
    stored_or_evaluated,
)
from benchmarks.evaluation.parity import compare
from benchmarks.report import format as fmt
from benchmarks.report.markdown import table_md
from edgepress.core import alike, console, ending, environment, figures
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.subcommands import command
from edgepress.data.context import Context, context_of
from edgepress.data.dataset import open_data
from edgepress.data.grouping import Grouped
from edgepress.data.sampling import sample
from edgepress.device.bundle import archive, open_folder
from edgepress.device.images import decode
from edgepress.device.model.session import Predictor
from models.defaults import ModelPath

HEADER = (
    "Bundle",
    "Precision",
    "Photographs",
    "Largest difference of a probability",
    "Decisions that differ",
    "mAP in the benchmark",
    "mAP by the bundle",
)


class Config(Noun):
    """Compare bundles with what the benchmark says of their models, on the test part.

    Exit code 3 when a probability differs by more than 2e-3, more than 0.2% of the decisions
    differ, or mAP by more than 1e-4.
    """

    models: Annotated[tuple[ModelPath, ...], tyro.conf.Positional] = ()
    """ONNX artifacts."""
    data: str = "elpv"
    """`elpv`, a path, or `format:path`."""
    images: int | None = Field(None, ge=2)
    """Photographs of the test part at most (default: all)."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""
    out: Path = Path("runs/bundle.json")
    """JSON file for the figures; their table is written beside it."""


class Shipped(Noun):
    """What one bundle's runtime gave."""

    name: str
    id: str
    precision: str
    images: int
    max_prob_diff: float
    flipped: float
    """Share of decisions that differ."""
    map_benchmark: float | None
    map_device: float | None

    @property
    def passed(self) -> bool:
        """Whether the device gives what was measured."""
        if self.map_benchmark is None or self.map_device is None:
            return False
        same = abs(self.map_device - self.map_benchmark) <= alike.MAP
        return same and alike.PREPARED.holds(self.max_prob_diff, self.flipped)


class Result(Noun):
    """Every bundle, and where it was measured."""

    command: str
    bundles: tuple[Shipped, ...]
    environment: dict[str, Any]


def run(config: Config) -> Result:
    """Measure, print and store.

    Raises:
        UserError: no model, or one that cannot be bundled.
        GateFailed: a bundle does not give what was measured.
    """
    if not config.models:
        raise UserError("There is no model to measure", next_step="name ONNX artifacts")
    figures.check(config.out)
    models = [artifacts.load(path) for path in config.models]
    dataset = open_data(config.data, config.skip_bad_images)
    found = tuple(_measure(model, context_of(dataset, model), config) for model in models)
    result = Result(
        command=own_command("benchmarks.claims.bundle"),
        bundles=found,
        environment=environment.describe(),
    )
    figures.store(config.out, result, table(result))
    failed = (one.name for one in found if not one.passed)
    ending.refuse("The device does not give what was measured", failed)
    return result


def table(result: Result) -> str:
    """Return a line for each bundle."""
    return table_md(HEADER, [_row(one) for one in result.bundles], left={0, 1})


def _row(one: Shipped) -> tuple[str, ...]:
    return (
        one.name,
        one.precision,
        f"{one.images:,}",
        f"{one.max_prob_diff:.2g}",
        f"{one.flipped:.2%}",
        fmt.score(one.map_benchmark),
        fmt.score(one.map_device),
    )


def _measure(model: Artifact, context: Context, config: Config) -> Shipped:
    dataset, tested = context.dataset, context.require("test").rows("test")
    rows = np.sort(sample(dataset.targets, tested, config.images or len(tested)))
    settings = EvalSettings(views=1)
    images = Grouped(rows, part="test")
    wanted = stored_or_evaluated(model, dataset, images, settings)
    paths = [dataset.paths[row] for row in rows]
    probs = _on_device(model, config, paths)
    found = compare(wanted.scores[0], probs, model.manifest.labels.thresholds)
    shipped = Shipped(
        name=model.name,
        id=model.manifest.id,
        precision=model.manifest.precision,
        images=found.n_images,
        max_prob_diff=found.max_prob_diff,
        flipped=found.flipped,
        map_benchmark=wanted.map,
        map_device=as_result(model, dataset, images, probs[None], settings).map,
    )
    console.result(
        f"{'pass' if shipped.passed else 'fail'}: {shipped.name}: {shipped.images} photographs, "
        f"probabilities differ by up to {shipped.max_prob_diff:.2g}, {shipped.flipped:.2%} of the "
        f"decisions; mAP {fmt.score(shipped.map_device)} on the device, "
        f"{fmt.score(shipped.map_benchmark)} in the benchmark"
    )
    return shipped


def _on_device(model: Artifact, config: Config, paths: list[Path]) -> NDArray[np.float32]:
    """Pack a model, unpack it, and return what its runtime makes of photographs `[n, labels]`."""
    with tempfile.TemporaryDirectory(prefix="edgepress-measure-") as work:
        packed, folder = Path(work) / "bundle.zip", Path(work) / "bundle"
        words = ("--model", model.path, "--data", config.data, "--out", packed, "--check-images", 1)
        skip = "--skip-bad-images" if config.skip_bad_images else "--no-skip-bad-images"
        # A process of its own: packing lies above this room.
        command("export.bundle", *words, skip)
        archive.unpack(bundles.read(packed)[0], folder)
        predictor = Predictor(open_folder(folder))
        tracked = console.track(paths, f"running {model.name}")
        declared = predictor.bundle.pixel_range
        pictures = (decode(path, pixel_range=declared) for path in tracked)
        return np.stack([predictor.predict(picture).probs for picture in pictures])


if __name__ == "__main__":
    sys.exit(main(Config, run))
