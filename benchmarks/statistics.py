"""Paired bootstrap: what a number measured on these images, or in these processes, is worth.

mAP is the mean over labels of the mean over views of AP. A draw gives every image a count (how
often it was drawn), and AP under such counts has a closed form, so no image is ever copied. Two
results on the same images with the same seed get the same counts: that is what makes it paired.
Where the images are the folds of several models, AP is the mean of the AP within each fold, and
each fold is resampled by itself, so that it keeps its size.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.core.errors import UserError
from compress.core.results import EvalResult, Scores, Targets, fold_rows

Array = NDArray[np.float64]
Interval = tuple[float, float]

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
    scores: Scores = field(compare=False, repr=False)
    targets: Targets = field(compare=False, repr=False)


def ap_draws(result: EvalResult, draws: int = DRAWS, seed: int = SEED) -> Array:
    """Return AP per draw and label `[draws, labels]`, averaged over views and folds.

    NaN is undefined; a fold that a draw leaves undefined is left out of the mean.
    """
    digest = hashlib.sha256(result.scores.tobytes() + result.targets.tobytes()).hexdigest()
    return _ap_draws(_Problem(digest, result.folds, result.scores, result.targets), draws, seed)


def map_draws(result: EvalResult, draws: int = DRAWS, seed: int = SEED) -> Array:
    """Return mAP per draw `[draws]`; labels that a draw leaves undefined are left out of it."""
    return mean_defined(ap_draws(result, draws, seed))


def drop_draws(candidate: EvalResult, reference: EvalResult, label: str | None = None) -> Array:
    """Return reference minus candidate per draw `[draws]`, of mAP or of one label's AP.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    difference = label_drop_draws(candidate, reference)
    if label is None:
        return mean_defined(difference)
    return np.asarray(difference[:, candidate.label_names.index(label)], float)


def label_drop_draws(candidate: EvalResult, reference: EvalResult) -> Array:
    """Return reference minus candidate of every label's AP per draw, `[draws, labels]`.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    check_paired(candidate, reference)
    return ap_draws(reference) - ap_draws(candidate)


def mean_draws(values: ArrayLike, draws: int = DRAWS, seed: int = SEED) -> Array:
    """Return the mean per draw `[..., draws]` of figures of each image `[..., n]`."""
    per_image = np.asarray(values, float)
    n = per_image.shape[-1]
    drawn = [per_image @ counts / n for (counts,) in image_counts([n], draws, seed)]
    return np.concatenate(drawn, axis=-1)


def check_paired(candidate: EvalResult, reference: EvalResult) -> None:
    """Refuse to compare results that were not measured on the same thing.

    Raises:
        UserError: data, images, labels, views or folds differ.
    """
    for name in ("data_id", "image_ids", "label_names", "view_names", "folds"):
        ours, theirs = getattr(candidate, name), getattr(reference, name)
        if ours != theirs:
            long = name in ("image_ids", "folds")
            short = (len(set(ours)), len(set(theirs))) if long else (ours, theirs)
            raise UserError(
                f"The models were not measured on the same data: {name} differs",
                got=f"{short[0]} and {short[1]}",
                next_step="measure both with one call of benchmarks.compare",
            )


def interval(draws: Array) -> Interval | None:
    """Return the central 95% of the draws, `None` where every draw is undefined."""
    return _quantiles(draws, 0.025, 0.975)


def bounds(draws: Array) -> Interval | None:
    """Return the one-sided 95% lower and upper bounds, `None` where every draw is undefined."""
    return _quantiles(draws, 0.05, 0.95)


def smallest_certifiable_drop(sd: float) -> float:
    """Return the smallest limit that a candidate without any drop would pass.

    The upper bound of the drop is then `0 + 1.645 sd`, and it must not exceed the limit.

    Args:
        sd: Standard deviation of the paired difference of mAP over draws.

    >>> round(smallest_certifiable_drop(0.01), 5)
    0.01645
    """
    return Z_ONE_SIDED * sd


def paired_sd(candidate: EvalResult, reference: EvalResult) -> float:
    """Return the standard deviation over draws of the difference of mAP of two results.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    return float(np.nanstd(drop_draws(candidate, reference)))


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


def median_interval(values: ArrayLike, seed: int = SEED) -> tuple[float, Interval]:
    """Return the median of per-pair ratios or per-process times, and its 95% bootstrap interval.

    Pairs are resampled and the work is done in logarithms, so that a ratio and its inverse are
    treated alike.

    Args:
        values: `[pairs]`, above 0.
        seed: Seed of the resampling.

    >>> median_interval([2.0, 2.0, 2.0])
    (2.0, (2.0, 2.0))
    """
    logs = np.log(np.asarray(values, float))
    rows = np.random.default_rng(seed).integers(len(logs), size=(DRAWS, len(logs)))
    low, high = np.quantile(np.median(logs[rows], axis=1), [0.025, 0.975])
    rounded = (float(np.exp(value).round(12)) for value in (np.median(logs), low, high))
    middle, first, last = rounded
    return middle, (first, last)


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
            for counts in image_counts([len(rows) for rows in folds], draws, seed)
        ]
    )
    result.flags.writeable = False
    return result


def _mean_over_folds(folds: list[list[_Ranking]], counts: tuple[Array, ...]) -> Array:
    """Return AP `[draws]` of one label from its rankings by fold and view."""
    within = [
        np.mean([one.ap(drawn) for one in views], axis=0)
        for views, drawn in zip(folds, counts, strict=True)
    ]
    return mean_defined(np.stack(within, axis=1))


def image_counts(
    sizes: Sequence[int], draws: int = DRAWS, seed: int = SEED
) -> Iterator[tuple[Array, ...]]:
    """Yield how often each image is drawn, a chunk of the draws at a time.

    `sizes` is the number of images of each fold; of each, `[n, draws]` is yielded.
    """
    generator = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        size = min(_CHUNK, draws - start)
        drawn = [generator.multinomial(n, np.full(n, 1 / n), size=size) for n in sizes]
        yield tuple(np.ascontiguousarray(counts.T, dtype=float) for counts in drawn)


def mean_defined(values: Array) -> Array:
    """Return the mean over the defined columns per draw, NaN where none is."""
    defined = ~np.isnan(values)
    counts = defined.sum(axis=1)
    total = np.where(defined, values, 0.0).sum(axis=1)
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), np.nan), float)


def _quantiles(draws: Array, low: float, high: float) -> Interval | None:
    defined = draws[~np.isnan(draws)]
    if not len(defined):
        return None
    first, last = np.quantile(defined, [low, high])
    return float(first), float(last)
