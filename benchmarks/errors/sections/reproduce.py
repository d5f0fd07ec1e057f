"""The command that makes the page again, the data and the machine."""

from benchmarks.errors.schema import ErrorReport
from benchmarks.report.facts import facts
from benchmarks.report.page import Values

TITLE = "How this was made"
ORDER = 90


def values(report: ErrorReport) -> Values:
    """Return what the command was run on."""
    model = {"path": report.path, "kind": report.kind, "precision": report.precision}
    return {
        "facts_of": {
            "Model and data": facts({**model, **report.data}),
            "Machine and software": facts(report.environment),
        }
    }
