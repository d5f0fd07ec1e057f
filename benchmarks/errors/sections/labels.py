"""What is counted of every label at its stored threshold."""

from benchmarks.errors.schema import ErrorReport, LabelErrors
from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row, scored
from benchmarks.report.page import Values

TITLE = "Errors per label"
ORDER = 10

_HEAD = (
    "Label", "AP", "Precision", "Recall", "F1", "False alarms", "Misses", "Hits", "True negatives",
    "Threshold", "ECE", "Brier",
)  # fmt: skip


def values(report: ErrorReport) -> Values:
    """Return a row for each label."""
    return {
        "views": len(report.data.get("views") or ()) or 1,
        "titles": _HEAD,
        "rows": [_row(label) for label in report.labels],
    }


def _row(label: LabelErrors) -> Row:
    counts, found = label.counts, (label.ap, label.precision, label.recall, label.f1)
    if label.undefined:
        about = f"no metric: {label.undefined}"
    else:
        about = f"{counts.tp + counts.fn} of {label.known} images have it"
    numbers = (
        *map(str, (counts.fp, counts.fn, counts.tp, counts.tn)), f"{label.threshold:.3f}",
        fmt.score(label.confidence.ece), fmt.score(label.confidence.brier),
    )  # fmt: skip
    cells = (*(scored(one.value, one.ci95) for one in found), *map(Cell, numbers))
    return Row(cells, name=label.name, about=about)
