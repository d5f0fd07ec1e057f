"""ROC and precision-recall curve of each label, with its operating point."""

from collections.abc import Sequence

from benchmarks.errors.schema import ErrorReport, LabelErrors
from benchmarks.errors.sections._parts import panelled
from benchmarks.report import format as fmt
from benchmarks.report.figure import Drawing, Json, Plot, axis, plot
from benchmarks.report.page import Values

TITLE = "Curves"
ORDER = 50

_UNIT = {"range": [-0.02, 1.02], "dtick": 0.25, "tickformat": ".2f"}


def values(report: ErrorReport) -> Values:
    """Return the two plots of every label."""
    labels, note = panelled(report)
    panels = [_panel(label) for label in labels if label.curves]
    if not panels:
        return "No label has both classes in this part, so there is no curve."
    return {"note": note, "panels": panels}


def _panel(label: LabelErrors) -> Drawing:
    found = label.curves
    assert found is not None
    told = f"recall {fmt.score(found.at.recall)}"
    pr = _plot(
        (found.pr.recall, found.pr.precision),
        (found.at.recall, found.at.precision),
        ("Recall", "Precision"),
        f"Precision against recall of {label.name}: AP {fmt.score(label.ap.value)}; at the "
        f"threshold {told}, precision {fmt.score(found.at.precision)}",
    )
    roc = _plot(
        (found.roc.fpr, found.roc.tpr),
        (found.at.fpr, found.at.recall),
        ("False-alarm rate", "Recall"),
        f"Recall against false-alarm rate of {label.name}; at the threshold {told}, rate "
        f"{fmt.score(found.at.fpr)}",
    )
    detail = (
        f"AP {fmt.score(label.ap.value)}, at {label.threshold:.3f}: "
        f"precision {fmt.score(found.at.precision)}, {told}"
    )
    return Drawing(label.name, (pr, roc), detail)


def _plot(
    curve: tuple[Sequence[float], Sequence[float]],
    at: tuple[float, float],
    titles: tuple[str, str],
    label: str,
) -> Plot:
    x, y = titles
    told = f"{x.lower()} %{{x:.3f}}, {y.lower()} %{{y:.3f}}"
    line: Json = {
        "x": curve[0],
        "y": curve[1],
        "mode": "lines",
        "line": {"color": "var(--m1)", "width": 2},
        "hovertemplate": told,
    }
    point: Json = {
        "x": [at[0]],
        "y": [at[1]],
        "mode": "markers",
        "marker": {"color": "var(--m2)", "size": 11, "line": {"color": "var(--card)", "width": 2}},
        "hovertemplate": f"stored threshold: {told}",
    }
    layout = {"xaxis": axis(x, **_UNIT), "yaxis": axis(y, **_UNIT)}
    return plot([line, point], layout, label=label, height=250)
