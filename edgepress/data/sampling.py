"""A few images for many: chosen by chance, and each label has its share of them.

Tables are often sorted by label, camera or day, so that their first rows are no sample.
"""

import numpy as np
from numpy.typing import NDArray

from edgepress.data.grouping import Rows

GOLDEN = (5**0.5 - 1) / 2


def sample(targets: NDArray[np.float32], rows: Rows, most: int, seed: int = 0) -> Rows:
    """Return at most so many of some rows, each combination of labels by its share.

    They come in a mixed order: the first of them are a sample too. It is a systematic sample of
    the rows sorted by their labels, the rarest first, and by chance among equals (Madow & Madow
    1944). Its steps are the golden ratio of the whole, for multiples of it are evenly spread,
    however many are taken (the three-gap theorem; Knuth, TAOCP 3, section 6.4).

    Args:
        targets: Of every image of the data set, `[images, labels]`; NaN is unknown.
        rows: Which of the images to choose from.
        most: How many at most.
        seed: Of what is left to chance.
    """
    random = np.random.default_rng(seed)
    known = np.nan_to_num(targets[rows], nan=0.5)
    rarity = np.minimum(known.sum(axis=0), (1 - known).sum(axis=0))
    by_labels = np.lexsort([random.random(len(rows)), *known.T[np.argsort(-rarity, kind="stable")]])
    steps = np.argsort(np.argsort(GOLDEN * np.arange(len(rows)) % 1))
    start = random.integers(max(len(rows), 1))  # so that each image is as likely as any other
    chosen: Rows = rows[by_labels[(steps[:most] + start) % max(len(rows), 1)]]
    return chosen
