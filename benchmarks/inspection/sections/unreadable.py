"""The files that are no usable images, by name."""

from benchmarks.inspection.schema import DataReport
from benchmarks.inspection.sections._parts import first
from benchmarks.report.cells import Cell, Row
from benchmarks.report.page import Values

TITLE = "Unreadable files"
ORDER = 40

MOST_FILES = 20


def values(report: DataReport) -> Values:
    """Return the first files, each with the reason."""
    files = report.unreadable
    if not files:
        return "Every file can be read."
    return {
        "more": first(len(files), MOST_FILES),
        "rows": [Row((Cell(one.reason),), name=one.file) for one in files[:MOST_FILES]],
    }
