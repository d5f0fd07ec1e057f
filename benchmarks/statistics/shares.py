"""What a share of images is worth: limits that hold at 0 of 1, and images that belong together.

Resampling 3 of 3 found images gives 3 of 3 each time and would certify a recall of 100%. Limits
here come from the binomial distribution itself. Images of one group (patient, module, ...) are
alike and count for fewer.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, norm
from scipy.stats import t as student

from benchmarks.statistics.paired import Array, Interval
from edgepress.core.results import EvalResult

PSEUDO = 2.0
"""Images added to each kind of change before their correlation is computed."""


def limits(share: float, n: float, confidence: float = 0.95) -> Interval:
    """Return the exact central interval of a share (Clopper and Pearson 1934, "The use of ...").

    It errs on the careful side: each end is missed at most half as often as `1 - confidence`, for
    whatever share and however few images. Wilson's, which is right on average, lets 3 of 3 pass
    for more than half where the truth is a half, once in eight times.

    Args:
        share: From 0 to 1.
        n: Independent images that it is worth, perhaps no whole number (Korn and Graubard 1998).
        confidence: That the interval holds the truth.

    >>> [round(end, 3) for end in limits(1.0, 3, confidence=0.9)]  # 0.05 ** (1 / 3)
    [0.368, 1.0]
    """
    hits, tail = share * n, (1 - confidence) / 2
    low = beta.ppf(tail, hits, n - hits + 1) if share > 0 else 0.0
    high = beta.isf(tail, hits + 1, n - hits) if share < 1 else 1.0
    return min(float(low), share), max(float(high), share)


def independent(residuals: ArrayLike, groups: ArrayLike | None) -> float:
    """Return how many independent images some images in groups are worth, for a mean of them.

    `n / deff`, where the design effect is the mean's variance in groups (linearised, between
    groups) over that of independent images (Korn and Graubard 1998, "Confidence intervals for
    proportions with small expected number of positive counts", Survey Methodology 24, with the
    squared ratio of Student's t for the little that few groups tell of their variance). Degrees of
    freedom are those of the groups that make up the variance, `(sum r^2)^2 / sum r^4 - 1` of their
    totals r: fifty groups of which two hold all misses know it as two do. Never more than `n`, and
    never less than Kish's `n^2 / sum of squared sizes`, the worth of groups whose images are all
    alike, which is also what is left where nothing varies.

    Args:
        residuals: Figure of each image minus its mean, `[n]`, n above 0.
        groups: Number of the group of each image `[n]`, at least 0; `None` where each stands for
            itself.

    >>> independent([0, 0, 0, 0], [0, 0, 1, 1])  # all alike: as many as there are groups
    2.0
    """
    values = np.asarray(residuals, float)
    n = float(len(values))
    if groups is None:
        return n
    number = np.asarray(groups)
    sizes = np.bincount(number).astype(float)
    least = n**2 / float((sizes**2).sum())
    totals = np.bincount(number, weights=values)[sizes > 0] ** 2
    together, alone, count = float(totals.sum()), float((values**2).sum()), len(totals)
    if count < 2 or together <= 1e-12 * n:
        return least
    freedom = together**2 / float((totals**2).sum()) - 1
    certainty = norm.isf(0.025) / student.isf(0.025, max(freedom, 0.5))
    found = n * alone / (together * count / (count - 1)) * certainty**2
    return min(n, max(least, float(found)))


def group_numbers(result: EvalResult) -> NDArray[np.intp]:
    """Return the group of each image of a result `[n]`, its own where it stands for itself."""
    return np.asarray(result.groups or range(len(result.image_ids)), np.intp)


def exclusion(one: ArrayLike, other: ArrayLike, n: ArrayLike) -> Array:
    """Return how strongly two shares of the same images push each other out, from 0 to 1.

    Minus the correlation of two counts of a multinomial, `sqrt(odds of one times odds of other)`,
    drawn towards 1 by two images of each kind where there are few to tell.

    >>> exclusion(0.0, 0.0, [0, 1000]).round(3).tolist()
    [1.0, 0.002]
    """
    total = np.asarray(n, float) + 2 * PSEUDO
    first, second = (
        (np.asarray(share, float) * np.asarray(n, float) + PSEUDO) / total for share in (one, other)
    )
    odds = first * second / ((1 - first) * (1 - second))
    return np.asarray(np.minimum(np.sqrt(odds), 1.0))
