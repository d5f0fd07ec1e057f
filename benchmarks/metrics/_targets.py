"""What every metric starts from: targets of which some are unknown, label by label."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def known(targets: ArrayLike, scores: ArrayLike) -> tuple[Array, Array] | None:
    """Return the rows of one label with a known target, `None` unless they hold both classes.

    Raises:
        ValueError: the lengths differ.
    """
    all_targets, all_scores = np.asarray(targets, float), np.asarray(scores, float)
    if all_targets.shape != all_scores.shape or all_targets.ndim != 1:
        raise ValueError(f"targets {all_targets.shape} and scores {all_scores.shape} must be [n]")
    told = ~np.isnan(all_targets)
    if len(np.unique(all_targets[told])) < 2:
        return None
    return all_targets[told], all_scores[told]


def table(targets: ArrayLike, others: ArrayLike, what: str = "probs") -> tuple[Array, Array]:
    """Return targets and what belongs to them, both `[n, labels]`.

    Raises:
        ValueError: the shapes differ.
    """
    all_targets, all_others = np.asarray(targets, float), np.asarray(others, float)
    if all_targets.shape != all_others.shape or all_targets.ndim != 2:
        shapes = f"targets {all_targets.shape} and {what} {all_others.shape}"
        raise ValueError(f"{shapes} must both be [n, labels]")
    return all_targets, all_others


def labels(
    targets: ArrayLike, probs: ArrayLike, thresholds: Sequence[float] | None = None
) -> list[tuple[Array, Array, float]]:
    """Return targets, probabilities and threshold of each label.

    Raises:
        ValueError: the shapes differ.
    """
    all_targets, all_probs = table(targets, probs)
    each = [0.5] * all_targets.shape[1] if thresholds is None else thresholds
    return list(zip(all_targets.T, all_probs.T, each, strict=True))


def mean_defined(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are defined, `None` if none is.

    >>> mean_defined([0.5, None, 1.0])
    0.75
    """
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
