"""Paired bootstrap: what the AP of one model on these images is worth.

mAP is the mean over labels of the mean over views of AP. A draw gives every image a count (how
often it was drawn), and AP under such counts has a closed form, so no image is ever copied. Two
results on the same images with the same seed get the same counts: that is what makes it paired.
Where the images are the folds of several models, AP is the mean of the AP within each fold, and
each fold is resampled by itself, so that it keeps its size. Where images belong to groups, whole
groups are drawn (cluster bootstrap; Davison and Hinkley 1997, "Bootstrap Methods and their
Application", section 3.8): images of one patient are alike, and count for less than as many others.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.core.results import EvalResult, Scores, Targets, fold_rows

Array = NDArray[np.float64]

DRAWS = 2000
SEED = 0
Z_ONE_SIDED = 1.645
"""95% quantile of the normal distribution."""
_CHUNK = 250


def weighted_ap(targets: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> Array:
    """Return the average precision `[draws]` under the image weights of every draw.

    Equal scores count together, as in scikit-learn. NaN where the weight of the positives or of
    the negatives is 0.

    Args:
        targets: `[n]`, 0, 1 or NaN (left out).
        scores: `[n]`.
        weights: `[draws, n]`, at least 0.

    >>> weighted_ap([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], [[1, 1, 1, 1], [1, 0, 1, 1]]).round(4)
    array([0.8333, 1.    ])
    """
    by_image = np.ascontiguousarray(np.asarray(weights, float).T)
    return _Ranking(np.asarray(targets, float), np.asarray(scores, float)).ap(by_image)


class _Ranking:
    """One label's images from the highest score to the lowest, sorted once for all draws."""

    def __init__(self, targets: Array, scores: Array) -> None:
        known = np.flatnonzero(~np.isnan(targets))
        self.order = known[np.argsort(-scores[known], kind="stable")]
        ordered = scores[self.order]
        self.positive = np.flatnonzero(targets[self.order] == 1)
        # Only tie groups that hold a positive add to AP: (R_n - R_{n-1}) is 0 at the others.
        group = np.concatenate([[0], np.cumsum(np.diff(ordered) != 0)])[: len(ordered)]
        last = np.flatnonzero(np.append(np.diff(group) != 0, True))[: len(ordered)]
        positive_group = group[self.positive]
        self.starts = np.flatnonzero(np.append(True, np.diff(positive_group) != 0))
        self.ends = last[positive_group[self.starts]] if len(self.positive) else last[:0]

    def ap(self, by_image: Array) -> Array:
        """Return AP `[draws]` for weights `[n, draws]`."""
        draws = by_image.shape[1]
        if not len(self.positive) or len(self.positive) == len(self.order):
            return np.full(draws, np.nan)
        ranked = by_image[self.order]
        gained = np.add.reduceat(ranked[self.positive], self.starts, axis=0)
        seen = np.cumsum(ranked, axis=0)
        found = np.cumsum(gained, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(gained > 0, found / seen[self.ends], 0.0)
            value = (gained * precision).sum(axis=0) / found[-1]
        value[(found[-1] == 0) | (found[-1] == seen[-1])] = np.nan
        return np.asarray(value, float)


@dataclass(frozen=True)
class _Problem:
    """What is resampled, equal when its bytes are: a result is resampled only once."""

    digest: str
    folds: tuple[int, ...]
    groups: tuple[int, ...]
    scores: Scores = field(compare=False, repr=False)
    targets: Targets = field(compare=False, repr=False)


def ap_draws(result: EvalResult, draws: int = DRAWS, seed: int = SEED) -> Array:
    """Return AP per draw and label `[draws, labels]`, averaged over views and folds.

    NaN is undefined; a fold that a draw leaves undefined is left out of the mean.
    """
    digest = hashlib.sha256(result.scores.tobytes() + result.targets.tobytes()).hexdigest()
    problem = _Problem(digest, result.folds, result.groups, result.scores, result.targets)
    return _ap_draws(problem, draws, seed)


def map_draws(result: EvalResult, draws: int = DRAWS, seed: int = SEED) -> Array:
    """Return mAP per draw `[draws]`; labels that a draw leaves undefined are left out of it."""
    return mean_defined(ap_draws(result, draws, seed))


def smallest_certifiable_drop(sd: float) -> float:
    """Return the smallest limit that a candidate without any drop would pass.

    The upper bound of the drop is then `0 + 1.645 sd`, and it must not exceed the limit.

    Args:
        sd: Standard deviation of the paired difference of mAP over draws.

    >>> round(smallest_certifiable_drop(0.01), 5)
    0.01645
    """
    return Z_ONE_SIDED * sd


def expected_sd(reference: EvalResult) -> float | None:
    """Return the paired standard deviation to expect before there is a candidate.

    The assumption: a candidate differs from the reference as much as the reference on one half of
    the views differs from itself on the other half. `None` with fewer than two views.
    """
    if len(reference.view_names) < 2:
        return None
    halves = [
        reference.model_copy(update={"scores": reference.scores[start::2]}) for start in (0, 1)
    ]
    return float(np.nanstd(map_draws(halves[0]) - map_draws(halves[1])))


def image_counts(sizes: Sequence[int], draws: int, seed: int) -> Iterator[tuple[Array, ...]]:
    """Yield how often each image is drawn, a chunk of the draws at a time.

    `sizes` is the number of images of each fold; of each, `[n, draws]` is yielded.
    """
    generator = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        size = min(_CHUNK, draws - start)
        drawn = [generator.multinomial(n, np.full(n, 1 / n), size=size) for n in sizes]
        yield tuple(np.ascontiguousarray(counts.T, dtype=float) for counts in drawn)


def group_counts(
    numbers: Sequence[NDArray[np.intp]], draws: int, seed: int
) -> Iterator[tuple[Array, ...]]:
    """Yield how often each image is drawn with its group, a chunk of the draws at a time.

    Args:
        numbers: Group of each image of each fold, `[n]`, counted from 0 within the fold.
        draws: Number of draws.
        seed: Seed of the generator; with groups of one image the draws are those of `image_counts`.
    """
    sizes = [int(number.max()) + 1 for number in numbers]
    for counts in image_counts(sizes, draws, seed):
        yield tuple(drawn[number] for drawn, number in zip(counts, numbers, strict=True))


def mean_defined(values: Array) -> Array:
    """Return the mean over the defined columns per draw, NaN where none is."""
    defined = ~np.isnan(values)
    counts = defined.sum(axis=1)
    total = np.where(defined, values, 0.0).sum(axis=1)
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), np.nan), float)


