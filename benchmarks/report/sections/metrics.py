"""Metrics of decisions and of ranking beside mAP, as papers on multi-label images report them."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import missing, model_name
from benchmarks.report.schema import MetricsEntry, ModelEntry, Report

TITLE = "More metrics"
ORDER = 42

HEADER = (
    "CF1", "OF1", "Macro F1", "Samples F1", "Exact match", "Hamming loss", "Ranking AP", "ECE",
)  # fmt: skip


def shown(report: Report) -> bool:
    """Tell whether any model has them."""
    return any(model.metrics for model in report.models)


def render(report: Report) -> str:
    """Return a table with a row for each model."""
    if not shown(report):
        return missing("No model of this report has other metrics than mAP.")
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(title) for title in HEADER)
    rows = Markup("").join(
        Markup('<tr data-place="{}"><th scope="row">{}</th>{}</tr>').format(
            place, model_name(report, place), Markup("").join(map(_cell, _values(model)))
        )
        for place, model in enumerate(report.models)
        if model.metrics
    )
    return Markup(
        '<p class="lead">On the first view, at the thresholds of each model. CF1: of the mean '
        "precision and recall of the labels. OF1: of all labels together, which is micro F1. Exact "
        "match: images with every label right. Ranking AP: how high the labels of an image rank. "
        "Less is better for Hamming loss (wrong decisions) and ECE.</p>"
        '<div class="scroll" role="region" aria-label="More metrics" tabindex="0">'
        '<table class="plain"><thead><tr><th scope="col">Model</th>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(heads, rows)


def _values(model: ModelEntry) -> tuple[float | None, ...]:
    found = model.metrics or MetricsEntry()
    return (
        found.cf1, found.of1, model.f1_macro, found.f1_samples, found.subset_accuracy,
        found.hamming_loss, found.label_ranking_ap, model.ece,
    )  # fmt: skip


def _cell(value: float | None) -> Markup:
    kind = Markup(' class="missing"') if value is None else ""
    return Markup("<td{}>{}</td>").format(kind, fmt.score(value))
