"""What was tried on the way to each int8 file, and what came of it."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report import steps
from benchmarks.report.figure import missing, model_name
from benchmarks.report.schema import Report

TITLE = "Search for int8 files"
ORDER = 67


def shown(report: Report) -> bool:
    """Tell whether any model comes from a search."""
    return any(model.search for model in report.models)


def render(report: Report) -> str:
    """Return a table of the steps of each search."""
    if not shown(report):
        return missing("No model of this report comes from a search.")
    tables = (_table(report, place) for place, model in enumerate(report.models) if model.search)
    return Markup('<p class="lead">{}</p>{}').format(steps.ABOUT, Markup("").join(tables))


def _table(report: Report, place: int) -> Markup:
    model = report.models[place]
    heads = (Markup('<th scope="col">{}</th>').format(title) for title in steps.HEADER)
    rows = Markup("").join(
        _row(cells, step.kept) for cells, step in zip(steps.rows(model), model.search, strict=True)
    )
    return Markup(
        '<div class="scroll" role="region" aria-label="Search for {}" tabindex="0" '
        'data-place="{}"><table class="plain search"><caption>{} {}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(
        model.name,
        place,
        model_name(report, place),
        steps.told(model),
        Markup("").join(heads),
        rows,
    )


def _row(cells: tuple[str, ...], kept: bool) -> Markup:
    change, *values = (
        Markup('<span class="missing">{}</span>').format(text)
        if text in (fmt.NOT_MEASURED, fmt.UNDEFINED)
        else Markup("{}").format(text)
        for text in cells
    )
    return Markup('<tr class="{}"><th scope="row">{}</th>{}</tr>').format(
        "kept" if kept else "dropped",
        change,
        Markup("").join(Markup("<td>{}</td>").format(value) for value in values),
    )
