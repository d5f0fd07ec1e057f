"""Clones of images that have a rare label."""

import numpy as np

from compress.learning.sampling import Has, Rows, _measures

VALUE = 0.25
"""Share of images that are added; the authors tried 0.1 to 0.25."""
LIMITS = (0.0, 1.0)
ONCE = True


def rows(has: Has, value: float, random: np.random.Generator) -> Rows:
    """Return all images with their clones, by ML-ROS (Charte et al. 2015).

    (doi 10.1016/j.neucom.2014.08.091.) In turn each label whose IRLbl is above MeanIR has one of
    its images cloned, until it is not any more, or enough are cloned.
    """
    counts, left = has.sum(0), int(value * len(has))
    limit = _measures.mean_imbalance(counts)
    images = {label: np.flatnonzero(has[:, label]) for label in _rare(counts, limit)}
    clones: list[int] = []
    while left > len(clones) and images:
        for label in list(images)[: left - len(clones)]:
            clone = int(random.choice(images[label]))
            clones.append(clone)
            counts = counts + has[clone]
            if _measures.imbalance(counts)[label] <= limit:
                del images[label]
    return np.concatenate([np.arange(len(has)), np.array(clones, int)])


def _rare(counts: Rows, limit: float) -> list[int]:
    found = _measures.imbalance(counts)
    return [int(label) for label in np.flatnonzero((found > limit) & np.isfinite(found))]
