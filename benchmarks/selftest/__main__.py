"""`python -m benchmarks.selftest` measures what is known beforehand, and says how well it did."""

import sys
import tempfile
from pathlib import Path

from pydantic import Field

from benchmarks.candidates import open_model
from benchmarks.selftest import (
    accuracy,
    agreement,
    decisions,
    latency,
    neighbour,
    overhead,
    synthetic,
)
from benchmarks.selftest.check import HEADER, Check, Part, Result, check_rows
from compress.core import console, environment
from compress.core.cli import main
from compress.core.errors import GateFailed
from compress.core.noun import Noun
from models.defaults import RUNS


class Config(Noun):
    """Measure equal models, planted slowdowns and drops, and print how often they were found.

    About an hour on two cores, nearly all of it the latency part, which keeps every core busy.
    Exit code 3 when a demand is not met.
    """

    parts: tuple[Part, ...] = (
        "accuracy",
        "decisions",
        "overhead",
        "agreement",
        "latency",
        "neighbour",
    )
    """What to test."""
    runs: int = Field(40, ge=1)
    """Tournaments of equal models, and as many with a planted slowdown."""
    models: tuple[Path, ...] = ()
    """ONNX artifacts that every runtime must agree on (default: those of runs/elpv)."""
    out: Path | None = None
    """Also write the result of each part to PART.json in this folder, as soon as it is known."""


def run(config: Config) -> tuple[Check, ...]:
    """Run the parts, print a table, and fail if a demand was not met.

    Raises:
        GateFailed: a demand was not met.
    """
    checks: list[Check] = []
    with tempfile.TemporaryDirectory(prefix="edgepress-selftest-") as folder:
        for part in config.parts:
            checks += _save(part, config, _run(part, config, Path(folder)))
    console.table("Self-test of the measuring", HEADER, check_rows(checks))
    missed = [check.name for check in checks if check.met is False]
    if missed:
        raise GateFailed(f"Not met: {'; '.join(missed)}")
    return tuple(checks)


def _save(part: Part, config: Config, checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Write a part's checks where the user asked for them, so that an interruption loses none."""
    if config.out is not None:
        result = Result(
            part=part,
            command=f"python -m benchmarks.selftest --parts {part} --runs {config.runs}",
            checks=checks,
            environment=environment.describe(),
        )
        config.out.mkdir(parents=True, exist_ok=True)
        (config.out / f"{part}.json").write_text(result.model_dump_json(indent=1) + "\n")
    return checks


def _run(part: Part, config: Config, folder: Path) -> tuple[Check, ...]:
    console.say(f"{part} ...")
    if part == "accuracy":
        return accuracy.run(synthetic.write(folder / "named.onnx", convs=1))
    if part == "decisions":
        return decisions.run()
    if part == "overhead":
        return overhead.run(folder)
    if part == "latency":
        return latency.run(folder, config.runs)
    if part == "neighbour":
        return neighbour.run(folder)
    return agreement.run(tuple(open_model(path) for path in config.models or _default_models()))


def _default_models() -> tuple[Path, ...]:
    return tuple(path.parent for path in sorted((RUNS / "elpv").glob("*/model.onnx")))


if __name__ == "__main__":
    sys.exit(main(Config, run))
