"""What should be looked at, and the counts."""

from collections.abc import Iterator

from benchmarks.inspection.schema import DataReport
from benchmarks.inspection.sections._parts import number
from benchmarks.report.page import Values

TITLE = "What was found"
ORDER = 0


def values(report: DataReport) -> Values:
    """Return the key figures."""
    return {"figures": [*_figures(report)]}


def _figures(report: DataReport) -> Iterator[tuple[str, str, str]]:
    colour = report.n_images - report.n_grey
    yield "Images", f"{report.n_images:,}", f"{report.n_grey:,} grey, {colour:,} in colour"
    yield "Labels", f"{len(report.labels):,}", f"format {report.format}"
    yield "Labels of an image", number(report.cardinality), _without(report)
    yield "Unknown values", f"{report.n_unknown:,}", "left out of what is counted below"
    yield "Imbalance (MeanIR)", number(report.mean_ir), "1 is even"


def _without(report: DataReport) -> str:
    none = report.images_by_labels[0] if report.images_by_labels else 0
    most = len(report.images_by_labels) - 1
    return f"on average (cardinality); {none:,} have none, the most is {max(most, 0)}"
