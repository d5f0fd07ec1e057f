"""What the times of a model come to: median, 90th percentile, and the name of their setting."""

import numpy as np
from scipy.stats import binom

from benchmarks.statistics.sequential import UNBOUNDED, Interval
from edgepress.core.results import SOFTWARE, LatencyResult

P90_CONFIDENCE = 0.99


def p50_s(result: LatencyResult) -> float:
    """Return the median over processes of the block medians, seconds."""
    return float(np.median(result.block_medians_s))


def p90_s(result: LatencyResult) -> float | None:
    """Return an upper bound at 99% confidence of the 90th percentile, seconds.

    The order statistic of MLPerf Inference's early stopping (inference_rules, appendix);
    `None` below 64 runs, which cannot support it.
    """
    rank = p90_rank(len(result.samples_s))
    return None if rank is None else float(np.sort(result.samples_s)[rank - 1])


def p90_rank(n: int) -> int | None:
    """Return the rank (from 1) among `n` sorted samples that bounds the 90th percentile.

    `t` is the largest count with `P(Binomial(n, 0.1) <= t) <= 0.01`; the rank is `n - t + 1`.

    >>> [p90_rank(n) for n in (63, 64, 100, 200, 500, 1000)]
    [None, 64, 98, 191, 467, 923]
    """
    t = int(binom.ppf(1 - P90_CONFIDENCE, n, 0.1)) - 1
    return None if t < 1 else n - t + 1


def p90_interval(result: LatencyResult) -> tuple[float, Interval]:
    """Return the 90th percentile of the runs, seconds, and what it is surely between.

    Order statistics at 99% confidence each, the upper one as in `p90_s`; unbounded below 64 runs.
    """
    ordered = np.sort(result.samples_s)
    value, n = float(np.quantile(ordered, 0.9)), len(ordered)
    rank = p90_rank(n)
    if rank is None:
        return value, UNBOUNDED
    lowest = int(binom.ppf(1 - P90_CONFIDENCE, n, 0.9))
    return value, (float(ordered[lowest - 1]), float(ordered[rank - 1]))


def setting(result: LatencyResult) -> str:
    """Return the key of a result's setting, `provider:threads`; an emulated device is no device."""
    provider = result.provider_asked + (f" ({SOFTWARE})" if result.software else "")
    return f"{provider}:{result.threads}"
