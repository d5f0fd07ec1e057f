"""What is counted of every label at its stored threshold."""

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport, LabelErrors
from benchmarks.errors.sections._parts import estimate, table
from benchmarks.report import format as fmt

TITLE = "Errors per label"
ORDER = 10

_HEAD = (
    "Label", "AP", "Precision", "Recall", "F1", "False alarms", "Misses", "Hits", "True negatives",
    "Threshold", "ECE", "Brier",
)  # fmt: skip


def render(report: ErrorReport) -> str:
    """Return the table of labels."""
    views = len(report.data.get("views") or ()) or 1
    caption = (
        f"On {report.n} images. Small print: 95% intervals. Counts, precision, "
        "recall and F1 at the stored threshold"
        + (f"; AP is the mean over {views} views, all else is of the first." if views > 1 else ".")
        + " ECE (calibration error) and Brier: lower is better."
    )
    return table(
        "Errors per label", caption, _HEAD, [_row(label) for label in report.labels], "counts"
    )


def _row(label: LabelErrors) -> Markup:
    counts = label.counts
    if label.undefined:
        about = f"no metric: {label.undefined}"
    else:
        about = f"{counts.tp + counts.fn} of {label.known} images have it"
    cells = Markup("").join(map(estimate, (label.ap, label.precision, label.recall, label.f1)))
    numbers = Markup("").join(
        Markup("<td>{}</td>").format(text)
        for text in (
            counts.fp, counts.fn, counts.tp, counts.tn, f"{label.threshold:.3f}",
            fmt.score(label.confidence.ece), fmt.score(label.confidence.brier),
        )
    )  # fmt: skip
    return Markup('<tr><th scope="row">{}<small>{}</small></th>{}{}</tr>').format(
        label.name, about, cells, numbers
    )
