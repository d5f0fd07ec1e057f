"""`python -m benchmarks.quantization` holds our int8 files against other tools'."""

import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from pydantic import Field

from benchmarks.candidates import open_model
from benchmarks.quantization import zoo
from benchmarks.quantization.measuring import Made, network_result
from benchmarks.quantization.result import (
    OURS,
    NetworkResult,
    Result,
    header,
    mean_speedup,
    missed,
    rows,
)
from compress.core import console
from compress.core.cli import main
from compress.core.errors import GateFailed
from compress.core.noun import Noun
from compress.data.dataset import open_data
from compress.data.pixels import decoded, normalise
from compress.data.split import split_for, training_rows


class Config(Noun):
    """Train networks on ELPV, quantize them by every tool that is installed, and measure.

    What was done is not done again. Exit code 3 where our file misses what is demanded of it.
    """

    networks: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Architectures of zoo.toml (default: all)."""
    out: Path = Path("runs/quantization")
    """Folder of the models and of result.json."""
    calibration_images: int = Field(256, ge=1)
    """Training images that every tool calibrates on."""
    budget: str = "3m"
    """Longest search for our file."""


def run(config: Config) -> Result:
    """Measure, print a table and store it.

    Raises:
        UserError: an unknown network, or a command that failed.
        GateFailed: our file of a network misses what is demanded of it.
    """
    found = []
    for name, options in zoo.chosen(config.networks).items():
        console.say(f"{name} ...")
        found.append(_network(name, options, config))
        result = Result(command="python -m benchmarks.quantization", networks=tuple(found))
        (config.out / "result.json").write_text(result.model_dump_json(indent=1) + "\n")
    console.table("Drop of mAP in points, speed-up", header(tuple(found)), rows(tuple(found)))
    mean = mean_speedup(found)
    if mean is not None:
        console.result(f"geometric mean of our speed-ups: {mean:.2f}")
    misses = [miss for one in found for miss in missed(one)]
    if misses:
        raise GateFailed(f"Not reached: {'; '.join(misses)}")
    return result


def _network(name: str, options: zoo.Options, config: Config) -> NetworkResult:
    folder = config.out / name
    stored = folder / "result.json"
    fp32 = zoo.float_model(name, options, folder)
    made = (_ours(fp32, folder, config.budget),)
    result = network_result(fp32, made, open_data("elpv"))
    stored.write_text(result.model_dump_json(indent=1) + "\n")
    return result


def _ours(fp32: Path, folder: Path, budget: str) -> Made:
    start = time.monotonic()
    int8 = zoo.int8_model(fp32, folder, budget)
    return Made(OURS, int8, time.monotonic() - start)


def calibration_file(fp32: Path, config: Config) -> Path:
    """Write the images that our export calibrates on, float32 `[n, 3, h, w]`, for other tools."""
    model, dataset = open_model(fp32), open_data("elpv")
    chosen = training_rows(dataset, split_for(dataset, (model,)), config.calibration_images, seed=0)
    spec = model.manifest.image
    file = fp32.parent / "calibration.npy"
    np.save(file, normalise(np.asarray(decoded(dataset, spec)[chosen]), spec))
    return file


if __name__ == "__main__":
    sys.exit(main(Config, run))
