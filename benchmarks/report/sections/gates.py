"""Every gate with what was found and why."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import badge, missing, model_name
from benchmarks.report.schema import GateEntry, Report

TITLE = "Gates"
ORDER = 20


def render(report: Report) -> str:
    """Return the gates, grouped by model, and the remarks on each model."""
    groups = [
        _group(report, place)
        for place, model in enumerate(report.models)
        if model.gates or model.notes
    ]
    if not any(model.gates for model in report.models):
        groups.insert(0, missing("No gate was set."))
    return Markup("").join(groups)


def _group(report: Report, place: int) -> Markup:
    model = report.models[place]
    gates = Markup("").join(_gate(gate) for gate in model.gates)
    listed = Markup('<ul class="gates">{}</ul>').format(gates) if model.gates else ""
    notes = (Markup('<p class="note">{}</p>').format(note) for note in model.notes)
    return Markup('<div class="card"><h3>{}</h3>{}{}</div>').format(
        model_name(report, place), listed, Markup("").join(notes)
    )


def _gate(gate: GateEntry) -> Markup:
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
