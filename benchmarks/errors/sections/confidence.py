"""How sure the model is when it is right and when it is wrong."""

import itertools
import math

from benchmarks.errors.schema import ErrorReport, LabelErrors
from benchmarks.errors.sections._parts import panelled
from benchmarks.report import format as fmt
from benchmarks.report.figure import Drawing, Json, axis, plot
from benchmarks.report.page import Values

TITLE = "Confidence"
ORDER = 60


def values(report: ErrorReport) -> Values:
    """Return a histogram of every label."""
    labels, note = panelled(report)
    if not labels:
        return "No label has both classes in this part."
    return {"note": note, "panels": [_panel(label) for label in labels]}


def _panel(label: LabelErrors) -> Drawing:
    found = label.confidence
    most = max((*found.right, *found.wrong, 1))
    layout = {
        "xaxis": axis("Probability", range=[-0.01, 1.01], dtick=0.25, tickformat=".2f"),
        "yaxis": axis(
            "Images", type="log", range=[math.log10(0.7), math.log10(1.5 * most)], dtick=1
        ),
        "barmode": "group",
        "bargap": 0.1,
        "bargroupgap": 0,
        "shapes": [_line(label.threshold)],
    }
    said = (
        f"Histogram of the probabilities of {label.name}: {sum(found.wrong)} wrong decisions, "
        f"{label.near_misses} misses just below the threshold of {label.threshold:.3f}"
    )
    bars = [_bars(label, "right", "var(--m3)"), _bars(label, "wrong", "var(--m2)")]
    drawn = plot(bars, layout, label=said, height=250)
    return Drawing(
        label.name, (drawn,), f"ECE {fmt.score(found.ece)}, Brier {fmt.score(found.brier)}"
    )


def _bars(label: LabelErrors, which: str, colour: str) -> Json:
    edges = label.confidence.edges
    counted = label.confidence.right if which == "right" else label.confidence.wrong
    return {
        "type": "bar",
        "x": [(low + high) / 2 for low, high in itertools.pairwise(edges)],
        "y": counted,
        "marker": {"color": colour},
        "customdata": [f"{low:.2f} to {high:.2f}" for low, high in
                       itertools.pairwise(edges)],
        "hovertemplate": f"%{{y}} {which}, probability %{{customdata}}",
    }  # fmt: skip


def _line(threshold: float) -> Json:
    return {
        "type": "line",
        "x0": threshold,
        "x1": threshold,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": "var(--text)", "width": 1.5, "dash": "dot"},
    }
