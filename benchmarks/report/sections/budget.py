"""Every model against the limits of the device."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report import recommended
from benchmarks.report.figure import badge, missing, model_name
from benchmarks.report.schema import GateEntry, Report

TITLE = "Budget"
ORDER = 5


def shown(report: Report) -> bool:
    """Tell whether there was a budget."""
    return report.recommendation is not None


def render(report: Report) -> str:
    """Return a table with a row for each model."""
    found = report.recommendation
    if found is None:
        return missing("No budget was given, so no model was held against one.")
    heads = Markup("").join(
        Markup('<th scope="col">{}</th>').format(recommended.demand(gate)) for gate in found.budget
    )
    rows = Markup("").join(_row(report, place) for place in range(len(report.models)))
    return Markup(
        '<div class="scroll" role="region" aria-label="The budget" tabindex="0">'
        '<table class="plain heat"><caption>{}</caption><thead><tr><th scope="col">Model</th>'
        '<th scope="col">Fits</th><th scope="col">mAP</th>{}</tr></thead><tbody>{}</tbody></table>'
        "</div>"
    ).format(
        "Small print: 95% intervals. A limit is kept where the whole interval is within it. A "
        "model that failed another gate does not fit either.",
        heads,
        rows,
    )


def _row(report: Report, place: int) -> Markup:
    model = report.models[place]
    cells = Markup("").join(map(_cell, model.budget))
    return Markup(
        '<tr data-place="{}"><th scope="row">{}</th><td>{}</td><td>{}<small>{}</small></td>{}</tr>'
    ).format(
        place,
        model_name(report, place),
        badge(recommended.fits(model)),
        fmt.score(model.map),
        fmt.interval(model.map_ci95),
        cells,
    )


def _cell(gate: GateEntry) -> Markup:
    """Return what was measured, marked where it is not within the limit."""
    main, ends = recommended.measured(gate)
    kind = {"pass": "", "fail": "worse", "inconclusive": "unsure"}[gate.verdict]
    return Markup('<td class="{}" title="{}" style="--heat:18%">{}{}<small>{}</small></td>').format(
        kind, gate.reason, {"": "", "worse": "✕ ", "unsure": "? "}[kind], main, ends
    )
