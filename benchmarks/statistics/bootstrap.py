"""Paired bootstrap of images or groups: how often each one counts in every draw.

Two results on the same images with the same seed get the same counts: that is what makes it paired.
What has a closed form needs none of this: AP's is in `benchmarks.statistics.rank_statistics`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRAWS = 2000
SEED = 0
_CHUNK = 250


def image_counts(sizes: Sequence[int], draws: int, seed: int) -> Iterator[tuple[Array, ...]]:
    """Yield how often each image is drawn, a chunk of the draws at a time.

    `sizes` is the number of images of each fold; of each, `[n, draws]` is yielded.
    """
    generator = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        size = min(_CHUNK, draws - start)
        drawn = [generator.multinomial(n, np.full(n, 1 / n), size=size) for n in sizes]
        yield tuple(np.ascontiguousarray(counts.T, dtype=float) for counts in drawn)


def group_counts(
    numbers: Sequence[NDArray[np.intp]], draws: int, seed: int
) -> Iterator[tuple[Array, ...]]:
    """Yield how often each image is drawn with its group, a chunk of the draws at a time.

    Whole groups are drawn (cluster bootstrap; Davison and Hinkley 1997, "Bootstrap Methods and
    their Application", section 3.8).

    Args:
        numbers: Group of each image of each fold, `[n]`, counted from 0 within the fold.
        draws: Number of draws.
        seed: Seed of the generator; with groups of one image the draws are those of `image_counts`.
    """
    sizes = [int(number.max()) + 1 for number in numbers]
    for counts in image_counts(sizes, draws, seed):
        yield tuple(drawn[number] for drawn, number in zip(counts, numbers, strict=True))
