"""Multi-label metrics, each from scikit-learn where it has it.

One policy for what is undefined: a label's metric is `None` unless the images with a known target
hold both a positive and a negative, and a mean over labels leaves such labels out. A target of
NaN is unknown, and that image is left out of that label only.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
)
from sklearn.metrics import (
    precision_recall_curve as sklearn_curve,
)

Array = NDArray[np.float64]

BINS = 15
CURVE_POINTS = 100


def average_precision(targets: ArrayLike, scores: ArrayLike) -> float | None:
    """Return `sum over n of (R_n - R_{n-1}) P_n` over the distinct scores, from high to low.

    Not interpolated; equal scores count together, which matters for int8 models.

    Args:
        targets: `[n]`, 0, 1 or NaN.
        scores: `[n]`, any monotone score.

    Raises:
        ValueError: the lengths differ.

    >>> average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])  # (1/1 + 2/3) / 2
    0.8333333333333333
    >>> average_precision([1, 1], [0.9, 0.8]) is None
    True
    """
    known = _known(targets, scores)
    return None if known is None else float(average_precision_score(*known))


def mean_defined(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are defined, `None` if none is.

    >>> mean_defined([0.5, None, 1.0])
    0.75
    """
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def f1_macro(targets: ArrayLike, probs: ArrayLike, thresholds: Sequence[float]) -> float | None:
    """Return the mean over labels of `2 TP / (2 TP + FP + FN)`.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        probs: `[n, labels]`.
        thresholds: One per label; a label is predicted when its probability is at least this.

    Raises:
        ValueError: the shapes differ.

    >>> f1_macro([[1], [1], [0]], [[0.9], [0.2], [0.6]], [0.5])
    0.5
    """
    values: list[float | None] = []
    for label_targets, label_probs, threshold in _labels(targets, probs, thresholds):
        known = _known(label_targets, label_probs)
        values.append(None if known is None else float(f1_score(known[0], known[1] >= threshold)))
    return mean_defined(values)


def accuracy(targets: ArrayLike, probs: ArrayLike, threshold: float) -> float | None:
    """Return the share of images of one label that are decided rightly.

    Args:
        targets: `[n]`, 0, 1 or NaN.
        probs: `[n]`.
        threshold: The label is predicted when its probability is at least this.

    Raises:
        ValueError: the lengths differ.

    >>> accuracy([1, 1, 0, 0], [0.9, 0.2, 0.6, 0.1], 0.5)
    0.5
    """
    known = _known(targets, probs)
    return None if known is None else float(accuracy_score(known[0], known[1] >= threshold))


def expected_calibration_error(targets: ArrayLike, probs: ArrayLike) -> float | None:
    """Return the mean over labels of `sum over bins of n_b/n |mean target - mean probability|`.

    Fifteen bins of equal mass (Nixon et al. 2019, "Measuring Calibration in Deep Learning");
    equal probabilities fall into the same bin, so that the order of the images changes nothing.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        probs: `[n, labels]`.

    Raises:
        ValueError: the shapes differ.

    >>> round(expected_calibration_error([[1], [0]], [[0.8], [0.3]]), 3)  # (0.2 + 0.3) / 2
    0.25
    """
    values: list[float | None] = []
    for label_targets, label_probs, _ in _labels(targets, probs):
        known = _known(label_targets, label_probs)
        values.append(None if known is None else _binary_ece(*known))
    return mean_defined(values)


def precision_recall_curve(targets: ArrayLike, scores: ArrayLike) -> tuple[Array, Array] | None:
    """Return recall (ascending) and precision of one label, thinned to at most 100 points.

    Args:
        targets: `[n]`, 0, 1 or NaN.
        scores: `[n]`.

    Raises:
        ValueError: the lengths differ.

    >>> recall, precision = precision_recall_curve([1, 0, 1], [0.9, 0.8, 0.7])
    >>> recall.tolist(), precision.tolist()
    ([0.0, 0.5, 0.5, 1.0], [1.0, 1.0, 0.5, 0.6666666666666666])
    """
    known = _known(targets, scores)
    if known is None:
        return None
    precision, recall, _ = sklearn_curve(*known)
    points = min(CURVE_POINTS, len(recall))
    kept = np.unique(np.linspace(0, len(recall) - 1, points).round().astype(int))
    return recall[::-1][kept], precision[::-1][kept]


def best_thresholds(targets: ArrayLike, probs: ArrayLike) -> tuple[float, ...]:
    """Return the threshold of each label with the highest F1; for validation images, never test.

    The threshold lies halfway to the next lower score, so that rounding does not flip the image
    that decided it; among equal F1 the highest threshold is taken. An undefined label gets 0.5.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        probs: `[n, labels]`.

    Raises:
        ValueError: the shapes differ.

    >>> best_thresholds([[1], [1], [0]], [[0.9], [0.6], [0.2]])
    (0.4,)
    """
    found = []
    for label_targets, label_probs, _ in _labels(targets, probs):
        known = _known(label_targets, label_probs)
        found.append(0.5 if known is None else _best_threshold(*known))
    return tuple(found)


def _best_threshold(targets: Array, probs: Array) -> float:
    precision, recall, thresholds = sklearn_curve(targets, probs)
    # F1 = 2 TP / (predicted + positives); both factors of TP stay finite where TP is 0.
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = len(thresholds) - 1 - int(np.argmax(f1[:-1][::-1]))
    below = thresholds[best - 1] if best > 0 else 0.0
    return round(float(thresholds[best] + below) / 2, 6)


def _binary_ece(targets: Array, probs: Array) -> float:
    edges = np.quantile(probs, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, probs, side="right")
    gaps = np.bincount(bins, weights=targets - probs, minlength=BINS)
    return float(np.abs(gaps).sum() / len(probs))


def _known(targets: ArrayLike, scores: ArrayLike) -> tuple[Array, Array] | None:
    """Return the rows with a known target, or `None` unless they hold both classes."""
    all_targets, all_scores = np.asarray(targets, float), np.asarray(scores, float)
    if all_targets.shape != all_scores.shape or all_targets.ndim != 1:
        raise ValueError(f"targets {all_targets.shape} and scores {all_scores.shape} must be [n]")
    known = ~np.isnan(all_targets)
    if len(np.unique(all_targets[known])) < 2:
        return None
    return all_targets[known], all_scores[known]


def _labels(
    targets: ArrayLike, probs: ArrayLike, thresholds: Sequence[float] | None = None
) -> list[tuple[Array, Array, float]]:
    """Return targets, probabilities and threshold of each label."""
    all_targets, all_probs = np.asarray(targets, float), np.asarray(probs, float)
    if all_targets.shape != all_probs.shape or all_targets.ndim != 2:
        shapes = f"targets {all_targets.shape} and probs {all_probs.shape}"
        raise ValueError(f"{shapes} must both be [n, labels]")
    each = [0.5] * all_targets.shape[1] if thresholds is None else thresholds
    return list(zip(all_targets.T, all_probs.T, each, strict=True))
