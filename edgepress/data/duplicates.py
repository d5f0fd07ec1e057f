"""Groups of near-duplicate images, so that no copy of a training image is in the test part.

All pairs of 100,000 thumbnails are 5e9 products of 1,024 numbers each. Fewer numbers rule out
nearly all of them, and miss none: let `u` and `v` be centred thumbnails of norm 1, so that
`|u - v|^2 = 2 - 2 corr(u, v)`. For any orthonormal rows `P` and any `m`, with
`a(u) = (P(u - m), |u - m - P'P(u - m)|)`, Pythagoras and the reverse triangle inequality give
`|a(u) - a(v)| <= |u - v|`: two images whose short vectors are too far apart are no near-duplicates.
The closer `P` is to the leading principal components, the fewer pairs are left to be compared.
"""

import hashlib
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from edgepress.core import console

SIMILAR = 0.999
"""Correlation of two 32x32 thumbnails above which they count as one picture. Solar cells all look
alike and still no two of ELPV's 2,624 reach it (largest: 0.9984); a re-encoded copy does."""
COMPONENTS = 32
SAMPLE = 4096
"""Thumbnails that the principal components are taken from."""
ITERATIONS = 4
CHUNK = 1024
MANY = 4096
"""Pairs of a block from which on comparing all of it is quicker."""
_LIMIT = np.float32(2 - 2 * SIMILAR + 1e-5)
"""Largest squared distance of near-duplicates, and more than float32 can be wrong by."""

Vectors = NDArray[np.float32]
Rows = NDArray[np.intp]


def groups(thumbnails: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return a group number per image `[n]`; near-duplicates share theirs.

    `thumbnails` is `[n, h, w]`. Two images belong together when the Pearson correlation of their
    thumbnails is at least `SIMILAR`, directly or through others. One without any contrast
    correlates with nothing. A process compares the same images once: splits and what is said of
    them ask again.
    """
    shape = str(thumbnails.shape).encode()
    digest = hashlib.sha256(shape + thumbnails.tobytes()).hexdigest()
    if digest not in _COMPARED:
        _COMPARED[digest] = _groups(thumbnails)
    return _COMPARED[digest].copy()


_COMPARED: dict[str, NDArray[np.int32]] = {}
"""The groups of images by the hash of their thumbnails: four bytes an image are kept."""


def _groups(thumbnails: NDArray[np.uint8]) -> NDArray[np.int32]:
    group = np.arange(len(thumbnails))
    for rows, columns in _similar_pairs(thumbnails):
        apart = group[rows] != group[columns]
        if apart.any():
            group = _joined(group, rows[apart], columns[apart])
    return np.unique(group, return_inverse=True)[1].astype(np.int32)


def unit_vectors(thumbnails: NDArray[np.uint8]) -> Vectors:
    """Return thumbnails `[n, h, w]` as centred vectors of norm 1 `[n, h * w]`, or of norm 0."""
    shape = len(thumbnails), math.prod(thumbnails.shape[1:])
    flat = thumbnails.reshape(shape).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def short_vectors(thumbnails: NDArray[np.uint8]) -> Vectors:
    """Return vectors `[n, components + 1]` that are never farther apart than the thumbnails'.

    The first ones are roughly the leading principal components, the last one what they leave over.
    """
    mean, basis = _leading(unit_vectors(thumbnails[:: len(thumbnails) // SAMPLE + 1]))
    short = np.empty((len(thumbnails), basis.shape[1] + 1), np.float32)
    for start in range(0, len(thumbnails), CHUNK):
        centred = unit_vectors(thumbnails[start : start + CHUNK]) - mean
        part = centred @ basis
        short[start : start + CHUNK, :-1] = part
        short[start : start + CHUNK, -1] = np.linalg.norm(centred - part @ basis.T, axis=1)
    return short


def _leading(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Return the mean `[d]` and an orthonormal basis `[d, components]`, by subspace iteration."""
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    shape = (len(mean), min(COMPONENTS, len(mean)))
    basis = np.random.default_rng(0).standard_normal(shape, np.float32)
    for _ in range(ITERATIONS):
        basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
    return mean, basis


def _similar_pairs(thumbnails: NDArray[np.uint8]) -> Iterator[tuple[Rows, Rows]]:
    """Yield the pairs that correlate, a block at a time."""
    rows = np.flatnonzero(np.ptp(thumbnails, axis=(1, 2)))
    if len(rows) < 2:
        return
    short = short_vectors(thumbnails[rows])
    order = np.argsort(short[:, 0])
    short, rows = short[order], rows[order]
    # Nor are two near that are too far apart along one axis: most blocks are not looked at.
    ends = np.searchsorted(short[:, 0], short[:, 0] + np.sqrt(_LIMIT), side="right")
    starts = range(0, len(rows), CHUNK)
    for start in console.track(starts, "looking for near-duplicates", len(starts)):
        some = slice(start, start + CHUNK)
        for first in range(start, int(ends[some][-1]), CHUNK):
            others = slice(first, first + CHUNK)
            near = _near(short[some], short[others])
            if len(near[0]):
                yield _verified(thumbnails, rows[some], rows[others], near)


def _near(some: Vectors, others: Vectors) -> tuple[Rows, Rows]:
    """Return the pairs whose squared distance is not above the limit."""
    n, m = np.ones((len(some), 1), np.float32), np.ones((len(others), 1), np.float32)
    left = np.concatenate([some, np.square(some).sum(axis=1, keepdims=True), n], axis=1)
    right = np.concatenate([-2 * others, m, np.square(others).sum(axis=1, keepdims=True)], axis=1)
    return np.divmod(np.flatnonzero(left @ right.T <= _LIMIT), len(others))


def _verified(
    thumbnails: NDArray[np.uint8], some: Rows, others: Rows, near: tuple[Rows, Rows]
) -> tuple[Rows, Rows]:
    """Return those of the near pairs of a block that correlate."""
    one, other = some[near[0]], others[near[1]]
    one, other = one[one != other], other[one != other]
    if len(one) > MANY:
        correlation = unit_vectors(thumbnails[some]) @ unit_vectors(thumbnails[others]).T
        rows, columns = np.nonzero(correlation >= SIMILAR)
        return some[rows], others[columns]
    pairs = unit_vectors(thumbnails[one]), unit_vectors(thumbnails[other])
    alike = np.einsum("nd,nd->n", *pairs) >= SIMILAR
    return one[alike], other[alike]


def _joined(group: Rows, rows: Rows, columns: Rows) -> Rows:
    """Return the groups with those of each pair made one; a group's number is its first row."""
    ends = np.stack([group[rows], group[columns]])
    names, pairs = np.unique(ends, return_inverse=True)
    size = (len(names), len(names))
    graph = coo_array((np.ones(len(rows), np.int8), pairs.reshape(2, -1)), shape=size)
    _, first, member = np.unique(
        connected_components(graph, directed=False)[1], return_index=True, return_inverse=True
    )
    renamed = np.arange(len(group))
    renamed[names] = names[first[member]]
    return renamed[group]
