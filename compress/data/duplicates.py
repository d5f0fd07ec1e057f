"""Groups of near-duplicate images, so that no copy of a training image is in the test part."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SIMILAR = 0.999
"""Correlation of two 32x32 thumbnails above which they count as one picture. Solar cells all look
alike and still no two of ELPV's 2,624 reach it (largest: 0.9984); a re-encoded copy does."""
CHUNK = 1024


def groups(thumbnails: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return a group number per image `[n]`; near-duplicates share theirs.

    `thumbnails` is `[n, h, w]`. Two images belong together when the Pearson correlation of their
    thumbnails is at least `SIMILAR`, directly or through others.
    """
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    pairs = [_similar_pairs(unit, start) for start in range(0, len(unit), CHUNK)]
    rows, columns = np.concatenate(pairs, axis=1)
    n = len(unit)
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


def _similar_pairs(unit: NDArray[np.float32], start: int) -> NDArray[np.intp]:
    correlation = unit[start : start + CHUNK] @ unit.T
    rows, columns = np.nonzero(correlation >= SIMILAR)
    return np.stack([rows + start, columns])
