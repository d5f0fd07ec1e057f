"""How small or fast the pruned network is to be; the stage of pruning adds these options."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from benchmarks.gates import budgets
from benchmarks.gates.budgets import Budget, Budgets
from compress.pruning.allocation import AUTO
from compress.pruning.shrinking import Shrinking
from edgepress.core import duration
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.several import Gates

USUAL = 0.5
"""Share of the multiply-accumulates that is kept where no budget is given."""
METRICS = ("latency", "macs", "params", "size")
"""What is known of a network before it is trained."""


class Budgeting(Noun):
    """Limits on the network that is left."""

    macs: float | None = Field(None, gt=0, lt=1)
    """Share of the model's multiply-accumulates to keep: short for --budget "macs <= SHARE"
    (default: 0.5, unless --budget is given)."""
    budget: Gates = ()
    """A limit on the pruned model: `latency <= 2ms`, `latency <= 40%` (of the same model's
    unpruned), `size <= 800kB`, `macs <= 30%`, `params <= 1M`; all that are given hold. Latency and
    size are those of its exported file."""
    precision: Literal["int8", "fp32"] = "int8"
    """Of the file that latency and size are of."""
    target: str = "auto"
    """Device that the file is for (export/targets); `auto` is this CPU, which a latency is
    measured on."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference, where latency is measured."""
    latency_table: Path | None = None
    """Times of the variants of this network, as `python -m benchmarks.latency_table` writes them on
    a device, which widths are chosen by. Where FILE is not there yet, what is to be copied to the
    device is made, and said."""
    force_table: bool = False
    """Take times of another machine: the latency is then that machine's as the table predicts it,
    and no file is timed."""
    latency_time: str = "3m"
    """Longest measurement of one file's latency, e.g. `90s`, `10m`: rounds go on until its share of
    the unpruned one's time is known or this time is over, but at least for 12 rounds."""
    allocation: str = AUTO
    """How what goes is spread over the layers (compress/pruning/allocation): `uniform` is one share
    for all, `global` ranks all channels together, `knapsack` weighs what is lost against what is
    saved; `auto` is `knapsack` for a latency, else `uniform`."""

    @property
    def budgets(self) -> Budgets:
        """All limits; there is at least one.

        Raises:
            UserError: one that cannot be read, that nothing can be pruned to, or two that limit the
                same thing.
        """
        given = list(self.budget)
        if self.macs is not None or not given:
            given.append(f"macs <= {100 * (self.macs or USUAL):.10g}%")
        found = budgets.parse(given)
        for one in found.each:
            _require_known(one)
        return found

    @property
    def spread(self) -> str:
        """The way of allocation that is taken.

        Raises:
            UserError: as `budgets`.
        """
        if self.allocation != AUTO:
            return self.allocation
        return "knapsack" if self.budgets.about("latency") else "uniform"

    @property
    def longest_s(self) -> float:
        """Longest measurement of one file, seconds.

        Raises:
            UserError: it is no duration.
        """
        return duration.seconds(self.latency_time, "--latency-time")


class Options(Budgeting, Shrinking):
    """What may go, and how much is to."""


def _require_known(budget: Budget) -> None:
    """Refuse a limit on what is not known of a network that is being pruned.

    Raises:
        UserError: it is one.
    """
    if budget.metric in METRICS and budget.form == "value":
        return
    raise UserError(
        "Nothing can be pruned to this budget",
        got=budget.text,
        allowed=f"{', '.join(METRICS)}; the median latency",
        next_step="demand it of the file: python -m export.onnx --gate GATE",
    )
