"""ROC and precision-recall curve of each label, with its operating point."""

from collections.abc import Sequence

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport, LabelErrors
from benchmarks.errors.sections._parts import panelled
from benchmarks.report import format as fmt
from benchmarks.report.figure import Json, axis, grid, missing, plot

TITLE = "Curves"
ORDER = 50

_UNIT = {"range": [-0.02, 1.02], "dtick": 0.25, "tickformat": ".2f"}


def render(report: ErrorReport) -> str:
    """Return the two plots of every label."""
    labels, note = panelled(report)
    panels = [_panel(label) for label in labels if label.curves]
    if not panels:
        return missing("No label has both classes in this part, so there is no curve.")
    return Markup(
        '<p class="lead">The point is the stored threshold. Of precision against recall, up and to '
        "the right is better; of recall against the false-alarm rate, up and to the left.{}</p>{}"
    ).format(note, grid(panels))


def _panel(label: LabelErrors) -> Markup:
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
    return Markup(
        '<figure class="card"><figcaption>{} <small>AP {}, at {:.3f}: precision {}, recall {}'
        '</small></figcaption><div class="twins">{}{}</div></figure>'
    ).format(
        label.name,
        fmt.score(label.ap.value),
        label.threshold,
        fmt.score(found.at.precision),
        fmt.score(found.at.recall),
        pr,
        roc,
    )


def _plot(
    curve: tuple[Sequence[float], Sequence[float]],
    at: tuple[float, float],
    titles: tuple[str, str],
    label: str,
) -> Markup:
    x, y = titles
    told = f"{x.lower()} %{{x:.3f}}, {y.lower()} %{{y:.3f}}<extra></extra>"
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
