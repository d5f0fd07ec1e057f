"""From the decisions of a model to the entries of a report."""

import numpy as np

from benchmarks import metrics
from benchmarks.report.schema import DecisionEntry, MetricsEntry, ShareEntry
from benchmarks.statistics.label_decisions import Share, label_decisions
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult


def decision_entries(labels: Labels, result: EvalResult) -> dict[str, DecisionEntry]:
    """Return the decisions on each label, and how its threshold was learnt where that is told."""
    learning = labels.learning
    each = learning.labels if learning else (None,) * len(labels.names)
    decided = label_decisions(result, labels)
    return {
        name: DecisionEntry(
            threshold=threshold,
            method=learning.settings.method if learning else None,
            learning=label,
            precision=_share(found.precision),
            recall=_share(found.recall),
            f1=found.f1,
        )
        for name, threshold, label, found in zip(
            labels.names, labels.thresholds, each, decided, strict=True
        )
    }


def metrics_entry(labels: Labels, result: EvalResult) -> MetricsEntry:
    """Return the metrics beside mAP, on the first view at the labels' thresholds."""
    targets, scores = result.targets, result.scores[0]
    decided = scores >= np.asarray(labels.thresholds, np.float32)
    found = metrics.averages(targets, decided)
    return MetricsEntry(
        cp=found.class_precision,
        cr=found.class_recall,
        cf1=found.class_f1,
        op=found.overall_precision,
        overall_recall=found.overall_recall,
        of1=found.overall_f1,
        f1_samples=metrics.f1_samples(targets, decided),
        subset_accuracy=metrics.subset_accuracy(targets, decided),
        hamming_loss=metrics.hamming_loss(targets, decided),
        label_ranking_ap=metrics.label_ranking_ap(targets, scores),
    )


def _share(share: Share | None) -> ShareEntry | None:
    if share is None:
        return None
    return ShareEntry(value=share.value, ci95=share.interval(), hits=share.hits, of=share.of)
