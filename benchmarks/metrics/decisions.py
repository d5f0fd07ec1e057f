"""Metrics of decisions: which labels an image is said to have, by threshold or by rank."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.metrics import accuracy_score, f1_score, precision_recall_curve
from sklearn.metrics import hamming_loss as sklearn_hamming_loss

from benchmarks.metrics._targets import Array, known, labels, mean_defined, table

Decided = NDArray[np.bool_]
"""Whether an image is said to have a label, `[n, labels]`."""


def decide(probs: ArrayLike, thresholds: Sequence[float], k: int | None = None) -> Decided:
    """Return the labels that reach their threshold, with `k` only among the k highest.

    Labels that tie for the k-th place are all among the highest, so that the order of the labels
    changes nothing. This is the top-k of the code of Chen et al. 2019 ("Multi-Label Image
    Recognition with Graph Convolutional Networks", ML-GCN); with thresholds of 0 it is the older
    one, which gives every image k labels.

    Args:
        probs: `[n, labels]`.
        thresholds: One per label; a label is predicted when its probability is at least this.
        k: The most labels of an image, at least 1; `None` is no limit.

    Raises:
        ValueError: there is not one threshold per label, or `k` is below 1.

    >>> decide([[0.9, 0.8, 0.6]], [0.5, 0.85, 0.5]).tolist()
    [[True, False, True]]
    >>> decide([[0.9, 0.8, 0.6]], [0.5, 0.85, 0.5], k=2).tolist()
    [[True, False, False]]
    """
    all_probs = np.asarray(probs, float)
    if all_probs.ndim != 2 or all_probs.shape[1] != len(thresholds):
        raise ValueError(f"probs {all_probs.shape} must be [n, {len(thresholds)} thresholds]")
    if k is not None and k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    reached = all_probs >= np.asarray(thresholds, float)
    if k is None:
        return reached
    return np.asarray(reached & (rankdata(-all_probs, "min", axis=1) <= k), bool)


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
    for label_targets, label_probs, threshold in labels(targets, probs, thresholds):
        told = known(label_targets, label_probs)
        values.append(None if told is None else float(f1_score(told[0], told[1] >= threshold)))
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
    told = known(targets, probs)
    return None if told is None else float(accuracy_score(told[0], told[1] >= threshold))


def f1_samples(targets: ArrayLike, decided: ArrayLike) -> float | None:
    """Return the mean over images of `2 TP / (2 TP + FP + FN)` of the image's known labels.

    An image that has none of the labels and is said to have none is undefined, and left out: it
    is scikit-learn's `average="samples"` with `zero_division=nan`.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        decided: `[n, labels]`, whether the label is predicted.

    Raises:
        ValueError: the shapes differ.

    >>> f1_samples([[1, 1], [0, 1], [0, 0]], [[1, 0], [0, 1], [0, 0]])  # (2/3 + 1) / 2
    0.8333333333333333
    """
    truth, guess = comparable(targets, decided)
    if not (truth | guess).any():
        return None
    return float(f1_score(truth, guess, average="samples", zero_division=np.nan))


def subset_accuracy(targets: ArrayLike, decided: ArrayLike) -> float | None:
    """Return the share of images of which every known label is decided rightly.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN; an image without a known target is left out.
        decided: `[n, labels]`, whether the label is predicted.

    Raises:
        ValueError: the shapes differ.

    >>> subset_accuracy([[1, 1], [0, 1]], [[1, 0], [0, 1]])
    0.5
    """
    truth, guess = comparable(targets, decided)
    return float(accuracy_score(truth, guess)) if len(truth) else None


def hamming_loss(targets: ArrayLike, decided: ArrayLike) -> float | None:
    """Return the share of wrong decisions among all known targets.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        decided: `[n, labels]`, whether the label is predicted.

    Raises:
        ValueError: the shapes differ.

    >>> hamming_loss([[1, 1], [0, 1]], [[1, 0], [0, 1]])
    0.25
    """
    truth, guess = pooled(targets, decided)
    return float(sklearn_hamming_loss(truth, guess)) if len(truth) else None


def best_threshold(targets: Array, probs: Array) -> float:
    """Return the threshold of one label with the highest F1; for validation images, never test.

    It lies halfway to the next lower score, so that rounding does not flip the image that decided
    it; among equal F1 the highest threshold is taken. `thresholds.learn` does so for each label.

    Args:
        targets: `[n]`, 0 or 1, with at least one positive.
        probs: `[n]`.

    >>> best_threshold(np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.6, 0.2]))
    0.4
    """
    precision, recall, thresholds = precision_recall_curve(targets, probs)
    # F1 = 2 TP / (predicted + positives); both factors of TP stay finite where TP is 0.
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return halfway_below(thresholds, len(thresholds) - 1 - int(np.argmax(f1[:-1][::-1])))


def halfway_below(scores: Array, cut: int) -> float:
    """Return a threshold between a score and the next lower one, to six digits if those tell.

    Args:
        scores: Distinct scores, ascending.
        cut: Position of the lowest score that is to reach the threshold.

    >>> halfway_below(np.array([0.2, 0.6]), 1), halfway_below(np.array([1e-9, 3e-9]), 1)
    (0.4, 2e-09)
    """
    score, below = float(scores[cut]), float(scores[cut - 1]) if cut > 0 else 0.0
    middle = (score + below) / 2
    return next((cut for cut in (round(middle, 6), middle) if below < cut <= score), score)


def comparable(targets: ArrayLike, decided: ArrayLike) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return targets and decisions for scikit-learn, `[images with a known target, labels + 1]`.

    An unknown target is 0 in both, where TP, FP and FN do not see it. The last column is 0 too:
    without it scikit-learn would take a single label for two classes.

    Raises:
        ValueError: the shapes differ.
    """
    all_targets, all_decided = table(targets, decided, "decisions")
    told = ~np.isnan(all_targets)
    rows = told.any(axis=1)
    pair = (all_targets == 1, told & (all_decided != 0))
    truth, guess = (np.pad(part[rows].astype(int), ((0, 0), (0, 1))) for part in pair)
    return truth, guess


def pooled(targets: ArrayLike, decided: ArrayLike) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return the known targets of all labels in one row, and the decisions on them.

    Raises:
        ValueError: the shapes differ.
    """
    all_targets, all_decided = table(targets, decided, "decisions")
    told = ~np.isnan(all_targets)
    return all_targets[told].astype(int), (all_decided[told] != 0).astype(int)
