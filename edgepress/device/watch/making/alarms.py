"""Limits for the two tests with a stated rate of false alarms, by simulation from the reference.

The usual 0.1 and 0.25 for PSI know neither the number of images nor that of groups: two samples of
one distribution have a PSI of about `(groups - 1) (1/n + 1/m)`, 0.1 for a window of 250 and a
reference of 260 with 14 groups. Here unchanged windows are drawn, all signals of an image together,
and the limits are where at most the stated share of windows has any signal beyond its own: half of
the rate for each of the two tests.

The reference is a sample too: 50 images of which one has a label may come from a camera that sees
it in one of 50 or in one of 14. So each stream of windows is drawn from another truth that the
reference allows, with random weights for its images (the Bayesian bootstrap, Rubin 1981, Annals of
Statistics 9), and is held against the reference as it is. What it never showed has a weight too.
The limits hold on the mean over the truths, and for 90% of them each (Gandy and Kvaloy 2013,
"Guaranteed conditional performance of control charts via bootstrap methods", Scandinavian Journal
of Statistics 40).
"""

import math
from collections.abc import Iterable, Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..drift import Groups
from ..signals import BINS, Values

CONFIDENCE = 0.9
SHIFT = 0.25
"""Allowance of Page-Hinkley in standard deviations: half of the shift that it finds soonest."""
TOO_RARE = 1.6
"""A signal whose mean may be off by so many times the error of a normal one's is not watched by
Page-Hinkley: it hangs on too few images, as the score of a label that was found once."""
_ERRORS = 4000
_TRUTHS, _WINDOWS, _STREAMS, _IN_A_ROW = 40, 300, 30, 8


def both_ways(values: Values, low: Values, high: Values) -> Values:
    """Return deviations in standard deviations `[2, m + 1, signals]`, of a rise and of a fall.

    The last image is at the end of what was seen: with it random weights bound a mean from above as
    Gaffke's bound does, and for a share that is Clopper and Pearson's (Learned-Miller and Thomas
    2019, "A new confidence interval for the mean of a bounded random variable").

    Args:
        values: Signals that vary, `[m, signals]`.
        low: The lower end of what was seen `[signals]`, as in `drift.seen_ranges`.
        high: The upper one.
    """
    mean, spread = values.mean(axis=0), values.std(axis=0)
    top = np.where(np.isfinite(high), high, values.max(axis=0))
    bottom = np.where(np.isfinite(low), low, values.min(axis=0))
    rise = (np.vstack([values, top]) - mean) / spread
    return np.stack([rise, (mean - np.vstack([values, bottom])) / spread])


