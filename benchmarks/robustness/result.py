"""What a model is worth on corrupted images, ready to be compared image by image."""

from dataclasses import dataclass

import numpy as np

from benchmarks import statistics
from benchmarks.statistics import Ranks
from compress.core.results import EvalResult


@dataclass(frozen=True)
class Robustness:
    """One model on the same images, clean and under every corruption."""

    clean: EvalResult
    corrupted: dict[str, tuple[Ranks, ...]]
    """By corruption, from the weakest strength to the strongest."""

    @property
    def all_conditions(self) -> tuple[Ranks, ...]:
        """Every corruption at every strength."""
        return tuple(one for several in self.corrupted.values() for one in several)


def map_of(condition: Ranks) -> float:
    """Return the mAP under one condition, where it is defined."""
    return float(np.nanmean(condition.by_label))


def drop(candidate: tuple[Ranks, ...], reference: tuple[Ranks, ...]) -> Ranks:
    """Return the mean drop over the same conditions of two models on the same images."""
    return statistics.mean_of(reference) - statistics.mean_of(candidate)


def robust_drop(candidate: Robustness, reference: Robustness) -> Ranks:
    """Return the mean drop over all corruptions and strengths.

    Raises:
        UserError: the two were not measured on the same images.
    """
    statistics.check_paired(candidate.clean, reference.clean)
    return drop(candidate.all_conditions, reference.all_conditions)
