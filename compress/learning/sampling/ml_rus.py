"""Fewer images that have no rare label."""

import numpy as np

from compress.learning.sampling import Has, Rows, _measures

VALUE = 0.25
"""Share of images that are left out at most; the authors tried 0.1 to 0.25."""
LIMITS = (0.0, 0.9)
ONCE = True


def rows(has: Has, value: float, random: np.random.Generator) -> Rows:
    """Return the images that are left, by ML-RUS (Charte et al. 2015).

    (doi 10.1016/j.neucom.2014.08.091.) What goes is drawn from the images without any label whose
    IRLbl is above MeanIR.
    """
    counts = has.sum(0)
    found = _measures.imbalance(counts)
    rare = (found > _measures.mean_imbalance(counts)) & np.isfinite(found)
    common = np.flatnonzero(~has[:, rare].any(1))
    gone = random.permutation(common)[: int(value * len(has))]
    return np.setdiff1d(np.arange(len(has)), gone)
