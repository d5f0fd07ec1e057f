"""Metrics of decisions and of ranking beside mAP, as papers on multi-label images report them."""

from benchmarks.report.cells import Row, scored
from benchmarks.report.page import Values
from benchmarks.report.schema import MetricsEntry, ModelEntry, Report

TITLE = "More metrics"
ORDER = 42

HEADER = (
    "CF1", "OF1", "Macro F1", "Samples F1", "Exact match", "Hamming loss", "Ranking AP", "ECE",
)  # fmt: skip


def shown(report: Report) -> bool:
    """Tell whether any model has them."""
    return any(model.metrics for model in report.models)


def values(report: Report) -> Values:
    """Return a row for each model."""
    rows = [
        Row(tuple(map(scored, _values(model))), place)
        for place, model in enumerate(report.models)
        if model.metrics
    ]
    if not rows:
        return "No model of this report has other metrics than mAP."
    return {"titles": ("Model", *HEADER), "rows": rows}


def _values(model: ModelEntry) -> tuple[float | None, ...]:
    found = model.metrics or MetricsEntry()
    return (
        found.cf1, found.of1, model.f1_macro, found.f1_samples, found.subset_accuracy,
        found.hamming_loss, found.label_ranking_ap, model.ece,
    )  # fmt: skip
