"""Several labels at once: what can be said of each, and of the worst, when all are looked at."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.statistics.paired import Array, Estimate, Interval


def worst_label_bounds(drops: Sequence[Estimate], tail: float = 0.05) -> Interval:
    """Return bounds of the largest drop among several labels.

    The upper bound is the largest of the labels' one-sided bounds: that every label stays
    below a limit is claimed only if each does at that level, which needs no correction
    (intersection-union test, Berger 1982). The lower bound is the largest of the labels' bounds at
    `tail` divided by their number: that some label is above a limit is found by looking at all of
    them, which does (the first step of Holm 1979).

    Args:
        drops: Drop of AP of each label, at least one.
        tail: How often a bound may err.
    """
    low = max(drop.lower(tail / len(drops)) for drop in drops)
    return low, max(drop.bounds(tail)[1] for drop in drops)


def holm(p_values: ArrayLike) -> Array:
    """Return p values adjusted for looking at all of them (Holm 1979); NaN stays out.

    >>> holm([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p_values, float)
    adjusted = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted


def drop_p_values(drops: Sequence[Estimate | None]) -> Array:
    """Return for each label the two-sided p value of "its AP has not changed".

    NaN where it is undefined.
    """
    return np.array([np.nan if drop is None else drop.p_value() for drop in drops])
