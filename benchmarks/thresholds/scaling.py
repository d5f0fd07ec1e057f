"""Make probabilities honest after training: temperature and Platt scaling, label by label."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from benchmarks.metrics._targets import Array, known, labels
from edgepress.core.scaling import Scaling, Scalings

TEMPERATURES = (0.05, 20.0)
_SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, where an int8 model lands and the logit is not."""


def temperature_scaling(targets: ArrayLike, probs: ArrayLike) -> Scalings:
    """Return for each label the temperature T with the lowest negative log likelihood.

    `sigmoid(logit(p) / T)`: the temperature scaling of Guo et al. 2017 ("On Calibration of Modern
    Neural Networks", section 4.2) for each label by itself. T stays between 0.05 and 20: where the
    scores part the classes wholly, the likelihood has no maximum. T does not move probabilities
    over 0.5, so it cannot mend a bias; `platt_scaling` can.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN, of validation images.
        probs: `[n, labels]`, from 0 to 1.

    Returns:
        One scaling per label, `None` for a label without both classes.

    Raises:
        ValueError: the shapes differ.

    >>> found, = temperature_scaling([[1], [1], [1], [0]], [[0.9]] * 4)  # 0.75 would be right
    >>> round(found.temperature, 3), scaled([[0.9]], [found]).round(3).tolist()
    (2.0, [[0.75]])
    """
    return _each_label(_temperature, targets, probs)


def platt_scaling(targets: ArrayLike, probs: ArrayLike) -> Scalings:
    """Return for each label the logistic regression of its targets on its logits.

    Platt 1999 ("Probabilistic outputs for support vector machines"): positives count as
    `(N+ + 1) / (N+ + 2)` and negatives as `1 / (N- + 2)`, which keeps the slope finite where the
    scores part the classes wholly.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN, of validation images.
        probs: `[n, labels]`, from 0 to 1.

    Returns:
        One scaling per label; `None` for a label without both classes, and for one whose
        negatives score no lower than its positives: its order would be turned around.

    Raises:
        ValueError: the shapes differ.

    >>> targets, probs = [[1], [0], [1], [0]], [[0.3], [0.1], [0.2], [0.2]]
    >>> found, = platt_scaling(targets, probs)
    >>> round(float(scaled(probs, [found]).mean()), 3)  # half of the images are positive
    0.5
    """
    return _each_label(_platt, targets, probs)


def scaled(probs: ArrayLike, scalings: Sequence[Scaling | None]) -> Array:
    """Return the new probabilities `[n, labels]`.

    Args:
        probs: `[n, labels]`, from 0 to 1.
        scalings: One per label; `None` leaves the label as it is.

    Raises:
        ValueError: there is not one scaling per label.

    >>> scaled([[0.9, 0.9]], [Scaling(slope=0.5), None]).round(3).tolist()
    [[0.75, 0.9]]
    """
    new = np.array(probs, float)
    if new.ndim != 2 or new.shape[1] != len(scalings):
        raise ValueError(f"probs {new.shape} must be [n, {len(scalings)} scalings]")
    for label, scaling in enumerate(scalings):
        if scaling is not None:
            new[:, label] = expit(scaling.slope * _logits(new[:, label]) + scaling.offset)
    return new


def _each_label(
    fit: Callable[[Array, Array], Scaling | None], targets: ArrayLike, probs: ArrayLike
) -> Scalings:
    told = [known(column, scores) for column, scores, _ in labels(targets, probs)]
    return tuple(None if each is None else fit(each[0], _logits(each[1])) for each in told)


def _logits(probs: Array) -> Array:
    return np.asarray(logit(np.clip(probs, _SMALLEST, 1 - _SMALLEST)), float)


def _temperature(targets: Array, logits: Array) -> Scaling:
    signed = np.where(targets == 1, -logits, logits)
    found = minimize_scalar(
        lambda log_t: np.logaddexp(0, signed / np.exp(log_t)).mean(),
        bounds=np.log(TEMPERATURES),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return Scaling(slope=float(np.exp(-found.x)))


def _platt(targets: Array, logits: Array) -> Scaling | None:
    positives = targets.sum()
    believed = np.where(
        targets == 1, (positives + 1) / (positives + 2), 1 / (len(targets) - positives + 2)
    )
    # A target between 0 and 1 is the image twice: as a positive and as a negative, by weight.
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        np.tile(logits, 2)[:, None],
        np.repeat([1, 0], len(logits)),
        sample_weight=np.concatenate([believed, 1 - believed]),
    )
    slope = float(model.coef_[0, 0])
    return Scaling(slope=slope, offset=float(model.intercept_[0])) if slope > 0 else None
