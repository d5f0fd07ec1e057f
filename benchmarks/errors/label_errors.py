"""Each label by itself: what is counted at its threshold, and how sure the figures are."""

import numpy as np

from benchmarks import metrics, statistics
from benchmarks.errors.judged import Judged
from benchmarks.errors.schema import Counts, Estimate
from benchmarks.statistics import Array
from compress.core.results import EvalResult

UNDEFINED = Estimate(value=None)


def counts(judged: Judged, label: int) -> Counts:
    """Count the decisions of one label whose target is known."""
    truth, says = judged.targets[:, label], judged.decided[:, label]
    return Counts(
        tp=int(((truth == 1) & says).sum()),
        fp=int(judged.false_alarms[:, label].sum()),
        fn=int(judged.misses[:, label].sum()),
        tn=int(((truth == 0) & ~says).sum()),
    )


def undefined(judged: Judged, label: int) -> str | None:
    """Return why a label has no metric here: the known targets do not hold both classes."""
    truth = judged.targets[:, label]
    if not judged.known[:, label].any():
        return "no image with a known target"
    if not (truth == 1).any():
        return "no image has it"
    return None if (truth == 0).any() else "every image has it"


def estimates(judged: Judged) -> tuple[dict[str, Estimate], ...]:
    """Return precision, recall and F1 of each label, with intervals from resampled images.

    Nothing predicted is precision 0, as in `metrics`; a draw without both classes is left out.
    """
    found = metrics.prf_per_label(judged.targets, judged.decided)
    drawn = prf_draws(judged)
    return tuple(
        {
            name: UNDEFINED
            if prf is None
            else Estimate(value=getattr(prf, name), ci95=statistics.interval(draws[label]))
            for name, draws in drawn.items()
        }
        for label, prf in enumerate(found)
    )


def prf_draws(judged: Judged) -> dict[str, Array]:
    """Return precision, recall and F1 per label and draw `[labels, draws]`; NaN is undefined."""
    truth, says = judged.targets.T, judged.decided.T
    cells = [(truth == t) & (says == s) for t, s in ((1, True), (0, True), (1, False), (0, False))]
    tp, fp, fn, tn = statistics.mean_draws(np.stack(cells))
    both = (tp + fn > 0) & (fp + tn > 0)
    return {
        "precision": np.where(both, _share(tp, tp + fp), np.nan),
        "recall": np.where(both, _share(tp, tp + fn), np.nan),
        "f1": np.where(both, _share(2 * tp, 2 * tp + fp + fn), np.nan),
    }


def average_precision(result: EvalResult, label: int) -> Estimate:
    """Return AP of one label, the mean over views, with its interval."""
    value = result.ap[result.label_names[label]]
    if value is None:
        return UNDEFINED
    found = statistics.ranks(result).label(label)
    return Estimate(value=value, ci95=statistics.interval_of(found))


def _share(part: Array, whole: Array) -> Array:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0), float)
