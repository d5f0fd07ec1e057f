"""Probabilities without a model: logistic regression on the principal components of thumbnails.

A weak classifier, but a quick one, and every image is judged by one that has not seen it or any
near-duplicate of it.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from edgepress.core import console
from edgepress.core.results import Targets

FOLDS = 5
COMPONENTS = 64
SAMPLE = 4096
"""Thumbnails that the principal components are taken from."""
CHUNK = 4096
MOST_TRAINING = 20_000
"""Images that one classifier is fitted to."""
FEWEST = 5
"""Images with a label, and without it, that a classifier needs."""
STRENGTH = 0.1
"""Inverse of the L2 penalty, on features of variance 1."""

Features = NDArray[np.float32]


def out_of_fold(
    thumbnails: NDArray[np.uint8], targets: Targets, group: NDArray[np.int32], seed: int
) -> NDArray[np.float32]:
    """Return a probability for each image and label `[n, labels]`, NaN where too few have it.

    Args:
        thumbnails: `[n, h, w]`.
        targets: `[n, labels]`; NaN is unknown.
        group: Number of the group `[n]` that an image must stay in one fold with.
        seed: Seed of the folds.
    """
    probs = np.full(targets.shape, np.nan, np.float32)
    if len(targets) <= FOLDS:
        return probs
    rng = np.random.default_rng(seed)
    fold = (rng.permutation(group.max() + 1) % FOLDS)[group]
    values = features(thumbnails, seed)
    tasks = [(label, number) for label in range(targets.shape[1]) for number in range(FOLDS)]
    for label, number in console.track(tasks, "cross-validating"):
        known = rng.permutation(np.flatnonzero((fold != number) & ~np.isnan(targets[:, label])))
        judged = fold == number
        probs[judged, label] = _judge(values, targets[:, label], known[:MOST_TRAINING], judged)
    return probs


def features(thumbnails: NDArray[np.uint8], seed: int) -> Features:
    """Return principal components of the thumbnails, each of variance 1, `[n, components]`."""
    step = len(thumbnails) // SAMPLE + 1
    sample = np.concatenate(list(_flat(thumbnails[::step])))
    size = min(COMPONENTS, *sample.shape)
    pca = PCA(size, svd_solver="randomized", random_state=seed).fit(sample)
    found = np.concatenate([pca.transform(chunk) for chunk in _flat(thumbnails)])
    return np.asarray(found / np.maximum(found.std(axis=0), 1e-6), np.float32)


def _flat(thumbnails: NDArray[np.uint8]) -> Iterator[Features]:
    for start in range(0, len(thumbnails), CHUNK):
        chunk = thumbnails[start : start + CHUNK]
        yield chunk.reshape(len(chunk), -1).astype(np.float32) / np.float32(255)


def _judge(
    values: Features,
    target: NDArray[np.float32],
    training: NDArray[np.intp],
    judged: NDArray[np.bool_],
) -> NDArray[np.float32] | float:
    """Return the probabilities of the judged images, NaN if there is too little to learn from."""
    positives = int(target[training].sum())
    if min(positives, len(training) - positives) < FEWEST or not judged.any():
        return float("nan")
    model = LogisticRegression(C=STRENGTH, max_iter=500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values[training], target[training].astype(int))
    return np.asarray(model.predict_proba(values[judged])[:, 1], np.float32)
