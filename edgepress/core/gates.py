"""What is demanded of a model, and what was found."""

import math
from typing import Literal

from edgepress.core.noun import Noun

Outcome = Literal["pass", "fail", "inconclusive"]
ON_VALIDATION = " on validation"
"""Ends a demand as the verdict on it names it, for gates are about the test part."""


class Gate(Noun):
    """One demand, e.g. `map drop <= 0.01 vs teacher`; `benchmarks.gates` parses and checks it."""

    metric: str
    """A file of `benchmarks/gates/metrics`, with the label where it is of one: `ap[LABEL]`."""
    form: str = "value"
    """The candidate's own value, or how it relates to the reference: `drop`, `speedup`, `ratio`."""
    op: Literal["<=", ">="]
    limit: float
    against: str | None = None
    """Name of the reference model; `None` is the parent or baseline at hand."""

    def __str__(self) -> str:
        form = "" if self.form == "value" else f" {self.form}"
        versus = f" vs {self.against}" if self.against else ""
        return f"{self.metric}{form} {self.op} {self.limit:.10g}{versus}"


class Verdict(Noun):
    """What a gate found: the measured value, its 95% interval and the reason in one sentence."""

    gate: str
    """The gate as it is written on the command line."""
    against: str | None
    outcome: Outcome
    measured: float | None
    """`None` when nothing could be measured, which is a failure."""
    ci95: tuple[float, float] | None = None
    margin: float | None = None
    """Distance from the deciding end of the interval to the limit; negative is beyond it."""
    reason: str


def at_most(metric: str, measured: float | None, limit: float, reason: str) -> Verdict:
    """Return the verdict on what must not exceed a limit; what is not a number does.

    >>> at_most("flipped", 0.002, 0.01, "2 of 1,000").outcome
    'pass'
    >>> at_most("flipped", float("nan"), 0.01, "no answer").outcome
    'fail'
    """
    known = measured if measured is not None and math.isfinite(measured) else None
    return Verdict(
        gate=f"{metric} <= {limit:g}",
        against=None,
        outcome="pass" if known is not None and known <= limit else "fail",
        measured=known,
        margin=None if known is None else limit - known,
        reason=reason,
    )
