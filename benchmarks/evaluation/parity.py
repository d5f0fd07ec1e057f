"""How far two versions of one model are from each other, on the same images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.core.noun import Noun

Floats = NDArray[np.float32]


class Parity(Noun):
    """Differences between the probabilities of two models."""

    n_images: int
    max_prob_diff: float
    flipped: float
    """Share of decisions, one per image and label, that differ at the thresholds."""


def compare(reference: Floats, candidate: Floats, thresholds: Sequence[float]) -> Parity:
    """Compare probabilities `[n, labels]` of two models on the same images.

    >>> one, other = np.float32([[0.75, 0.2]]), np.float32([[0.25, 0.2]])
    >>> compare(one, other, (0.5, 0.5))
    Parity(n_images=1, max_prob_diff=0.5, flipped=0.5)

    Raises:
        UserError: the shapes differ, there is no image, or a probability is not a number.
    """
    if reference.shape != candidate.shape or reference.shape[1:] != (len(thresholds),):
        raise UserError(
            "The models cannot be compared: their outputs have different shapes",
            got=f"{reference.shape} and {candidate.shape}, {len(thresholds)} thresholds",
        )
    if not reference.size:
        raise UserError("The models cannot be compared: there is no image to compare them on")
    if not (np.isfinite(reference).all() and np.isfinite(candidate).all()):
        raise UserError("The models cannot be compared: a probability is not a finite number")
    difference = np.abs(reference.astype(np.float64) - candidate.astype(np.float64))
    limits = np.asarray(thresholds, dtype=np.float32)
    return Parity(
        n_images=len(reference),
        max_prob_diff=float(difference.max()),
        flipped=float(((reference >= limits) != (candidate >= limits)).mean()),
    )
