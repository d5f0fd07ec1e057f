"""Which sizes the images have."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.inspection.schema import SizeCount

MOST_SIZES = 100
"""Sizes that are listed."""


def distinct_sizes(sizes: NDArray[np.int32]) -> tuple[SizeCount, ...]:
    """Return every size `[n, 2]` (width, height) with its number of images, most frequent first."""
    found, counts = np.unique(sizes, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return tuple(
        SizeCount(width=int(found[row, 0]), height=int(found[row, 1]), images=int(counts[row]))
        for row in order
    )


def size_grid(sizes: NDArray[np.int32]) -> tuple[SizeCount, ...]:
    """Return the sizes rounded down to powers of two.

    >>> [(cell.width, cell.height) for cell in size_grid(np.array([[64, 100]], np.int32))]
    [(64, 64)]
    """
    return distinct_sizes(1 << np.log2(np.maximum(sizes, 1)).astype(np.int32))
