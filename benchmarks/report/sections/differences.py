"""Which model is surely more accurate than which: every two on the same images."""

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row, marked
from benchmarks.report.page import Values
from benchmarks.report.recommended import difference
from benchmarks.report.schema import DifferenceEntry, Report
from benchmarks.report.significance import SIGNIFICANT, heat, p_text

TITLE = "Differences of mAP"
ORDER = 38


def shown(report: Report) -> bool:
    """Tell whether there are more models than the first and one that is compared with it."""
    return len(report.models) > 2 and bool(report.differences)


def values(report: Report) -> Values:
    """Return a table of every model against every other."""
    if not report.differences:
        return "No two models were measured on the same images."
    named = {name for pair in report.differences for name in (pair.one, pair.other)}
    places = [place for place, model in enumerate(report.models) if model.name in named]
    return {
        "titles": ["Model", *(report.models[place].name for place in places)],
        "rows": [_row(report, place, places) for place in places],
    }


def _row(report: Report, place: int, places: list[int]) -> Row:
    name = report.models[place].name
    cells = (
        Cell("") if place == other else _cell(difference(report, name, report.models[other].name))
        for other in places
    )
    return Row(tuple(cells), place)


def _cell(pair: DifferenceEntry | None) -> Cell:
    if pair is None:
        return Cell(fmt.UNDEFINED)
    found = pair.map_difference
    ends = fmt.interval(pair.ci95, fmt.points)
    cell = Cell(fmt.points(found), ends, more=p_text(pair.p_holm))
    sure = pair.p_holm <= SIGNIFICANT and found != 0
    return marked(cell, found > 0, heat(found)) if sure else cell
