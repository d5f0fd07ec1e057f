"""What a model is worth on corrupted images, ready to be compared draw by draw."""

from dataclasses import dataclass

import numpy as np

from benchmarks import statistics
from benchmarks.statistics import Array, Interval
from compress.core.results import EvalResult


@dataclass(frozen=True)
class Condition:
    """mAP under one corruption at one strength, and under the same draws of the images."""

    map: float
    draws: Array
    """`[draws]`; NaN is undefined."""


@dataclass(frozen=True)
class Robustness:
    """One model on the same images, clean and under every corruption."""

    clean: EvalResult
    corrupted: dict[str, tuple[Condition, ...]]
    """By corruption, from the weakest strength to the strongest."""

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """Every corruption at every strength."""
        return tuple(one for several in self.corrupted.values() for one in several)


@dataclass(frozen=True)
class Drop:
    """Mean mAP of the reference minus that of the candidate, over some conditions."""

    value: float
    draws: Array
    """`[draws]`, paired over images."""

    @property
    def ci95(self) -> Interval | None:
        """The 95% interval."""
        return statistics.interval(self.draws)

    def __sub__(self, other: "Drop") -> "Drop":
        return Drop(self.value - other.value, self.draws - other.draws)


def condition(result: EvalResult) -> Condition:
    """Return what is kept of a result whose mAP is defined."""
    assert result.map is not None
    return Condition(result.map, statistics.map_draws(result))


def mean_map(conditions: tuple[Condition, ...]) -> float:
    """Return the mean of the mAP."""
    return float(np.mean([one.map for one in conditions]))


def drop(candidate: tuple[Condition, ...], reference: tuple[Condition, ...]) -> Drop:
    """Return the mean drop over the same conditions of two models on the same images."""
    values = [before.map - after.map for after, before in zip(candidate, reference, strict=True)]
    draws = [before.draws - after.draws for after, before in zip(candidate, reference, strict=True)]
    return Drop(float(np.mean(values)), np.mean(draws, axis=0))


def robust_drop(candidate: Robustness, reference: Robustness) -> Drop:
    """Return the mean drop over all corruptions and strengths.

    Raises:
        UserError: the two were not measured on the same images.
    """
    statistics.check_paired(candidate.clean, reference.clean)
    return drop(candidate.all_conditions, reference.all_conditions)
