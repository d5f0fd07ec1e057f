"""How each student was taught, and what its teacher gave."""

from benchmarks.report import lessons
from benchmarks.report.page import Values
from benchmarks.report.schema import Report

TITLE = "How students learnt"
ORDER = 66


def shown(report: Report) -> bool:
    """Tell whether any model was taught."""
    return any(model.distillation for model in report.models)


def values(report: Report) -> Values:
    """Return the summary and the race of each student."""
    if not shown(report):
        return "No model of this report was taught by another one."
    return {
        "about": lessons.ABOUT,
        "titles": lessons.HEADER,
        "taught": [
            (place, lessons.summary(model), lessons.rows(model))
            for place, model in enumerate(report.models)
            if model.distillation
        ],
    }
