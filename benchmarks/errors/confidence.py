"""How sure the model is when it is right and when it is wrong."""

import numpy as np

from benchmarks import metrics
from benchmarks.errors.judged import NEAR, Judged
from benchmarks.errors.schema import Confidence

BINS = 20


def confidence(judged: Judged, label: int) -> Confidence:
    """Count right and wrong decisions of one label by probability, in twenty bins of one width."""
    probs, edges = judged.probs[:, label], np.linspace(0, 1, BINS + 1)
    wrong, known = judged.wrong[:, label], judged.known[:, label]
    return Confidence(
        edges=tuple(edges.round(4).tolist()),
        right=tuple(np.histogram(probs[known & ~wrong], edges)[0].tolist()),
        wrong=tuple(np.histogram(probs[wrong], edges)[0].tolist()),
        ece=metrics.calibration_error(judged.targets[:, label], probs),
        brier=metrics.brier(judged.targets[:, label], probs),
    )


def near_misses(judged: Judged, label: int) -> tuple[int, int]:
    """Return the misses and the right negatives at most `NEAR` below the threshold.

    They are what a threshold lower by so much would find, and the false alarms it would cost.
    """
    threshold, probs = judged.thresholds[label], judged.probs[:, label]
    near = (probs >= threshold - NEAR) & ~judged.decided[:, label]
    misses = near & judged.misses[:, label]
    return int(misses.sum()), int((near & (judged.targets[:, label] == 0)).sum())


def sure_errors(judged: Judged, label: int) -> int:
    """Return how many wrong decisions the model is sure of: within `NEAR` of 0 or of 1."""
    probs = judged.probs[:, label]
    misses = judged.misses[:, label] & (probs <= NEAR)
    return int((misses | (judged.false_alarms[:, label] & (probs >= 1 - NEAR))).sum())
