"""Reliability of a label's probabilities: of what is called 70%, how much has the label?"""

import numpy as np

from benchmarks.errors.judged import Judged
from benchmarks.errors.schema import ReliabilityBin
from benchmarks.metrics.probabilities import bins
from benchmarks.statistics.label_decisions import Share


def reliability(judged: Judged, label: int) -> tuple[ReliabilityBin, ...]:
    """Return the bins of one label's calibration error, by probability.

    They are those of `metrics.calibration_error`, which is the mean over images of the distance
    between `share` and `prob` of their bin. None where the known targets are of one class.
    """
    known = judged.known[:, label]
    targets, probs = judged.targets[known, label], judged.probs[known, label]
    if len(np.unique(targets)) < 2:
        return ()
    number = bins(probs)
    return tuple(_bin(targets[number == one], probs[number == one]) for one in np.unique(number))


def _bin(targets: np.ndarray, probs: np.ndarray) -> ReliabilityBin:
    share = Share(int(targets.sum()), len(targets))
    return ReliabilityBin(
        n=share.of, prob=float(probs.mean()), share=share.value, ci95=share.interval()
    )
