"""What was tried on the way to each int8 file, and what came of it."""

from benchmarks.report import steps
from benchmarks.report.page import Values
from benchmarks.report.schema import Report

TITLE = "Search for int8 files"
ORDER = 67


def shown(report: Report) -> bool:
    """Tell whether any model comes from a search."""
    return any(model.search for model in report.models)


def values(report: Report) -> Values:
    """Return a table of the steps of each search."""
    if not shown(report):
        return "No model of this report comes from a search."
    return {
        "about": steps.ABOUT,
        "titles": steps.HEADER,
        "searched": [
            (place, steps.told(model), steps.rows(model))
            for place, model in enumerate(report.models)
            if model.search
        ],
    }
