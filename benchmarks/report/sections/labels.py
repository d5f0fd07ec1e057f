"""Average precision per label, with intervals, and the decisions on each label."""

from markupsafe import Markup

from benchmarks.report import decisions
from benchmarks.report import format as fmt
from benchmarks.report.figure import colour, grid, label_names, missing, model_name, prevalence
from benchmarks.report.schema import ModelEntry, Report
from benchmarks.report.summary import candidate

TITLE = "Accuracy per label"
ORDER = 40

MOST_BARS = 60
"""More than these, and the section is a table."""


def render(report: Report) -> str:
    """Return a table of bars for every label, and a table of decisions for every model."""
    return _average_precision(report) + _decisions(report)


def _average_precision(report: Report) -> Markup:
    labels = label_names(report)
    if not any(value is not None for model in report.models for value in model.ap.values()):
        return missing("No label has a measured average precision.")
    if len(labels) * len(report.models) > MOST_BARS:
        return _table(report, labels)
    chance = any(prevalence(report, label) is not None for label in labels)
    tick = " The thin line is the share of images with the label: a blind guess." if chance else ""
    panels = [_panel(report, label) for label in labels]
    return Markup(
        '<p class="lead">Average precision from 0 to 1; the whisker is the 95% interval.{}</p>{}'
    ).format(tick, grid(panels))


def _decisions(report: Report) -> Markup:
    """Return thresholds and what they reach, of the model that the report is about unfolded."""
    groups = [
        _decisions_of(report, place) for place, model in enumerate(report.models) if model.decisions
    ]
    if not groups:
        return Markup("")
    return Markup('<h3>Thresholds and what they reach</h3><p class="lead">{}</p>{}').format(
        decisions.ABOUT, Markup("").join(groups)
    )


def _decisions_of(report: Report, place: int) -> Markup:
    model = report.models[place]
    heads = (Markup('<th scope="col">{}</th>').format(title) for title in decisions.HEADER)
    rows = (
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            label, Markup("").join(_decision_cell(*cell) for cell in cells)
        )
        for (label, _), *cells in decisions.rows(model)
    )
    return Markup(
        '<details class="card gated" data-place="{}"{}><summary>{}</summary>'
        '<div class="scroll" role="region" aria-label="Decisions of {}" tabindex="0">'
        '<table class="plain decisions"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
        "</details>"
    ).format(
        place,
        Markup(" open") if model is candidate(report) else "",
        model_name(report, place),
        model.name,
        Markup("").join(heads),
        Markup("").join(rows),
    )


def _decision_cell(main: str, sub: str) -> Markup:
    kind = Markup(' class="missing"') if main == fmt.UNDEFINED else ""
    return Markup("<td{}>{}<small>{}</small></td>").format(kind, main, sub)


def _table(report: Report, labels: list[str]) -> Markup:
    """Return the same figures in rows and columns, where bars would fill many screens."""
    head = Markup("").join(
        Markup('<th scope="col">{}<small>{}</small></th>').format(label, _share(report, label))
        for label in labels
    )
    rows = Markup("").join(
        Markup('<tr data-place="{}"><th scope="row">{}</th>{}</tr>').format(
            place, model_name(report, place), Markup("").join(_cell(model, x) for x in labels)
        )
        for place, model in enumerate(report.models)
    )
    return Markup(
        '<div class="scroll" role="region" aria-label="Accuracy per label" tabindex="0">'
        '<table class="plain heat"><caption>Average precision from 0 to 1; small print: 95% '
        'interval.</caption><thead><tr><th scope="col">Model</th>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(head, rows)


def _cell(model: ModelEntry, label: str) -> Markup:
    value, ends = model.ap.get(label), fmt.interval(model.ap_ci95.get(label))
    return Markup("<td{}>{}<small>{}</small></td>").format(
        Markup(' class="missing"') if value is None else "", fmt.score(value), ends
    )


def _share(report: Report, label: str) -> str:
    share = prevalence(report, label)
    return "" if share is None else f"{fmt.percent(share)} of images"


def _panel(report: Report, label: str) -> Markup:
    rows = (_row(report, place, label) for place in range(len(report.models)))
    return Markup(
        '<div class="card"><table class="bars"><caption><b>{}</b> <span>{}</span></caption>'
        '<thead class="unseen"><tr><th scope="col">Model</th><th scope="col">Average precision</th>'
        "</tr></thead><tbody>{}</tbody></table></div>"
    ).format(label, _share(report, label), Markup("").join(rows))


def _row(report: Report, place: int, label: str) -> Markup:
    model = report.models[place]
    value, ci95 = model.ap.get(label), model.ap_ci95.get(label)
    ends = fmt.interval(ci95)
    bar = (
        Markup("")
        if value is None or fmt.undefined(value)
        else _bar(place, value, ci95 if ends else None)
    )
    share = prevalence(report, label)
    if share is not None:
        bar += Markup('<i class="chance" style="left:{:.2f}%"></i>').format(share * 100)
    return Markup(
        '<tr data-place="{}"><th scope="row">{}</th><td>'
        '<span class="value{}">{}<small>{}</small></span>'
        '<span class="track" aria-hidden="true">{}</span></td></tr>'
    ).format(
        place,
        model_name(report, place),
        " missing" if value is None else "",
        fmt.score(value),
        ends,
        bar,
    )


def _bar(place: int, value: float, ci95: tuple[float, float] | None) -> Markup:
    bar = Markup('<i class="bar" style="width:{:.2f}%;background:{}"></i>').format(
        value * 100, colour(place)
    )
    if ci95 is None:
        return bar
    return bar + Markup('<i class="whisker" style="left:{:.2f}%;width:{:.2f}%"></i>').format(
        ci95[0] * 100, (ci95[1] - ci95[0]) * 100
    )
