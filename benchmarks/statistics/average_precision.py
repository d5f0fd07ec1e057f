"""Average precision of one label, and what every image adds to it.

AP is a smooth function of how much each image counts, and its derivative has a closed form. These
derivatives, the empirical influence function (Hampel 1974, "The influence curve and its role in
robust estimation"), sum in squares to the variance (infinitesimal jackknife: Jaeckel 1972; Efron
1982, "The Jackknife, the Bootstrap and Other Resampling Plans", chapter 6). Nothing is resampled: a
bootstrap draws a positive twice, which then counts for itself, and leaves out the negatives above
it, so that with few positives its AP is too high.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """One label's images from the highest score to the lowest in several views, `[views, n]`.

    `C` and `R` count what is ranked at or above a place (equal scores count together, as in
    scikit-learn): the positives' weight and everything's, so that `C / R` is the precision.
    """

    order: NDArray[np.intp]
    """Rows of the images."""
    positive: NDArray[np.bool_]
    first: NDArray[np.intp]
    """First place with the same score."""
    found: Array
    """`C`"""
    seen: Array
    """`R`"""
    weight: float
    """How often a positive counts."""

    @classmethod
    def of(cls, targets: Array, scores: Array, weight: float = 1.0) -> "Ranking":
        """Rank scores `[views, n]` of targets `[n]`, 0 or 1; both occur."""
        order = np.argsort(-scores, axis=1, kind="stable")
        ranked, positive = np.take_along_axis(scores, order, 1), (targets == 1)[order]
        places = np.arange(scores.shape[1])
        starts = np.ones(scores.shape, bool)
        starts[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
        ends = np.ones(scores.shape, bool)
        ends[:, :-1] = starts[:, 1:]
        first = np.maximum.accumulate(np.where(starts, places, 0), axis=1)
        upwards = np.where(ends, places, scores.shape[1])[:, ::-1]
        last = np.minimum.accumulate(upwards, axis=1)[:, ::-1]
        positives = np.take_along_axis(np.cumsum(positive, axis=1), last, 1).astype(float)
        found = weight * positives
        return cls(order, positive, first, found, last + 1 - positives + found, weight)

    @property
    def n_positive(self) -> int:
        """Number of positives."""
        return int(self.positive[0].sum())

    @property
    def precision(self) -> Array:
        """Precision at each positive, 0 at the negatives."""
        return np.where(self.positive, self.found / self.seen, 0.0)

    @property
    def ap(self) -> Array:
        """Average precision `[views]`."""
        return np.asarray(self.precision.sum(axis=1) / self.n_positive, float)

    def influence(self) -> Array:
        """Return how much AP rises with the weight of each image, mean over views, `[n]`.

        With weights `w` AP is `sum(w_i C_i / R_i) / sum(w_i)` over the positives. A positive adds
        to its own term, and to `C` and `R` of those at and below it; a negative adds to `R` only.
        """
        of_positive = self._below((self.seen - self.found) * self.weight / self.seen**2)
        of_positive += self.precision - self.ap[:, None]
        of_negative = -self._below(self.found / self.seen**2)
        return self._by_image(np.where(self.positive, of_positive, of_negative) / self.n_positive)

    def bias(self) -> float:
        """Return the jackknife's estimate of how much too high AP is, mean over views.

        `(m - 1) (mean of AP without one image - AP)` of the positives and of the negatives
        (Quenouille 1956), where nothing weighs. NaN with a single image of a class.
        """
        n = self.positive.shape[1]
        if min(self.n_positive, n - self.n_positive) < 2:
            return float("nan")
        without = self._without_one() - self.ap.mean()
        positive = self._by_image(self.positive.astype(float)) == 1
        parts = (without[positive], without[~positive])
        return float(sum((len(part) - 1) * part.mean() for part in parts))

    def _without_one(self) -> Array:
        """Return AP without each image in turn, mean over views, `[n]`."""
        fewer = np.where(self.seen > 1, self.seen - 1, np.inf)
        above = np.cumsum(self.precision, axis=1) - self.precision
        above = np.take_along_axis(above, self.first, 1)
        below = np.where(self.positive, (self.found - 1) / fewer, 0.0)
        one_less = (above + self._below((self.found - 1) / fewer) - below) / (self.n_positive - 1)
        lifted = self.ap[:, None] + self._below(self.found / fewer - self.found / self.seen) / (
            self.n_positive
        )
        return self._by_image(np.where(self.positive, one_less, lifted))

    def _below(self, values: Array) -> Array:
        """Return the sum over the positives at or below each place."""
        upwards = np.where(self.positive, values, 0.0)[:, ::-1]
        return np.take_along_axis(np.cumsum(upwards, axis=1)[:, ::-1], self.first, 1)

    def _by_image(self, values: Array) -> Array:
        """Return the mean over views, in the order of the images."""
        found = np.empty_like(values)
        np.put_along_axis(found, self.order, values, 1)
        return np.asarray(found.mean(axis=0), float)
