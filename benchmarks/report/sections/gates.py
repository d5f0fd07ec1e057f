"""Every gate with what was found and why."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import badge, missing, model_name, verdict_note, verdict_of
from benchmarks.report.schema import GateEntry, ModelEntry, Report
from benchmarks.report.summary import candidate

TITLE = "Gates"
ORDER = 20

MOST_OPEN = 6
"""With more models than these, those that passed are folded."""


def render(report: Report) -> str:
    """Return the gates, grouped by model, and the remarks on each model."""
    groups = [
        _group(report, place)
        for place, model in enumerate(report.models)
        if model.gates or _notes(model)
    ]
    if not any(model.gates for model in report.models):
        groups.insert(0, missing("No gate was set."))
    return Markup("").join(groups)


def _group(report: Report, place: int) -> Markup:
    model = report.models[place]
    gates = Markup("").join(line(gate) for gate in model.gates)
    listed = Markup('<ul class="gates">{}</ul>').format(gates) if model.gates else ""
    notes = (Markup('<p class="note">{}</p>').format(note) for note in _notes(model))
    return Markup(
        '<details class="card gated" data-place="{}"{}><summary><h3>{}</h3> <span>{}</span>'
        "</summary>{}{}</details>"
    ).format(
        place,
        Markup(" open") if _is_open(report, model) else "",
        model_name(report, place),
        _passed(model),
        listed,
        Markup("").join(notes),
    )


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


def line(gate: GateEntry) -> Markup:
    """Return a verdict, why, and what was measured as an item of a list."""
    number = fmt.gate_number(gate.gate)
    ends = fmt.interval(gate.ci95, number)
    return Markup(
        "<li>{}<div><p>{}</p><p class='demand'><code>{}</code>{}</p></div>"
        "<p class='measured'>{}<small>{}</small></p></li>"
    ).format(
        badge(gate.verdict),
        gate.reason,
        gate.gate,
        f" against {gate.against}" if gate.against and gate.against not in gate.gate else "",
        fmt.measured(gate.gate, gate.measured),
        f"95% interval {ends}" if ends else "",
    )
