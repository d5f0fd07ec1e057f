"""Where the network looked in the worst images."""

from itertools import groupby

from benchmarks.errors.schema import ErrorReport
from benchmarks.report.page import Values

TITLE = "Where the network looked"
ORDER = 30


def shown(report: ErrorReport) -> bool:
    """Tell whether anything was explained."""
    return bool(report.explanations or report.explain_notes)


def values(report: ErrorReport) -> Values:
    """Return what was explained of each label."""
    if not report.explanations:
        return "No image was explained."
    found = groupby(report.explanations, key=lambda one: one.label)
    return {"groups": [(label, [*explained]) for label, explained in found]}
