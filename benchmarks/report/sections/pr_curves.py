"""Precision against recall, one small plot per label."""

from benchmarks.report import format as fmt
from benchmarks.report.figure import Drawing, Json, axis, colour, dash, plot, text
from benchmarks.report.of_models import label_names
from benchmarks.report.page import Values
from benchmarks.report.schema import Report

TITLE = "Precision and recall"
ORDER = 50

MOST_LABELS = 12
"""More plots than this would make the page slow; the labels on which models differ most stay."""


def values(report: Report) -> Values:
    """Return the precision-recall curves of every label."""
    labels = [x for x in label_names(report) if any(x in m.pr_curves for m in report.models)]
    if not labels:
        return "No precision-recall curve was measured."
    note = ""
    if len(labels) > MOST_LABELS:
        note = f" The {MOST_LABELS} of {len(labels)} labels on which the models differ most."
        labels = sorted(labels, key=lambda label: -_spread(report, label))[:MOST_LABELS]
    return {
        "note": note,
        "places": [place for place, model in enumerate(report.models) if model.pr_curves],
        "panels": [_panel(report, label) for label in labels],
    }


def _spread(report: Report, label: str) -> float:
    values = [value for model in report.models if (value := model.ap.get(label)) is not None]
    return max(values) - min(values) if values else 0.0


def _panel(report: Report, label: str) -> Drawing:
    traces = [
        _trace(report, place, label)
        for place, model in enumerate(report.models)
        if label in model.pr_curves
    ]
    unit = {"range": [0, 1.02], "dtick": 0.25, "tickformat": ".2f"}
    layout = {"xaxis": axis("Recall", **unit), "yaxis": axis("Precision", **unit)}
    told = ", ".join(f"{m.name} AP {fmt.score(m.ap.get(label))}" for m in report.models)
    drawn = plot(traces, layout, label=f"Precision against recall of {label}: {told}", height=290)
    return Drawing(label, (drawn,))


def _trace(report: Report, place: int, label: str) -> Json:
    model = report.models[place]
    curve = model.pr_curves[label]
    return {
        "x": curve.recall,
        "y": curve.precision,
        "mode": "lines",
        "meta": place,
        "line": {"color": colour(place), "dash": dash(place), "width": 2},
        "text": text(model.name),
        "hovertemplate": "%{text}\nrecall %{x:.3f}, precision %{y:.3f}",
    }
