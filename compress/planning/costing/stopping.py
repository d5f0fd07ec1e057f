"""When enough has been timed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

WARM_UP = 2
"""Times that are left out: kernels are compiled, and the first batches were made before."""
LEAST = 6
"""Times behind the warm-up, unless the time is over."""
PRECISE = 0.03
"""Standard error of the median, as a share of it, at which more times would tell nothing."""


@dataclass(frozen=True)
class Patience:
    """How long something is timed."""

    seconds: float
    """Longest, beside the one time that is needed at least."""

    def enough(self, times: Sequence[float]) -> bool:
        """Tell whether the median of the times behind the warm-up is known well enough."""
        counted = times[WARM_UP:]
        if counted and sum(times) >= self.seconds:
            return True
        return len(counted) >= LEAST and standard_error(counted) < PRECISE * typical(times)


def typical(times: Sequence[float]) -> float:
    """Return the median of the times behind the warm-up, or of all where there are no others."""
    return float(np.median(times[WARM_UP:] or times))


def standard_error(times: Sequence[float]) -> float:
    """Return the standard error of a median, sqrt(pi / 2) * sigma / sqrt(n).

    Sigma is 1.4826 times the median absolute deviation, which strays do not move (Rousseeuw and
    Croux 1993).

    >>> round(standard_error([1.0, 2.0, 3.0, 4.0]), 4)
    0.9291
    """
    deviations = np.abs(np.subtract(times, np.median(times)))
    return float(np.sqrt(np.pi / 2) * 1.4826 * np.median(deviations) / np.sqrt(len(times)))


def timed(work: Callable[[], object], patience: Patience) -> float:
    """Return how long some work takes: it is done again until that is known."""
    times: list[float] = []
    while not patience.enough(times):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return typical(times)
