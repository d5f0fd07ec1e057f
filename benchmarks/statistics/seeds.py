"""What one way of training gains over another, over several seeds on the same test images."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.statistics.estimate import Estimate
from benchmarks.statistics.paired import drops
from benchmarks.statistics.rank_statistics import Ranks, mean_of
from edgepress.core.results import EvalResult

Pairs = Sequence[tuple[EvalResult, EvalResult]]
"""(result, control) of each seed."""


def gained(cases: Sequence[Pairs]) -> Estimate | None:
    """Return the mean gain in mAP of results over their controls, `None` where it is not defined.

    Its variance is that of the mean over the test images, which all share, and that of the seeds:
    `s^2 / seeds` of each case, with one `s^2` for all. The degrees of freedom of the sum are
    Satterthwaite's (1946, "An approximate distribution of estimates of variance components").

    Args:
        cases: Networks or the like, which weigh the same: the mean is over these ones and no
            others. Those without pairs are left out.
    """
    ranks = [[drops(control, result) for result, control in pairs] for pairs in cases if pairs]
    estimate = mean_of(map(mean_of, ranks)).mean() if ranks else None
    if estimate is None:
        return None
    variance, df = _of_seeds(ranks)
    if variance == 0:
        return estimate
    total = estimate.se**2 + variance
    joined = total**2 / (estimate.se**4 / estimate.df + variance**2 / df)
    return replace(estimate, se=float(np.sqrt(total)), df=float(joined))


def _of_seeds(ranks: Sequence[Sequence[Ranks]]) -> tuple[float, int]:
    """Return the variance of the mean that the seeds make, 0 of single ones, and what it is worth.

    Returns:
        Variance, and its degrees of freedom.
    """
    gains = [np.array([np.nanmean(one.by_label) for one in each]) for each in ranks]
    df = sum(len(each) - 1 for each in gains)
    if not df:
        return 0.0, 0
    common = sum(float(((each - each.mean()) ** 2).sum()) for each in gains) / df
    return common * sum(1 / len(each) for each in gains) / len(gains) ** 2, df
