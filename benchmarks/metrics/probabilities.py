"""Metrics of the probabilities themselves: is what is called 70% there seven times in ten?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import brier_score_loss

from benchmarks.metrics._targets import Array, known, labels, mean_defined

BINS = 15


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
    return mean_defined(
        calibration_error(label_targets, label_probs)
        for label_targets, label_probs, _ in labels(targets, probs)
    )


def calibration_error(targets: ArrayLike, probs: ArrayLike) -> float | None:
    """Return the expected calibration error of one label; see `expected_calibration_error`.

    Args:
        targets: `[n]`, 0, 1 or NaN.
        probs: `[n]`.

    Raises:
        ValueError: the lengths differ.

    >>> round(calibration_error([1, 0], [0.8, 0.3]), 3)
    0.25
    """
    told = known(targets, probs)
    return None if told is None else _binary_ece(*told)


def brier(targets: ArrayLike, probs: ArrayLike) -> float | None:
    """Return the mean over images of `(probability - target)^2` of one label (Brier 1950).

    Args:
        targets: `[n]`, 0, 1 or NaN.
        probs: `[n]`, from 0 to 1.

    Raises:
        ValueError: the lengths differ, or a probability is not between 0 and 1.

    >>> round(brier([1, 0], [0.8, 0.3]), 3)  # (0.04 + 0.09) / 2
    0.065
    """
    told = known(targets, probs)
    return None if told is None else float(brier_score_loss(*told))


def bins(probs: Array) -> NDArray[np.intp]:
    """Return the bin of each probability `[n]`: fifteen of equal mass, equal ones in the same."""
    edges = np.quantile(probs, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, probs, side="right")


def _binary_ece(targets: Array, probs: Array) -> float:
    gaps = np.bincount(bins(probs), weights=targets - probs, minlength=BINS)
    return float(np.abs(gaps).sum() / len(probs))
