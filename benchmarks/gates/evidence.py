"""What a gate is held against, and what the evidence says."""

import math
from dataclasses import dataclass

from benchmarks.evaluation.robustness import Robustness
from benchmarks.statistics.paired import Interval
from edgepress.core.artifact import Artifact
from edgepress.core.results import EvalResult, LatencyResult


@dataclass(frozen=True)
class Subject:
    """A model and what was measured of it; `None` is not measured."""

    artifact: Artifact
    evaluation: EvalResult | None = None
    latency: LatencyResult | None = None
    robustness: Robustness | None = None


@dataclass(frozen=True)
class Evidence:
    """What a gate is held against."""

    candidate: Subject
    reference: Subject | None = None
    aa: Interval | None = None
    """95% interval of a model's speed-up over itself in the same tournament."""
    among: int = 1
    """Candidates of which one is to be chosen by these verdicts: bounds hold for all together."""

    @property
    def tail(self) -> float:
        """How often one end of the interval may err: the error is shared out (Bonferroni).

        >>> Evidence(None, among=2).tail
        0.025
        """
        return 0.05 / self.among

    @property
    def level(self) -> str:
        """The confidence of a one-sided bound, as a sentence tells it.

        >>> Evidence(None).level, Evidence(None, among=3).level
        ('95%', '98.3%')
        """
        return f"{100 * (1 - self.tail):.3g}%"


@dataclass(frozen=True)
class Finding:
    """A measured value, the bounds that decide, and how to say them.

    Bounds and interval hold the value: where a method's do not, they are widened here, so that no
    gate passes, nor fails, against its own estimate.
    """

    measured: float
    bounds: Interval
    """One-sided bounds, of 95% where there is one candidate (`Evidence.tail`)."""
    ci95: Interval | None
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "bounds", holding(self.measured, self.bounds))
        if self.ci95 is not None:
            object.__setattr__(self, "ci95", holding(self.measured, self.ci95))


def holding(value: float, interval: Interval) -> Interval:
    """Return an interval that holds the estimate it is of; an end that is not known is infinite.

    >>> holding(0.75, (0.8, 0.9))
    (0.75, 0.9)
    """
    low, high = (end if end == end else None for end in interval)
    return (
        -math.inf if low is None else min(low, value),
        math.inf if high is None else max(high, value),
    )
