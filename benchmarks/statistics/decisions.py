"""What figures of decisions and of calibration are worth, on the first view.

Decisions are counted (`benchmarks.statistics.changed_decisions`). The draws of the calibration
error are those of `benchmarks.statistics.paired`: paired, and of whole groups.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from benchmarks import metrics
from benchmarks.metrics.probabilities import bins
from benchmarks.statistics.bootstrap import group_counts
from benchmarks.statistics.changed_decisions import Decisions
from benchmarks.statistics.paired import DRAWS, SEED, Array, Interval
from benchmarks.statistics.shares import group_numbers
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult

Decided = tuple[EvalResult, Labels]
"""A result, and the thresholds that its model decides at."""


def decisions(after: Decided, before: Decided | None = None) -> Decisions:
    """Return what a model decides, and its reference on the same images where there is one."""
    targets = after[0].targets
    return Decisions(
        has=targets == 1,
        has_not=targets == 0,
        after=_said(after),
        before=None if before is None else _said(before),
        groups=group_numbers(after[0]),
    )


def _said(decided: Decided) -> np.ndarray:
    result, labels = decided
    return np.asarray(result.scores[0] >= np.asarray(labels.thresholds, np.float32))


def ece_draws(result: EvalResult) -> tuple[Array, Array]:
    """Return draws `[draws]` for the lower and for the upper end of the calibration error.

    Chance parts the mean target of a bin from its mean probability too, and does so once more in
    every draw: few images measure an error where there is none, and more of it when drawn again.
    Lower: the measured error minus the distance of the draw's gaps from the measured ones, which
    it cannot be further from the truth than (triangle inequality). Upper: the draw mirrored at the
    measured error (the basic bootstrap, Davison and Hinkley 1997, section 5.2). The bins are those
    of the images as they are.
    """
    numbers = group_numbers(result)
    drawn = [
        label_ece_draws(targets, probs, numbers)
        for targets, probs in zip(result.targets.T, result.scores[0].T, strict=True)
        if metrics.calibration_error(targets, probs) is not None
    ]
    low, high = np.mean(drawn, axis=0) if drawn else np.full((2, DRAWS), np.nan)
    return np.maximum(low, 0.0), np.maximum(high, 0.0)


def label_ece_draws(targets: Array, probs: Array, numbers: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the same of one label with both classes; ends may be below 0.

    Args:
        targets: `[n]`, 0, 1 or NaN.
        probs: `[n]`.
        numbers: Group of each image `[n]`.
    """
    rows = np.flatnonzero(~np.isnan(targets))
    group = np.unique(numbers, return_inverse=True)[1]
    several = len(np.unique(group[rows]))
    if several < 2:
        return np.zeros(DRAWS), np.ones(DRAWS)
    gaps = np.zeros((metrics.BINS, len(group)))
    gaps[bins(probs[rows]), rows] = targets[rows] - probs[rows]
    drawn = np.concatenate(
        [
            gaps @ counts / np.maximum(counts[rows].sum(axis=0), 1)
            for (counts,) in group_counts([group], DRAWS, SEED)
        ],
        axis=1,
    )
    found = gaps.sum(axis=1, keepdims=True) / len(rows)
    error, wider = np.abs(found).sum(), _few(several)
    distance, above = np.abs(drawn - found).sum(axis=0), np.abs(drawn).sum(axis=0) - error
    return error - wider * distance, error - wider * above


def ece_interval(draws: tuple[Array, Array], value: float, tail: float) -> Interval:
    """Return the ends of the calibration error of a value, each missed as often as `tail` says."""
    low, high = (np.quantile(part, end) for part, end in zip(draws, (tail, 1 - tail), strict=True))
    return max(min(float(low), value), 0.0), min(max(float(high), value), 1.0)


def _few(groups: int) -> float:
    """Return by how much draws of few groups are too narrow: Student's t for the normal's."""
    ratio = student.isf(0.05, groups - 1) / norm.isf(0.05)
    return float(ratio * np.sqrt(groups / (groups - 1)))
