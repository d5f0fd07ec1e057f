"""Which images stand for themselves: units, folds, and the two classes of every label as strata."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stratum:
    """The images of one class (positives or negatives) of every label, by unit and fold."""

    members: NDArray[np.bool_]
    """`[n, labels]`"""
    share: Array
    """Share of each unit in its fold's images of the class, `[units, labels]`."""
    factor: Array
    """`1 - 2 share + sum of squared shares in the fold`, `[units, labels]`: how much of a unit's
    variance is left in its deviation from the mean, where its images are alike."""
    units: NDArray[np.intp]
    """Units of each fold, `[folds, labels]`."""


@dataclass(frozen=True)
class Design:
    """Which images stand for themselves, and what each fold's AP weighs."""

    fold: NDArray[np.intp]
    """Fold of each image, from 0."""
    unit: NDArray[np.intp]
    """Unit of each image, from 0; each is of one fold."""
    positives: Stratum
    negatives: Stratum
    weights: Array
    """`[folds, labels]`, 0 where AP is undefined."""

    @cached_property
    def fold_of_unit(self) -> NDArray[np.intp]:
        """Fold of each unit."""
        found = np.zeros(int(self.unit.max()) + 1, np.intp)
        found[self.unit] = self.fold
        return found

    @cached_property
    def units_by_label(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Units with a positive, and with the rarer class, of each label where AP is defined."""
        used = self.weights != 0
        both = [stratum.units * used for stratum in (self.positives, self.negatives)]
        return both[0].sum(axis=0), np.minimum(*both).sum(axis=0)


def design(
    targets: Array, folds: NDArray[np.intp], units: NDArray[np.intp], weights: Array | None = None
) -> Design:
    """Return the design of targets `[n, labels]` (NaN is unknown).

    Args:
        targets: 0, 1 or NaN.
        folds: Fold of each image, from 0.
        units: Unit of each image, from 0.
        weights: Of each fold's AP in a label's value `[folds, labels]`; without them the mean over
            the folds in which AP is defined.
    """
    n_folds = int(folds.max()) + 1
    of_unit = np.zeros(int(units.max()) + 1, np.intp)
    of_unit[units] = folds
    positives, negatives = (_stratum(targets == value, folds, units, of_unit) for value in (1, 0))
    both = (positives.units > 0) & (negatives.units > 0)
    if weights is None:
        weights = both / np.maximum(both.sum(axis=0), 1)
    assert weights.shape == (n_folds, targets.shape[1])
    return Design(folds, units, positives, negatives, np.where(both, weights, 0.0))


def unit_numbers(groups: Sequence[int], folds: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return the unit of each image, from 0: its group within its fold, without groups itself.

    >>> unit_numbers((7, 7, 7, 2), np.array([0, 0, 1, 1])).tolist()
    [0, 0, 2, 1]
    """
    if not groups:
        return np.arange(len(folds))
    pairs = np.stack([folds.astype(np.intp), np.asarray(groups, np.intp)])
    return np.unique(pairs, axis=1, return_inverse=True)[1].ravel()


def summed(values: NDArray[np.generic], number: NDArray[np.intp], size: int) -> Array:
    """Return the sum of the rows `[n, labels]` by their number, `[size, labels]`."""
    if size == len(values) and (number == np.arange(size)).all():
        return np.asarray(values, float)
    if size == 1:
        return np.asarray(values.sum(axis=0, keepdims=True, dtype=float))
    found = np.zeros((size, values.shape[1]))
    np.add.at(found, number, values)
    return found


def _stratum(
    members: NDArray[np.bool_],
    folds: NDArray[np.intp],
    units: NDArray[np.intp],
    fold_of_unit: NDArray[np.intp],
) -> Stratum:
    n_folds = int(folds.max()) + 1
    count = np.maximum(summed(members, folds, n_folds), 1)
    in_units = summed(members, units, len(fold_of_unit))
    share = in_units / count[fold_of_unit]
    squares = summed(share**2, fold_of_unit, n_folds)
    factor = 1 - 2 * share + squares[fold_of_unit]
    held = summed(in_units > 0, fold_of_unit, n_folds).astype(np.intp)
    return Stratum(members, share, np.where(share == 1, 0.0, factor), held)
