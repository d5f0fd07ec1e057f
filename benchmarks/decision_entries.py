"""From the decisions of a model to the entries of a report."""

from benchmarks.label_decisions import Share, label_decisions
from benchmarks.report.schema import DecisionEntry, ShareEntry
from compress.core.labels import Labels
from compress.core.results import EvalResult


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


def _share(share: Share | None) -> ShareEntry | None:
    if share is None:
        return None
    return ShareEntry(value=share.value, ci95=share.interval(), hits=share.hits, of=share.of)
