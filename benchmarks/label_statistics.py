"""Several labels at once: what can be said of each, and of the worst, when all are looked at."""

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.statistics import Array, Interval


def worst_label_bounds(drops: Array) -> Interval | None:
    """Return bounds of the largest drop among several labels.

    The upper bound is the largest of the labels' one-sided 95% bounds: that every label stays
    below a limit is claimed only if each does at that level, which needs no correction
    (intersection-union test, Berger 1982). The lower bound is the largest of the labels' bounds at
    5% divided by their number: that some label is above a limit is found by looking at all of
    them, which does (the first step of Holm 1979).

    Args:
        drops: Drop of AP per draw and label `[draws, labels]`; NaN is undefined.

    >>> worst_label_bounds(np.array([[0.0, 0.1], [0.0, 0.1]]))
    (0.1, 0.1)
    """
    columns = [column[~np.isnan(column)] for column in drops.T]
    columns = [column for column in columns if len(column)]
    if not columns:
        return None
    low = max(float(np.quantile(column, 0.05 / len(columns))) for column in columns)
    return low, max(float(np.quantile(column, 0.95)) for column in columns)


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


def drop_p_values(drops: Array) -> Array:
    """Return for each label the two-sided bootstrap p value of "its AP has not changed".

    Twice the share of draws on the rarer side of 0, counted with one more draw there, so that no
    p value is 0 (Davison and Hinkley 1997, section 4.4.1). NaN where every draw is undefined.

    Args:
        drops: Drop of AP per draw and label `[draws, labels]`.
    """
    defined = (~np.isnan(drops)).sum(axis=0)
    rarer = np.minimum((drops <= 0).sum(axis=0), (drops >= 0).sum(axis=0))
    p_values = np.minimum(2 * (rarer + 1) / (defined + 1), 1.0)
    return np.where(defined > 0, p_values, np.nan)