@lru_cache(maxsize=64)
def _ap_draws(problem: _Problem, draws: int, seed: int) -> Array:
    views, n, labels = problem.scores.shape
    targets, scores = problem.targets.astype(float), problem.scores.astype(float)
    folds = fold_rows(problem.folds, n)
    rankings = [
        [
            [_Ranking(targets[rows, label], scores[view, rows, label]) for view in range(views)]
            for rows in folds
        ]
        for label in range(labels)
    ]
    result = np.concatenate(
        [
            np.stack([_mean_over_folds(label, counts) for label in rankings], axis=1)
            for counts in group_counts(_numbers(problem.groups, folds), draws, seed)
        ]
    )
    result.flags.writeable = False
    return result


def _numbers(groups: tuple[int, ...], folds: Sequence[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
    """Return the group of each image, counted from 0 in each fold; without groups its own."""
    if not groups:
        return [np.arange(len(rows)) for rows in folds]
    numbers = np.asarray(groups)
    return [np.unique(numbers[rows], return_inverse=True)[1] for rows in folds]


def _mean_over_folds(folds: list[list[_Ranking]], counts: tuple[Array, ...]) -> Array:
    """Return AP `[draws]` of one label from its rankings by fold and view."""
    within = [
        np.mean([one.ap(drawn) for one in views], axis=0)
        for views, drawn in zip(folds, counts, strict=True)
    ]
    return mean_defined(np.stack(within, axis=1))
