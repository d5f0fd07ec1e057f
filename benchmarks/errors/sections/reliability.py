"""Whether probabilities mean what they say: the reliability diagram of each label."""

from benchmarks.errors.schema import ErrorReport, LabelErrors
from benchmarks.errors.sections._parts import panelled
from benchmarks.report import format as fmt
from benchmarks.report.figure import Drawing, Json, axis, plot
from benchmarks.report.page import Values

TITLE = "Reliability"
ORDER = 65

_UNIT = {"range": [-0.03, 1.03], "dtick": 0.25, "tickformat": ".2f"}
_DIAGRAM, _COUNTS = [0.3, 1.0], [0.0, 0.16]
"""Heights of the two parts of a panel, as shares of it."""


def values(report: ErrorReport) -> Values:
    """Return a reliability diagram of every label."""
    labels, note = panelled(report)
    panels = [_panel(label) for label in labels if label.reliability]
    if not panels:
        return "No label has both classes in this part, so nothing can be drawn."
    return {"note": note, "panels": panels}


def _panel(label: LabelErrors) -> Drawing:
    most = max(one.n for one in label.reliability)
    layout = {
        "xaxis": axis("Probability", **_UNIT, anchor="y2"),
        "yaxis": axis("Share with the label", **_UNIT, domain=_DIAGRAM),
        "yaxis2": axis("Images", range=[0, 1.15 * most], domain=_COUNTS, nticks=3),
        "shapes": [_diagonal()],
    }
    error = fmt.score(label.confidence.ece)
    away = [one for one in label.reliability if not one.ci95[0] <= one.prob <= one.ci95[1]]
    said = (
        f"Reliability of {label.name}: calibration error {error}; in {len(away)} of "
        f"{len(label.reliability)} bins the probability is outside the interval of the share"
    )
    drawn = plot([_points(label), _counts(label)], layout, label=said, height=360)
    detail = f"ECE {error}, {label.known} images in {len(label.reliability)} bins"
    return Drawing(label.name, (drawn,), detail)


def _points(label: LabelErrors) -> Json:
    bins = label.reliability
    return {
        "x": [one.prob for one in bins],
        "y": [one.share for one in bins],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [one.ci95[1] - one.share for one in bins],
            "arrayminus": [one.share - one.ci95[0] for one in bins],
            "color": "var(--m1)",
            "thickness": 1.5,
            "width": 4,
        },
        "mode": "markers",
        "marker": {"color": "var(--m1)", "size": 8, "line": {"color": "var(--card)", "width": 1}},
        "customdata": [_told(one.n, one.ci95) for one in bins],
        "hovertemplate": "probability %{x:.3f}, share %{y:.3f} %{customdata}",
    }


def _told(n: int, ci95: tuple[float, float]) -> str:
    return f"({ci95[0]:.3f} to {ci95[1]:.3f}) of {n} images"


def _counts(label: LabelErrors) -> Json:
    bins = label.reliability
    return {
        "type": "bar",
        "x": [one.prob for one in bins],
        "y": [one.n for one in bins],
        "yaxis": "y2",
        "width": 0.012,
        "marker": {"color": "var(--m1)"},
        "hovertemplate": "%{y} images, mean probability %{x:.3f}",
    }


def _diagonal() -> Json:
    return {
        "type": "line",
        "x0": 0,
        "x1": 1,
        "y0": 0,
        "y1": 1,
        "line": {"color": "var(--text)", "width": 1, "dash": "dot"},
    }
