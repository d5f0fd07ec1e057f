"""Latencies in bins that grow by a tenth: any quantile within 5%, in a few hundred bytes.

Such a sketch of fixed logarithmic bins can be added to another without loss (Masson, Rim and Lee
2019, "DDSketch", VLDB 12(12), section 2; here without their bound on the number of bins, since the
range is bounded: 10 microseconds to 1000 seconds).
"""

import math
from collections import Counter

GROWTH = 1.1
SHORTEST_S, LONGEST_S = 1e-5, 1e3

Sketch = Counter[int]
"""Number of runs by bin: bin k holds `SHORTEST_S * GROWTH**k` up to the next bin's start."""


def bin_of(seconds: float) -> int:
    """Return the bin of a latency; what is outside the range is in the outermost bins."""
    inside = SHORTEST_S if math.isnan(seconds) else min(max(seconds, SHORTEST_S), LONGEST_S)
    return math.floor(math.log(inside / SHORTEST_S) / math.log(GROWTH) + 1e-9)


def quantile(sketch: Sketch, share: float) -> float | None:
    """Return the latency in seconds that this share of the runs does not exceed, within 5%.

    `None` where nothing was run. The answer is the middle of the bin, on the logarithmic scale.
    """
    total = sum(sketch.values())
    if not total:
        return None
    rank, seen = max(1, math.ceil(share * total)), 0
    for place in sorted(sketch):
        seen += sketch[place]
        if seen >= rank:
            return float(SHORTEST_S * GROWTH ** (place + 0.5))
    raise AssertionError("the ranks end at the total")
