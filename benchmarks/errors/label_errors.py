"""Each label by itself: what is counted at its threshold, and how sure the figures are."""

import numpy as np

from benchmarks.errors.judged import Judged
from benchmarks.errors.schema import Counts, Estimate
from benchmarks.statistics import paired
from benchmarks.statistics.changed_decisions import Decisions, Metric, figure, interval
from edgepress.core.results import EvalResult

UNDEFINED = Estimate(value=None)
_METRICS: tuple[Metric, ...] = ("precision", "recall", "f1")


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
    """Return precision, recall and F1 of each label, with the intervals that gates have.

    Nothing predicted is precision 0, as in `metrics`.
    """
    decisions = Decisions(
        has=judged.targets == 1,
        has_not=judged.targets == 0,
        after=judged.decided,
        before=None,
        groups=np.asarray(judged.groups or range(len(judged.targets)), np.intp),
    )
    return tuple(
        {metric: _estimate(decisions.of(np.array([label])), metric) for metric in _METRICS}
        for label in range(len(judged.label_names))
    )


def _estimate(decisions: Decisions, metric: Metric) -> Estimate:
    if not (decisions.has.any() and decisions.has_not.any()):
        return UNDEFINED
    return Estimate(value=figure(decisions, metric), ci95=interval(decisions, metric))


def average_precision(result: EvalResult, label: int) -> Estimate:
    """Return AP of one label, the mean over views, with its interval."""
    value = result.ap[result.label_names[label]]
    if value is None:
        return UNDEFINED
    found = paired.ranks(result).label(label)
    return Estimate(value=value, ci95=paired.interval_of(found))
