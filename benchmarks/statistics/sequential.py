"""An interval of a median that may be looked at after every round: it holds at all of them at once.

An interval for a number of rounds that is fixed beforehand errs far more often than it says when
one looks again and again and stops as soon as it excludes the limit. This one is a confidence
sequence (Howard and Ramdas 2022, "Sequential estimation of quantiles with applications to A/B
testing and best-arm identification"): the probability that it is ever wrong is at most what it
says, whenever one stops and for whatever reason.

If the median of the logarithms is at most t, each value is above t with probability 1/2 at most.
Of `n` values let `s` be above t. The likelihood ratio of a higher probability, averaged over the
uniform distribution on 1/2 to 1,

    M = 2 * integral over p from 1/2 to 1 of (2p)^s (2(1-p))^(n-s) dp
      = 2^(n+1) / ((n+1) C(n, s)) * P(Binomial(n+1, 1/2) <= s),

is 1 or less on average at every n, so it ever reaches 1/a with probability a at most (Ville's
inequality). Where it has, t is no longer in the interval. Rounds need not be alike: as long as the
probability is 1/2 on average over each block of a balanced order, the product of the averages is
1 or less at the end of each block, by the inequality of arithmetic and geometric means.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln
from scipy.stats import binom

CONFIDENCE = 0.95
Interval = tuple[float, float]
UNBOUNDED: Interval = (0.0, float("inf"))
"""What too few values tell."""


def median_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, Interval]:
    """Return the median of ratios or times, and its interval, which holds it.

    Args:
        values: `[rounds]`, above 0.
        confidence: That the interval holds the true median, at this number of values and at all
            smaller ones. Each end errs with half of the rest.

    >>> median_interval([1.0, 2.0, 3.0])
    (2.0, (0.0, inf))
    >>> median_interval(range(1, 9))[1]
    (1.0, 8.0)
    """
    ordered = np.sort(np.asarray(values, float))
    # Of logarithms, so that a ratio and its inverse are treated alike.
    middle = float(np.exp(np.median(np.log(ordered))).round(12))
    rank = rejecting(len(ordered), confidence)
    if rank is None:
        return middle, UNBOUNDED
    low, high = (float(ordered[place].round(12)) for place in (len(ordered) - rank, rank - 1))
    return middle, (low, high)


@cache
def rejecting(n: int, confidence: float = CONFIDENCE) -> int | None:
    """Return how many of `n` values must be above what is surely below the median.

    `None` where even all of them do not tell.

    >>> [rejecting(n) for n in (7, 8, 12, 24, 48)]
    [None, 8, 11, 20, 35]
    """
    above = np.arange(n + 1)
    choose = gammaln(n + 1) - gammaln(above + 1) - gammaln(n - above + 1)
    evidence = (n + 1) * np.log(2) - np.log(n + 1) - choose + binom.logcdf(above, n + 1, 0.5)
    enough = np.flatnonzero(evidence >= np.log(2 / (1 - confidence)))
    return int(enough[0]) if len(enough) else None
