"""What a gate is held against, and what the evidence says."""

from dataclasses import dataclass

from benchmarks.robustness.result import Robustness
from benchmarks.statistics import Interval
from compress.core.artifact import Artifact
from compress.core.results import EvalResult, LatencyResult


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


@dataclass(frozen=True)
class Finding:
    """A measured value, the bounds that decide, and how to say them."""

    measured: float
    bounds: Interval
    ci95: Interval | None
    reason: str
