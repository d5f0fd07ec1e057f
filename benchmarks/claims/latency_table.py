"""`python -m benchmarks.claims.latency_table` predicts latencies of random prunings, and measures.

The table of what widths cost is made of a network by itself, as pruning to a budget makes it; then
random prunings are exported and timed in turn with the whole network, and held against it.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from benchmarks.report.markdown import table_md
from edgepress.core import console, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.cpu import shown
from edgepress.core.environment import describe
from edgepress.core.noun import Noun

ROOM = "compress.pruning.costs"
"""Of the room above: it is found by name there, as stages of recipes are."""
HEADER = ("", "figure")


class Config(Noun):
    """Make the table of a network, predict random prunings of it and measure these.

    Files and times lie in the cache: what was done is not done again, and a killed run goes on.
    """

    arch: str = "efficientnet_lite0"
    """Architecture, with random weights."""
    image_size: int = Field(224, ge=16)
    """Height and width of its images, pixels."""
    precision: Literal["fp32", "int8"] = "int8"
    """Of the files."""
    variants: int = Field(10, ge=6)
    """Files that the table is made of."""
    prunings: int = Field(30, ge=2)
    """Random prunings that are predicted and measured."""
    longest: float = Field(600, gt=0)
    """Time after which no round of measuring the prunings is begun, seconds."""
    out: Path = Path("docs/results/latency-table.json")
    """JSON file for the figures; their table is written beside it."""


class Pruning(Noun):
    """One network that the table has not seen."""

    latency_share: float
    """Of the whole network's, measured."""
    measured_s: float
    predicted_s: float


class Result(Noun):
    """What was measured."""

    command: str
    arch: str
    image_size: int
    precision: str
    target: str
    variants: int
    whole_s: float
    """Latency of the whole network."""
    table_s: float | None
    """Time that the table took; `None` where a part of it was made before."""
    noise: float
    """Standard error of a network's time, as a share of it."""
    own_errors: tuple[float, float]
    """Median and worst error that the table tells of itself, by leaving networks out."""
    prunings: tuple[Pruning, ...]
    environment: dict[str, Any]

    @property
    def errors(self) -> tuple[float, float]:
        """How far predictions are off, as shares of what was measured: median and worst."""
        found = [abs(one.predicted_s / one.measured_s - 1) for one in self.prunings]
        return float(np.median(found)), max(found)


def run(config: Config) -> Result:
    """Make the table, measure, print and store.

    Raises:
        UserError: the network cannot be exported or followed, or an earlier result be read.
        GateUndecided: the machine is too noisy to tell.
    """
    figures.check(config.out)
    before = figures.earlier(config.out, Result)
    options = importlib.import_module(f"{ROOM}.latency").TableOptions(
        precision=config.precision, variants=config.variants, longest_s=config.longest
    )
    checking = importlib.import_module(f"{ROOM}.checking")
    found = checking.checked(config.arch, config.image_size, config.prunings, options)
    result = _result(config, found, before)
    console.table("What the table of latencies predicts", HEADER, _rows(result))
    figures.store(config.out, result, table(result))
    return result


def _result(config: Config, found: Any, before: Result | None) -> Result:
    whole_s = found.table.networks[0].seconds
    same = before is not None and (before.arch, before.image_size, before.precision) == (
        config.arch, config.image_size, config.precision,
    )  # fmt: skip
    return Result(
        command=own_command("benchmarks.claims.latency_table"),
        arch=config.arch,
        image_size=config.image_size,
        precision=config.precision,
        target=found.table.about.target,
        variants=len(found.table.networks),
        whole_s=whole_s,
        table_s=before.table_s if found.made_s is None and before and same else found.made_s,
        noise=found.table.noise,
        own_errors=found.table.errors,
        prunings=tuple(
            Pruning(
                latency_share=one.seconds / whole_s,
                measured_s=one.seconds,
                predicted_s=one.predicted_s,
            )
            for one in found.networks
        ),
        environment=describe(),
    )


def table(result: Result) -> str:
    """Return the figures as a table in Markdown, and of what they are below it."""
    shares = [one.latency_share for one in result.prunings]
    told = (
        f"{result.arch} at {result.image_size} pixels, {result.precision} for {result.target}, one "
        f"thread of {shown(result.environment)}; {len(shares)} random prunings, whose latency is "
        f"{min(shares):.0%} to {max(shares):.0%} of the whole network's."
    )
    return f"{table_md(HEADER, _rows(result), left={0})}\n\n{told}"


def _rows(result: Result) -> list[tuple[str, str]]:
    median, worst = result.errors
    own_median, own_worst = result.own_errors
    made = "-" if result.table_s is None else f"{result.table_s:.0f} s"
    return [
        ("Networks that are exported and timed for the table", f"{result.variants}"),
        ("The table takes", made),
        ("Standard error of a network's latency", f"{result.noise:.1%}"),
        ("Error of predictions, median", f"{median:.1%}"),
        ("Error of predictions, worst", f"{worst:.1%}"),
        ("Error that the table tells of itself, median", f"{own_median:.1%}"),
        ("Error that the table tells of itself, worst", f"{own_worst:.1%}"),
    ]


if __name__ == "__main__":
    sys.exit(main(Config, run))
