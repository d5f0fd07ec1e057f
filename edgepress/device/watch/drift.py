"""The two tests for drift: PSI of a window of images, Page-Hinkley image by image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .signals import BINS, Scale, Values

GROUPS = 8
"""Groups of bins that PSI compares, about as many images of the reference in each."""
_HALF = 0.5
"""Added to every count (Jeffreys' prior), so that an empty group does not make PSI infinite."""

Counts = NDArray[np.int64]
"""`[signals, BINS]`"""


def group_starts(counts: Counts) -> list[int]:
    """Return the first bin of each group of bins, from the counts `[BINS]` of the reference.

    What the reference never showed, below and above all it did show, are groups of their own.
    """
    seen = np.flatnonzero(counts)
    first, end = int(seen[0]), int(seen[-1]) + 1
    least = counts.sum() / GROUPS
    starts = [0] if first == 0 else [0, first]
    held = 0
    for place in range(first, end):
        if held >= least and counts[place:end].sum() >= least / 2:
            starts.append(place)
            held = 0
        held += int(counts[place])
    return starts if end == BINS else [*starts, end]


@dataclass(frozen=True)
class Groups:
    """The groups of all signals in one row, so that PSI of all is one computation."""

    starts: Sequence[Sequence[int]]
    """First bins of each signal's groups."""
    flat: NDArray[np.intp] = field(init=False)
    """Start of each group in the counts of all signals, one signal after the other."""
    firsts: NDArray[np.intp] = field(init=False)
    """Place of each signal's first group."""
    sizes: NDArray[np.intp] = field(init=False)
    """Number of groups of the signal, for each group."""

    def __post_init__(self) -> None:
        places = [row * BINS + start for row, starts in enumerate(self.starts) for start in starts]
        lengths = np.array([len(starts) for starts in self.starts])
        object.__setattr__(self, "flat", np.array(places))
        object.__setattr__(self, "firsts", np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        object.__setattr__(self, "sizes", np.repeat(lengths, lengths))

    def add_up(self, counts: Counts) -> Values:
        """Return the counts `[signals, BINS]` by group `[groups]`."""
        return np.add.reduceat(counts.ravel(), self.flat).astype(np.float64)

    def psi(self, found: Values, n: int, expected: Values, m: int) -> Values:
        """Return the population stability index of every signal, `[..., signals]`.

        `PSI = sum over groups of (p - q) ln(p / q)`, p the shares of `n` images found `[...,
        groups]`, q those of the `m` expected: the symmetric Kullback-Leibler divergence (Yurdakul
        and Naranjo 2020, "Statistical properties of the population stability index", Journal of
        Risk Model Validation 14(4)).
        """
        p, q = self.shares(found, n), self.shares(expected, m)
        return np.add.reduceat((p - q) * np.log(p / q), self.firsts, axis=-1)

    def shares(self, counts: Values, n: int) -> Values:
        """Return the shares of `n` images in each group `[..., groups]`, none of them 0."""
        return np.asarray((counts + _HALF) / (n + _HALF * self.sizes))


def seen_ranges(counts: Counts, of: Iterable[Scale]) -> tuple[Values, Values]:
    """Return the edges of the outermost bins `[signals]` that the reference has images in.

    Page-Hinkley takes what lies beyond as lying there: how far off kinds of images are that the
    reference never showed cannot be known from it, and a few of them are no drift. The outermost
    bins of a scale are open.
    """
    low, high = [], []
    for row, scale in zip(counts, of, strict=True):
        seen, width = np.flatnonzero(row), (scale.high - scale.low) / BINS
        first, last = int(seen[0]), int(seen[-1])
        low.append(scale.low + first * width if first else -np.inf)
        high.append(scale.low + (last + 1) * width if last < BINS - 1 else np.inf)
    return np.array(low), np.array(high)


def page_hinkley(sums: Any, deviation: Values, allowance: float) -> Any:
    """Return the sums of Page's test `[2, ..., signals]` (rise, fall) after one more image.

    `S <- max(0, S + z - allowance)` for a rise, with -z for a fall; z is the deviation from the
    reference's mean in its standard deviations. Page 1954, "Continuous inspection schemes",
    Biometrika 41; Hinkley 1971, Biometrika 58, has the running mean where the reference's is here,
    because a mean that learns from the stream also learns the drift.
    """
    sums = sums - allowance
    sums[0] += deviation
    sums[1] -= deviation
    return np.maximum(sums, 0.0, out=sums)