def watched(
    deviations: Values, rate: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], float]:
    """Return which signals Page-Hinkley can watch `[signals]`, and its allowance.

    The allowance is a shift to be borne and the error that the reference's means may have, for all
    signals and both directions at once: a larger one would alarm in every window, for ever.

    Args:
        deviations: As of `both_ways`, `[2, m + 1, signals]`.
        rate: Share of unchanged windows in which any signal may be beyond its limit.
        rng: Random numbers.
    """
    m = deviations.shape[1] - 1
    parts = [_weights(m + 1, _ERRORS // 8, rng) @ deviations for _ in range(8)]
    errors = np.concatenate(parts, axis=1)
    normal = NormalDist().inv_cdf(1 - rate) / math.sqrt(m)
    keep = np.asarray(np.quantile(errors, 1 - rate, axis=1).max(axis=0) <= TOO_RARE * normal)
    if not keep.any():
        return keep, SHIFT
    return keep, SHIFT + float(np.quantile(errors[:, :, keep].max(axis=(0, 2)), CONFIDENCE))


def psi_limits(
    places: NDArray[np.intp], groups: Groups, window: int, rate: float, rng: np.random.Generator
) -> Values:
    """Return the largest PSI of an unchanged window, for each signal.

    Args:
        places: Bin of each signal of the reference's images `[m, signals]`.
        groups: The groups of bins.
        window: Images in a window.
        rate: Share of unchanged windows in which any signal may be beyond its limit.
        rng: Random numbers.
    """
    m, signals = places.shape
    flat = places + BINS * np.arange(signals)
    of_image = np.searchsorted(groups.flat, flat, side="right") - 1
    expected = np.bincount(of_image.ravel(), minlength=len(groups.flat)).astype(np.float64)
    found = _found(of_image, expected == 0, window, rng)
    psi = np.stack([groups.psi(one, window, expected, m) for one in found])
    return _joint(psi.transpose(2, 0, 1), rate)


def page_hinkley_limits(
    deviations: Values, allowance: float, window: int, rate: float, rng: np.random.Generator
) -> Values:
    """Return the largest sum of Page's test within an unchanged window, for each signal.

    The first window of a stream does not count: there the sums remember that they began with
    nothing.

    Args:
        deviations: As of `both_ways`, `[2, m + 1, signals]`.
        allowance: As of `watched`.
        window: Images in a window.
        rate: Share of unchanged windows in which any signal may be beyond its limit.
        rng: Random numbers.
    """
    _, m, signals = deviations.shape
    steps = window * (1 + _IN_A_ROW)
    weights = _weights(m, _TRUTHS, rng)
    images = np.concatenate([_images(one, (steps, _STREAMS), rng) for one in weights], axis=1)
    each = np.ascontiguousarray(deviations.transpose(1, 0, 2)) - allowance
    sums = np.zeros((_TRUTHS * _STREAMS, 2, signals))
    peaks = np.zeros((1 + _IN_A_ROW, _TRUTHS * _STREAMS, signals))
    for step, seen in enumerate(images):  # as `drift.page_hinkley`, rise and fall at once
        sums += each[seen]
        np.maximum(sums, 0.0, out=sums)
        here = peaks[step // window]
        np.maximum(here, sums.max(axis=1), out=here)
    by_truth = peaks[1:].transpose(2, 1, 0).reshape(signals, _TRUTHS, -1)
    return _joint(by_truth, rate)


def _weights(images: int, truths: int, rng: np.random.Generator) -> Values:
    """Return how often each image may truly come, `[truths, images]`: all sums are 1."""
    drawn = rng.standard_exponential((truths, images))
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _images(weights: Values, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return images drawn by their weights."""
    ends = np.cumsum(weights)
    return np.asarray(np.searchsorted(ends[:-1], rng.random(shape), side="right"))


def _found(
    of_image: NDArray[np.intp], never: NDArray[np.bool_], window: int, rng: np.random.Generator
) -> Iterator[Values]:
    """Yield the counts of unchanged windows `[windows, groups]`, of one truth after the other.

    A group that the reference never showed comes as often as one image of it may truly come.
    """
    m, groups = len(of_image), len(never)
    of_window = groups * np.repeat(np.arange(_WINDOWS), window)[:, None]
    for weights in _weights(m, _TRUTHS, rng):
        rows = of_image[_images(weights, (_WINDOWS * window,), rng)] + of_window
        counts = np.bincount(rows.ravel(), minlength=_WINDOWS * groups).reshape(_WINDOWS, groups)
        unseen = never * rng.standard_exponential(groups) / m
        yield np.asarray(counts + rng.poisson(unseen * window, counts.shape), np.float64)


def _joint(drawn: Iterable[Values], rate: float) -> Values:
    """Return limits `[signals]` that at most a share `rate` of the draws exceeds in any signal.

    That holds on the mean over the truths, and for a share `CONFIDENCE` of them each. The
    statistics of each signal `[truths, draws]` are made alike by their cube root, near normal for
    sums of squares (Wilson and Hilferty 1931), less its mean, in its standard deviations; then one
    limit serves all, as in the max-T method of Westfall and Young 1993.
    """
    worst: Any = -np.inf
    means, spreads = [], []
    for one in drawn:
        roots = np.cbrt(one)
        means.append(roots.mean())
        spreads.append(roots.std() or 1.0)
        worst = np.maximum(worst, (roots - means[-1]) / spreads[-1])
    surely = np.quantile(np.quantile(worst, 1 - rate, axis=1), CONFIDENCE)
    limit = max(surely, np.quantile(worst, 1 - rate))
    return np.asarray((np.array(means) + limit * np.array(spreads)) ** 3)
