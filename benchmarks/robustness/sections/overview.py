"""What each model keeps, and what the gates found."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import missing
from benchmarks.report.sections.gates import line
from benchmarks.robustness.schema import ModelRobustness, RobustnessReport
from benchmarks.robustness.sections._parts import drop

TITLE = "Overview"
ORDER = 0


def render(report: RobustnessReport) -> str:
    """Return mAP on corrupted images of every model, and the gates."""
    figures = Markup("").join(_figure(report, model) for model in report.models)
    return Markup('<dl class="figures">{}</dl>{}').format(figures, _gates(report))


def _figure(report: RobustnessReport, model: ModelRobustness) -> Markup:
    told = f"mAP on corrupted images; {fmt.score(model.clean.value)} on clean ones"
    if model is not report.models[0]:
        told += (
            f". Of the drop of {drop(model.all.drop)} points, {drop(model.all.beyond)} are beyond "
            "that on clean images."
        )
    return Markup(
        '<div class="figure"><dt>{}</dt><dd><strong>{}</strong><span>{}</span></dd></div>'
    ).format(model.name, fmt.score(model.all.mean), told)


def _gates(report: RobustnessReport) -> Markup:
    if not report.gates:
        return missing("No gate was set.")
    lines = Markup("").join(line(gate) for gate in report.gates)
    return Markup(
        '<div class="card gated"><h3>Gates on {}</h3><ul class="gates">{}</ul></div>'
    ).format(report.models[-1].name, lines)
