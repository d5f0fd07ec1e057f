"""`python -m benchmarks.claims.selftest` measures what is known beforehand."""

import sys
import tempfile
from pathlib import Path
from typing import get_args

from pydantic import Field

from benchmarks.claims.selftest import (
    accuracy,
    agreement,
    coverage,
    decisions,
    latency,
    neighbour,
    overhead,
    passes,
    synthetic,
)
from benchmarks.claims.selftest.check import HEADER, Cell, Check, Part, Result, check_rows
from benchmarks.claims.selftest.tables import tables
from benchmarks.evaluation.candidates import open_model
from edgepress.core import console, ending, environment, writable
from edgepress.core.cli import main
from edgepress.core.noun import Noun
from models.defaults import RUNS, ModelPath


class Config(Noun):
    """Measure equal models, planted slowdowns and drops, and print how often they were found.

    About an hour on two cores, nearly all of it the latency part, which keeps every core busy.
    Exit code 3 when a demand is not met.
    """

    parts: tuple[Part, ...] = get_args(Part)
    """What to test."""
    draws: int = Field(50, ge=10)
    """Simulated test parts of each kind, of which the coverage of intervals is counted."""
    runs: int = Field(40, ge=1)
    """Tournaments of equal models, and as many with a planted slowdown."""
    models: tuple[ModelPath, ...] = ()
    """ONNX artifacts that every runtime must agree on (default: those of runs/elpv)."""
    out: Path = Path("runs/selftest")
    """Folder for the figures of each part, PART.json, as soon as they are known, and for the tables
    of all that are there."""


def run(config: Config) -> tuple[Check, ...]:
    """Run the parts, print a table, and fail if a demand was not met.

    Raises:
        GateFailed: a demand was not met.
    """
    writable.check_folder(config.out, "The folder of the figures")
    checks: list[Check] = []
    with tempfile.TemporaryDirectory(prefix="edgepress-selftest-") as folder:
        for part in config.parts:
            found, cells = _run(part, config, Path(folder))
            checks += _save(part, config, found, cells)
    console.table("Self-test of the measuring", HEADER, check_rows(checks))
    ending.refuse("Not met", (check.name for check in checks if check.met is False))
    return tuple(checks)


def _save(
    part: Part, config: Config, checks: tuple[Check, ...], cells: tuple[Cell, ...]
) -> tuple[Check, ...]:
    """Write a part's checks as soon as they are known, so that an interruption loses none."""
    result = Result(
        part=part,
        command=_command(part, config),
        checks=checks,
        cells=cells,
        environment=environment.describe(),
    )
    writable.write_json(config.out / f"{part}.json", result)
    for file, table in tables(config.out).items():
        writable.write_whole(file, f"{table}\n")
    return checks


def _command(part: Part, config: Config) -> str:
    """Return the command that makes a part's result again."""
    sizes = {"latency": f" --runs {config.runs}", "coverage": f" --draws {config.draws}"}
    return f"python -m benchmarks.claims.selftest --parts {part}{sizes.get(part, '')}"


def _run(part: Part, config: Config, folder: Path) -> tuple[tuple[Check, ...], tuple[Cell, ...]]:
    console.say(f"{part} ...")
    if part == "coverage":
        return coverage.run(config.draws)
    if part in ("accuracy", "passes"):
        named = synthetic.write(folder / "named.onnx", convs=1)
        return (accuracy if part == "accuracy" else passes).run(named), ()
    if part == "decisions":
        return decisions.run(), ()
    if part == "overhead":
        return overhead.run(folder), ()
    if part == "latency":
        return latency.run(folder, config.runs), ()
    if part == "neighbour":
        return neighbour.run(folder), ()
    models = config.models or _default_models()
    return agreement.run(tuple(open_model(path) for path in models)), ()


def _default_models() -> tuple[Path, ...]:
    return tuple(path.parent for path in sorted((RUNS / "elpv").glob("*/model.onnx")))


if __name__ == "__main__":
    sys.exit(main(Config, run))
