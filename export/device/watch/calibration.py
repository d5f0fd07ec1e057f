"""Limits for the two tests with a stated rate of false alarms, by simulation from the reference.

The usual 0.1 and 0.25 for PSI know neither the number of images nor that of groups: two samples of
one distribution have a PSI of about `(groups - 1) (1/n + 1/m)`, 0.1 for a window of 250 and a
reference of 260 with 14 groups. Here, unchanged windows are drawn from the reference's images, all
signals of an image together, and the limits are where at most the stated share of windows has any
signal beyond its own: half of the rate for each of the two tests.

The reference is a sample too, and one that came out unlucky would alarm again and again. So the
limits hold with 90% confidence over the images that happened to be in it (Gandy and Kvaloy 2013,
"Guaranteed conditional performance of control charts via bootstrap methods", Scandinavian Journal
of Statistics 40).
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .drift import Groups, page_hinkley
from .signals import BINS, Values

CONFIDENCE = 0.9
_CONFIDENCE_Z = 1.2816  # of the normal distribution, one-sided
SHIFT = 0.25
"""Allowance of Page-Hinkley in standard deviations: half of the shift that it finds soonest."""
_WINDOWS, _REFERENCES, _STREAMS = 4000, 100, 4000
_RARE = 0.5
"""Images of a kind that the reference does not show, in as many as it has (Jeffreys' prior)."""


def allowance(n_reference: int) -> float:
    """Return Page-Hinkley's allowance: the shift to be borne and the error of the mean."""
    return SHIFT + _CONFIDENCE_Z / math.sqrt(n_reference)


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
    found = groups.shares(_resampled(of_image, window, _WINDOWS, groups, rng), window)
    expected = groups.shares(_resampled(of_image, m, _REFERENCES, groups, rng), m)
    ends = [*groups.firsts[1:], len(groups.flat)]
    parts = [slice(*ends_of) for ends_of in zip(groups.firsts, ends, strict=True)]
    return _joint((_all_psi(found[:, part], expected[:, part]) for part in parts), rate)


def page_hinkley_limits(
    deviations: Values, window: int, rate: float, rng: np.random.Generator
) -> Values:
    """Return the largest sum of Page's test within an unchanged window, for each signal.

    The streams are two windows long, and the second counts: there the sums no longer remember that
    they began with nothing. The error of the reference's mean is in the allowance.

    Args:
        deviations: From the mean, in standard deviations, `[m, signals]`.
        window: Images in a window.
        rate: Share of unchanged windows in which any signal may be beyond its limit.
        rng: Random numbers.
    """
    m, signals = deviations.shape
    sums = np.zeros((2, _STREAMS, signals))
    peaks = np.zeros((_STREAMS, signals))
    for step in range(2 * window):
        sums = page_hinkley(sums, deviations[rng.integers(m, size=_STREAMS)], SHIFT)
        if step >= window:
            np.maximum(peaks, sums.max(axis=0), out=peaks)
    return _joint((column[None] for column in peaks.T), rate)


def _all_psi(p: Values, q: Values) -> Values:
    """Return the PSI of every window `[windows, groups]` against every reference, `[q, p]`.

    The sum of `(p - q)(ln p - ln q)`, taken apart into products of matrices.
    """
    log_p, log_q = np.log(p), np.log(q)
    own = (q * log_q).sum(axis=1)[:, None] + (p * log_p).sum(axis=1)
    return np.asarray(np.maximum(own - log_q @ p.T - q @ log_p.T, 0.0))


def _resampled(
    of_image: NDArray[np.intp], size: int, draws: int, groups: Groups, rng: np.random.Generator
) -> Values:
    """Return the counts of `draws` samples of images, `[draws, groups]`."""
    m, total = len(of_image), len(groups.flat)
    picked = (of_image[rng.integers(m, size=size)].ravel() for _ in range(draws))
    counts = np.stack([np.bincount(one, minlength=total) for one in picked])
    never = np.bincount(of_image.ravel(), minlength=total) == 0
    return np.asarray(counts + never * rng.poisson(_RARE * size / m, counts.shape), np.float64)


def _joint(drawn: Iterable[Values], rate: float) -> Values:
    """Return limits `[signals]` that at most a share `rate` of the draws exceeds in any signal.

    The statistics of each signal `[references, draws]` are made alike by their cube root, near
    normal for sums of squares (Wilson and Hilferty 1931), less its mean, in its standard
    deviations; then one limit serves all, as in the max-T method of Westfall and Young 1993.
    """
    worst: Any = -np.inf
    means, spreads = [], []
    for one in drawn:
        roots = np.cbrt(one)
        means.append(roots.mean())
        spreads.append(roots.std() or 1.0)
        worst = np.maximum(worst, (roots - means[-1]) / spreads[-1])
    limit = np.quantile(np.quantile(worst, 1 - rate, axis=1), CONFIDENCE)
    return np.asarray((np.array(means) + limit * np.array(spreads)) ** 3)
