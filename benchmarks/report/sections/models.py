"""The models side by side."""

from itertools import groupby

from markupsafe import Markup

from benchmarks.report.columns import Cell, Column, columns
from benchmarks.report.figure import badge, missing, model_name, verdict_of
from benchmarks.report.schema import Report

TITLE = "Models"
ORDER = 10


def render(report: Report) -> str:
    """Return the table of models."""
    if not report.models:
        return missing("There is no model in this report.")
    made = columns(report)
    rows = (_row(report, place, made) for place in range(len(report.models)))
    return Markup(
        '<div class="scroll" role="region" aria-label="Table of models" tabindex="0">'
        '<table class="models"><caption>{}</caption>'
        "<thead>{}</thead><tbody>{}</tbody></table></div>"
    ).format(_caption(report), _head(made), Markup("").join(rows))


def _caption(report: Report) -> str:
    n_test = report.data.get("n_test")
    told = [f"Measured on {n_test} test images."] if n_test else []
    if len(report.models) > 1:
        told.append(f"Sizes and speed-ups are relative to {report.models[0].name}.")
    told.append("Small print: 95% intervals; p90 under the median latency.")
    told.append("F1: macro, at the stored thresholds. ECE: calibration error, lower is better.")
    return " ".join(told)


def _head(made: list[Column]) -> Markup:
    groups = (
        Markup('<th scope="colgroup" colspan="{}">{}</th>').format(len(list(members)), group)
        for group, members in groupby(made, key=lambda column: column.group)
    )
    firsts = _firsts(made)
    titles = (
        Markup('<th scope="col"{}>{}</th>').format(_edge(place in firsts), column.title)
        for place, column in enumerate(made)
    )
    return Markup(
        '<tr class="groups"><th scope="col" rowspan="2">Model</th>'
        '<th scope="col" rowspan="2">Gates</th>{}</tr><tr>{}</tr>'
    ).format(Markup("").join(groups), Markup("").join(titles))


def _row(report: Report, place: int, made: list[Column]) -> Markup:
    model = report.models[place]
    firsts = _firsts(made)
    cells = (_cell(column.cells[place], i in firsts) for i, column in enumerate(made))
    about = f"{model.kind}, {model.precision}" + (f", {model.target}" if model.target else "")
    return Markup(
        '<tr><th scope="row">{}<small>{}</small></th><td class="verdict">{}</td>{}</tr>'
    ).format(model_name(report, place), about, badge(verdict_of(model)), Markup("").join(cells))


def _cell(cell: Cell, first: bool) -> Markup:
    kind = Markup(' class="{}"').format(
        " ".join(name for name, on in (("edge", first), ("missing", cell.missing)) if on)
    )
    small = Markup("<small>{}</small>").format(cell.sub) if cell.sub else ""
    return Markup("<td{}>{}{}</td>").format(kind, cell.main, small)


def _firsts(made: list[Column]) -> set[int]:
    """Return the places at which a group of columns begins."""
    return {i for i, c in enumerate(made) if i == 0 or made[i - 1].group != c.group}


def _edge(first: bool) -> Markup:
    return Markup(' class="edge"') if first else Markup("")
