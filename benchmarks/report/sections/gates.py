"""Every gate with what was found and why."""

from benchmarks.report.of_models import verdict_note, verdict_of
from benchmarks.report.page import Values
from benchmarks.report.schema import ModelEntry, Report
from benchmarks.report.summary import candidate

TITLE = "Gates"
ORDER = 20

MOST_OPEN = 6
"""With more models than these, those that passed are folded."""


def values(report: Report) -> Values:
    """Return the models with gates or remarks: how many gates passed, and the remarks."""
    return {
        "gated": any(model.gates for model in report.models),
        "groups": [
            (place, _passed(model), _is_open(report, model), _notes(model))
            for place, model in enumerate(report.models)
            if model.gates or _notes(model)
        ],
    }


def _is_open(report: Report, model: ModelEntry) -> bool:
    """Tell whether to unfold a model's gates: in a long report only those that want attention."""
    gated = [other for other in report.models if other.gates]
    return len(gated) <= MOST_OPEN or verdict_of(model) != "pass" or model is candidate(report)


def _passed(model: ModelEntry) -> str:
    passed = sum(gate.verdict == "pass" for gate in model.gates)
    note = f", {verdict_note(model)}" if verdict_note(model) else ""
    return f"{passed} of {len(model.gates)} passed{note}" if model.gates else ""


def _notes(model: ModelEntry) -> tuple[str, ...]:
    """Return the remarks on a model; those on an int8 file stand in its audit."""
    return () if model.precision == "int8" else model.notes
