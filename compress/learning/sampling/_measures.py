"""How unlike in frequency labels are (Charte et al. 2015, doi 10.1016/j.neucom.2014.08.091)."""

import numpy as np
from numpy.typing import NDArray


def present(targets: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which labels images have, of targets `[n, labels]`; what is unknown is not there."""
    with np.errstate(invalid="ignore"):
        return np.asarray(targets >= 0.5)


def imbalance(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return IRLbl `[labels]`: images of the most frequent label for each of a label's.

    Infinite for a label that no image has.

    >>> imbalance(np.array([40, 10, 8]))
    array([1., 4., 5.])
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.max(counts) / np.asarray(counts, float))


def mean_imbalance(counts: NDArray[np.intp]) -> float:
    """Return MeanIR, the mean of IRLbl over the labels that an image has.

    >>> mean_imbalance(np.array([40, 10, 8, 0]))
    3.3333333333333335
    """
    found = imbalance(counts)
    return float(found[np.isfinite(found)].mean())
