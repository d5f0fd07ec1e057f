"""What a model is worth on corrupted images, ready to be compared image by image."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import paired
from benchmarks.statistics.paired import Ranks
from edgepress.core.results import EvalResult


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
    return paired.mean_of(reference) - paired.mean_of(candidate)


def robust_drop(candidate: Robustness, reference: Robustness) -> Ranks:
    """Return the mean drop over all corruptions and strengths.

    Raises:
        UserError: the two were not measured on the same images.
    """
    paired.check_paired(candidate.clean, reference.clean)
    return drop(candidate.all_conditions, reference.all_conditions)
