"""Which model is surely more accurate than which: every two on the same images."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import missing, model_name
from benchmarks.report.recommended import difference
from benchmarks.report.schema import DifferenceEntry, Report
from benchmarks.report.significance import SIGNIFICANT, heat, p_text

TITLE = "Differences of mAP"
ORDER = 38


def shown(report: Report) -> bool:
    """Tell whether there are more models than the first and one that is compared with it."""
    return len(report.models) > 2 and bool(report.differences)


def render(report: Report) -> str:
    """Return a table of every model against every other."""
    if not report.differences:
        return missing("No two models were measured on the same images.")
    named = {name for pair in report.differences for name in (pair.one, pair.other)}
    places = [place for place, model in enumerate(report.models) if model.name in named]
    heads = Markup("").join(
        Markup('<th scope="col">{}</th>').format(report.models[place].name) for place in places
    )
    rows = Markup("").join(_row(report, place, places) for place in places)
    pairs = len(report.differences)
    return Markup(
        '<p class="lead">How many points of mAP the model of the row has more than that of the '
        "column, on the same images. Coloured and marked ▲ or ▼ only where the difference is "
        "significant: p ≤ 0.05 after Holm's correction for looking at {}.</p>"
        '<div class="scroll" role="region" aria-label="Differences of mAP" tabindex="0">'
        '<table class="plain heat"><caption>Small print: 95% interval and p.</caption><thead><tr>'
        '<th scope="col">Model</th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(
        f"all {pairs} pairs" if pairs > 1 else "one pair",
        heads,
        rows,
    )


def _row(report: Report, place: int, places: list[int]) -> Markup:
    name = report.models[place].name
    cells = Markup("").join(
        Markup("<td></td>")
        if place == other
        else _cell(difference(report, name, report.models[other].name))
        for other in places
    )
    return Markup('<tr data-place="{}"><th scope="row">{}</th>{}</tr>').format(
        place, model_name(report, place), cells
    )


def _cell(pair: DifferenceEntry | None) -> Markup:
    if pair is None:
        return Markup('<td class="missing">{}</td>').format(fmt.UNDEFINED)
    sure = pair.p_holm <= SIGNIFICANT and pair.map_difference != 0
    mark = "" if not sure else "▲ " if pair.map_difference > 0 else "▼ "
    return Markup("<td{}>{}{}<small>{}</small><small>{}</small></td>").format(
        heat(-pair.map_difference) if sure else "",
        mark,
        fmt.points(pair.map_difference),
        fmt.interval(pair.ci95, fmt.points),
        p_text(pair.p_holm),
    )
