"""Metrics of the order of the scores: no threshold has a part in them."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import (
    average_precision_score,
    label_ranking_average_precision_score,
    roc_auc_score,
)
from sklearn.metrics import (
    precision_recall_curve as sklearn_curve,
)

from benchmarks.metrics._targets import Array, known, table

CURVE_POINTS = 100
_ELEVEN = np.arange(11) / 10
"""Rounded as `positives found / positives` is, so that 3 of 10 reach 0.3; `0.1 * 3` is above it."""


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
    told = known(targets, scores)
    return None if told is None else float(average_precision_score(*told))


def eleven_point_ap(targets: ArrayLike, scores: ArrayLike) -> float | None:
    """Return the mean over `r = 0, 0.1, .. 1` of the highest precision at a recall of at least r.

    The average precision of PASCAL VOC until 2009 (Everingham et al. 2010, "The PASCAL Visual
    Object Classes (VOC) Challenge", section 4.2), for comparison with numbers of that time.
    Equal scores count together.

    Args:
        targets: `[n]`, 0, 1 or NaN.
        scores: `[n]`, any monotone score.

    Raises:
        ValueError: the lengths differ.

    >>> round(eleven_point_ap([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]), 4)  # (6 * 1 + 5 * 2/3) / 11
    0.8485
    """
    told = known(targets, scores)
    if told is None:
        return None
    precision, recall, _ = sklearn_curve(*told)
    # The last point of the curve, precision 1 at recall 0, is drawn and not measured.
    reached = recall[:-1] >= _ELEVEN[:, None]
    return float(np.where(reached, precision[:-1], 0.0).max(axis=1).mean())


def roc_auc(targets: ArrayLike, scores: ArrayLike) -> float | None:
    """Return the chance that a positive scores above a negative; a tie counts half.

    The area under the receiver operating characteristic (Hanley and McNeil 1982).

    Args:
        targets: `[n]`, 0, 1 or NaN.
        scores: `[n]`, any monotone score.

    Raises:
        ValueError: the lengths differ.

    >>> roc_auc([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])  # 3 of 4 pairs
    0.75
    """
    told = known(targets, scores)
    return None if told is None else float(roc_auc_score(*told))


def label_ranking_ap(targets: ArrayLike, scores: ArrayLike) -> float | None:
    """Return how high the labels of an image rank among all labels, mean over images.

    For each label that the image has: of the labels that score at least as high, the share that
    the image has too (Schapire and Singer 2000, "BoosTexter"). An image with all of its known
    labels or none counts 1, as in scikit-learn; `None` where every image is such.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN. An image is ranked on its known labels only, and one
            that has none is left out.
        scores: `[n, labels]`, comparable between labels.

    Raises:
        ValueError: the shapes differ.

    >>> label_ranking_ap([[1, 0, 0]], [[0.5, 0.9, 0.1]])
    0.5
    """
    all_targets, all_scores = table(targets, scores, "scores")
    told = ~np.isnan(all_targets)
    rows = told.any(axis=1)
    truth, false = (all_targets == 1)[rows], (all_targets == 0)[rows]
    if not (truth.any(axis=1) & false.any(axis=1)).any():
        return None
    # Below all others, a label that is unknown is in nobody's way.
    ranked = np.where(told, all_scores, all_scores.min() - 1)[rows]
    return float(label_ranking_average_precision_score(truth.astype(int), ranked))


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
    told = known(targets, scores)
    if told is None:
        return None
    precision, recall, _ = sklearn_curve(*told)
    points = min(CURVE_POINTS, len(recall))
    kept = np.unique(np.linspace(0, len(recall) - 1, points).round().astype(int))
    return recall[::-1][kept], precision[::-1][kept]
