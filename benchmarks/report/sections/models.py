"""The models side by side: sorted by any column, filtered by words and by kind."""

from collections.abc import Callable, Sequence
from itertools import groupby

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.columns import Cell, Column, columns, verdict_word
from benchmarks.report.figure import (
    NO_ACCURACY,
    badge,
    missing,
    model_name,
    verdict_note,
    verdict_of,
)
from benchmarks.report.schema import ModelEntry, Report

TITLE = "Models"
ORDER = 10

_KINDS: tuple[tuple[str, Callable[[ModelEntry], str]], ...] = (
    ("gates", verdict_word),
    ("precision", lambda model: model.precision),
    ("format", lambda model: model.kind),
)
"""What the table can be filtered by, beside words."""
_SEVERITY = ("pass", f"pass ({NO_ACCURACY})", "no gates", "inconclusive", "fail")


def render(report: Report) -> str:
    """Return the table of models and, where there are several, the filter of the page."""
    if not report.models:
        return missing("There is no model in this report.")
    made = columns(report)
    rows = (_row(report, place, made) for place in range(len(report.models)))
    return Markup(
        '{}<div class="scroll" role="region" aria-label="Table of models" tabindex="0">'
        '<table class="models"><caption>{}</caption>'
        "<thead>{}</thead><tbody>{}</tbody></table></div>"
    ).format(_filter(report), _caption(report), _head(made), Markup("").join(rows))


def _filter(report: Report) -> Markup:
    """Return the form that `table.js` shows: without a script it would do nothing."""
    if len(report.models) < 2:
        return Markup("")
    groups = Markup("").join(
        _choices(name, [read(m) for m in report.models]) for name, read in _KINDS
    )
    return Markup(
        '<form class="filters" role="search" aria-label="Filter the models of the page" '
        'autocomplete="off" hidden>'
        '<label class="words"><span>Filter the whole page</span><input type="search" name="words" '
        'placeholder="name, stage, target …"></label>{}'
        '<output role="status"></output><button type="button">Show all</button></form>'
    ).format(groups)


def _choices(name: str, values: Sequence[str]) -> Markup:
    """Return a box to tick for each value, where there is something to choose."""
    found = sorted(set(values))
    if len(found) < 2:
        return Markup("")
    boxes = Markup("").join(
        Markup('<label><input type="checkbox" name="{}" value="{}"><span>{}</span></label>').format(
            name, value, value
        )
        for value in found
    )
    return Markup("<fieldset><legend>{}</legend>{}</fieldset>").format(name.capitalize(), boxes)


def _caption(report: Report) -> str:
    n_test = report.data.get("n_test")
    told = [f"Measured on {n_test} test images."] if n_test else []
    if len(report.models) > 1:
        told.append(f"Sizes and speed-ups are relative to {report.models[0].name}.")
    told.append("Small print: 95% intervals; p90 under the median latency.")
    told.append("F1: macro, at the stored thresholds. ECE: calibration error, lower is better.")
    if any(model.label_drops for model in report.models):
        told.append("Worst label drop: the label that lost most, in points of its AP.")
    return " ".join(told)


def _head(made: list[Column]) -> Markup:
    groups = (
        Markup('<th scope="colgroup" colspan="{}">{}</th>').format(len(list(members)), group)
        for group, members in groupby(made, key=lambda column: column.group)
    )
    firsts = _firsts(made)
    titles = (
        Markup('<th scope="col" data-column="{}" data-first="{}"{}>{}</th>').format(
            place + 2, column.better, _edge(place in firsts), column.title
        )
        for place, column in enumerate(made)
    )
    return Markup(
        '<tr class="groups"><th scope="col" rowspan="2" data-column="0" data-first="low">Model</th>'
        '<th scope="col" rowspan="2" data-column="1" data-first="low">Gates</th>{}</tr>'
        "<tr>{}</tr>"
    ).format(Markup("").join(groups), Markup("").join(titles))


def _row(report: Report, place: int, made: list[Column]) -> Markup:
    model = report.models[place]
    firsts = _firsts(made)
    cells = (_cell(column.cells[place], i in firsts) for i, column in enumerate(made))
    about = f"{model.kind}, {model.precision}" + (f", {model.target}" if model.target else "")
    kinds = Markup("").join(
        Markup(' data-{}="{}"').format(name, read(model)) for name, read in _KINDS
    )
    return Markup(
        '<tr data-place="{}"{} data-words="{}"><th scope="row" data-text="{}">{}<small>{}</small>'
        '</th><td class="verdict" data-value="{}">{}</td>{}</tr>'
    ).format(
        place,
        kinds,
        f"{model.name} {model.stage} {about}".lower(),
        model.name.lower(),
        model_name(report, place),
        about,
        _SEVERITY.index(verdict_word(model)),
        _verdict(model),
        Markup("").join(cells),
    )


def _verdict(model: ModelEntry) -> Markup:
    note = verdict_note(model)
    return badge(verdict_of(model)) + (Markup("<small>{}</small>").format(note) if note else "")


def _cell(cell: Cell, first: bool) -> Markup:
    kind = Markup(' class="{}"').format(
        " ".join(name for name, on in (("edge", first), ("missing", cell.missing)) if on)
    )
    if not fmt.undefined(cell.value):
        kind += Markup(' data-value="{}"').format(cell.value)
    small = Markup("<small>{}</small>").format(cell.sub) if cell.sub else ""
    return Markup("<td{}>{}{}</td>").format(kind, cell.main, small)


def _firsts(made: list[Column]) -> set[int]:
    """Return the places at which a group of columns begins."""
    return {i for i, c in enumerate(made) if i == 0 or made[i - 1].group != c.group}


def _edge(first: bool) -> Markup:
    return Markup(' class="edge"') if first else Markup("")
