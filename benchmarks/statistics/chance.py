"""Is a network better than chance? A permutation test of its mAP.

A network that knows nothing has an mAP of about the labels' prevalence, more or less by luck. How
much luck there is to be had depends on the images, so it is tried: the scores are dealt out among
the images again and again, and it is counted how often that does as well (Fisher 1935, "The Design
of Experiments", chapter 3; with the `+ 1` of Phipson and Smyth 2010, "Permutation P-values should
never be zero").
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepress.core.results import EvalResult, fold_rows

DRAWS = 199
SEED = 0
ROUNDING = 1e-9
_CELLS = 2_000_000
"""Targets that are looked at together at most, for the memory's sake."""

Rows = NDArray[np.intp]
Array = NDArray[np.float64]
Values = NDArray[np.floating[Any]]


def as_good(maps: Array) -> float:
    """Return the share of values as high as the first, itself among them, but for rounding.

    >>> as_good(np.array([0.5, 0.4, 0.5, 0.6]))
    0.75
    """
    return float((maps >= maps[0] - ROUNDING).mean())


def random_maps(result: EvalResult) -> Array | None:
    """Return the mAP of the scores as they are, and then of scores dealt out at random.

    It is that of the first view. Images that belong together move together, and all stay within
    their fold. `None` where no label has both kinds of images.
    """
    generator = np.random.default_rng(SEED)
    n = len(result.targets)
    parts = fold_rows(result.folds, n)
    per_label = []
    dealt = [_dealt(rows, result, generator) for rows in parts]
    for label in range(result.targets.shape[1]):
        found = [
            _aps(result.scores[0][rows, label], result.targets[:, label], orders)
            for rows, orders in zip(parts, dealt, strict=True)
        ]
        defined = [aps for aps in found if aps is not None]
        if defined:
            per_label.append(np.mean(defined, axis=0))
    return np.mean(per_label, axis=0) if per_label else None


def _dealt(rows: Rows, result: EvalResult, generator: np.random.Generator) -> Rows:
    """Return which image's truth each of `rows` gets, `[1 + draws, rows]`, first its own."""
    groups = np.asarray(result.groups)[rows] if result.groups else np.arange(len(rows))
    start = np.argsort(groups, kind="stable")
    members = np.split(start, np.unique(groups[start], return_index=True)[1][1:])
    orders = np.empty((1 + DRAWS, len(rows)), np.intp)
    orders[0] = rows
    for draw in range(1, 1 + DRAWS):
        moved = [members[place] for place in generator.permutation(len(members))]
        orders[draw, start] = rows[np.concatenate(moved)]
    return orders


def _aps(scores: Values, targets: Values, orders: Rows) -> Array | None:
    """Return the average precision of one label in each order `[draws, rows]`.

    As `benchmarks.metrics.average_precision`: equal scores count together, what is not known does
    not count. `None` where the label has one kind of images only.
    """
    known = targets[orders[0]]
    if not ((known == 1).any() and (known == 0).any()):
        return None
    ranked = np.argsort(-scores, kind="stable")
    sorted_scores = scores[ranked]
    last = np.searchsorted(-sorted_scores, -sorted_scores, side="right") - 1
    return np.concatenate([_ap(targets[some][:, ranked], last) for some in _chunks(orders)])


def _chunks(orders: Rows) -> Iterator[Rows]:
    size = max(1, _CELLS // orders.shape[1])
    for start in range(0, len(orders), size):
        yield orders[start : start + size]


def _ap(truth: Values, last: Rows) -> Array:
    """Return AP of targets `[draws, n]` from the highest score to the lowest."""
    positive = truth == 1
    found, seen = positive.cumsum(1)[:, last], (~np.isnan(truth)).cumsum(1)[:, last]
    precision = np.where(positive, found / np.maximum(seen, 1), 0.0)
    return np.asarray(precision.sum(1) / positive.sum(1), float)
