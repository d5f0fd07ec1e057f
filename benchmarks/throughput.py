"""`python -m benchmarks.throughput` counts images a second, at batch sizes and thread counts."""

import sys
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.evaluation.candidates import open_model, unique_names
from benchmarks.timing.throughput import (
    Measured,
    Positive,
    Rate,
    Throughput,
    ThroughputSettings,
    measure,
    place,
)
from edgepress.core import console, writable
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.cpu import shown
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.several import FOLLOWING
from models.defaults import ModelPath, default_model


class Config(Noun):
    """Measure images per second; ratios are against the first model."""

    models: Annotated[tuple[ModelPath, ...], tyro.conf.Positional] = ()
    """Artifacts or `.onnx` files, the reference first (default: the newest under runs/)."""
    batch: Annotated[tuple[Positive, ...], FOLLOWING] = Field((1, 8, 32), min_length=1)
    """Images in one run; each of these is measured."""
    threads: Annotated[tuple[Positive, ...], FOLLOWING] = ()
    """Threads inside one run; each of these is measured (default: 1 and every usable core)."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    rounds: int = Field(8, ge=8)
    """Processes of each model at each batch and thread count, a few seconds each; at least, so that
    all models are equally often in each place."""
    out: Path | None = None
    """Write the raw result to this file, as JSON."""


def run(config: Config) -> Throughput:
    """Measure, print and write.

    Raises:
        UserError: a model or the runtime cannot be opened, there are fewer cores than threads, or
            a model failed somewhere; the rest is measured, printed and written all the same.
    """
    if config.out:
        writable.check_replaced_file(config.out, "The result")
    models = tuple(open_model(path) for path in config.models or (default_model("onnx"),))
    chosen = {"threads": config.threads} if config.threads else {}
    settings = ThroughputSettings(
        provider=config.provider, batch=config.batch, rounds=config.rounds, **chosen
    )
    found = measure(dict(zip(unique_names(models), models, strict=True)), settings)
    _print(found)
    if config.out:
        made = found.model_copy(update={"command": own_command("benchmarks.throughput")})
        writable.write_json(config.out, made, "The result")
        console.result(f"result: {config.out}")
    failed = [f"{rate.model} ({place(rate)})" for rate in found.rates if rate.failure]
    if failed:
        raise UserError("Not every throughput could be measured", got=", ".join(failed))
    return found


def _print(found: Throughput) -> None:
    header = (
        "model", "threads", "batch", "images/s", "95% interval", "times the first",
        "95% interval", "provider",
    )  # fmt: skip
    rounds = found.settings.rounds
    rows = [_row(found, rate) for rate in found.rates]
    console.table(f"Throughput, {rounds} processes each", header, rows)
    console.result(f"CPU: {shown(found.environment)}, cores {found.environment['cpus']}")
    console.result(f"CPU pressure: {found.environment['cpu_pressure_avg10_percent']}% (avg10, max)")


def _row(found: Throughput, rate: Rate) -> tuple[str, ...]:
    where = (rate.model, str(rate.threads), str(rate.batch))
    if rate.failure:
        return (*where, f"failed: {rate.failure}", "-", "-", "-", rate.provider_asked)
    opened = rate.provider_opened or "-"
    return (*where, *_cells(rate.measured, ".1f"), *_cells(found.ratio(rate), ".2f"), opened)


def _cells(measured: Measured | None, digits: str) -> tuple[str, str]:
    if measured is None:
        return "-", "-"
    value, (low, high) = measured
    return f"{value:{digits}}", f"{low:{digits}} to {high:{digits}}"


if __name__ == "__main__":
    sys.exit(main(Config, run))
