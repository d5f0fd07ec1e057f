"""ROC and precision-recall curve of a label, with the point that its threshold stands for."""

import numpy as np
from sklearn.metrics import roc_curve

from benchmarks import metrics
from benchmarks.errors.judged import Judged
from benchmarks.errors.label_errors import counts
from benchmarks.errors.schema import Curves, OperatingPoint, RocCurve
from benchmarks.metrics import CURVE_POINTS
from benchmarks.report.schema import PrCurve
from benchmarks.statistics.paired import Array


def curves(judged: Judged, label: int) -> Curves | None:
    """Return the curves of one label, `None` where its known targets do not hold both classes."""
    known = judged.known[:, label]
    targets, probs = judged.targets[known, label], judged.probs[known, label]
    pr = metrics.precision_recall_curve(targets, probs)
    if pr is None:
        return None
    fpr, tpr, _ = roc_curve(targets, probs)
    return Curves(
        roc=RocCurve(fpr=_thin(fpr), tpr=_thin(tpr)),
        pr=PrCurve(recall=_thin(pr[0]), precision=_thin(pr[1])),
        at=_operating_point(judged, label),
    )


def _operating_point(judged: Judged, label: int) -> OperatingPoint:
    found = counts(judged, label)
    said = found.tp + found.fp
    return OperatingPoint(
        fpr=found.fp / (found.fp + found.tn),
        recall=found.tp / (found.tp + found.fn),
        precision=found.tp / said if said else 0.0,
    )


def _thin(values: Array) -> tuple[float, ...]:
    points = min(CURVE_POINTS, len(values))
    kept = np.unique(np.linspace(0, len(values) - 1, points).round().astype(int))
    return tuple(values[kept].round(4).tolist())
