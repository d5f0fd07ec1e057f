"""The most suspicious values, and which labels were looked at."""

from benchmarks.inspection.pictures import MOST_SUSPECTS, picture_name
from benchmarks.inspection.schema import DataReport, SearchedLabel
from benchmarks.inspection.sections._parts import first
from benchmarks.report.cells import Cell, Row, scored
from benchmarks.report.page import Values

TITLE = "Suspicious labels"
ORDER = 60

MOST_SEARCHED = 100


def values(report: DataReport) -> Values:
    """Return the values with their pictures, and a row for each label."""
    found = report.suspects
    if found.method is None:
        return found.told
    return {
        "more": first(found.n_suspects, MOST_SUSPECTS),
        "shown": [(picture_name(x.file), x) for x in found.most_suspicious[:MOST_SUSPECTS]],
        "more_labels": first(len(found.labels), MOST_SEARCHED),
        "rows": [_row(label) for label in found.labels[:MOST_SEARCHED]],
    }


def _row(label: SearchedLabel) -> Row:
    told = f"not searched: {label.why_not}" if label.suspects is None else f"{label.suspects:,}"
    return Row((Cell(f"{label.images:,}"), scored(label.auc), Cell(told)), name=label.name)
