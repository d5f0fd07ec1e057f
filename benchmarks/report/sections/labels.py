"""Average precision per label, with intervals."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import colour, grid, label_names, missing, model_name, prevalence
from benchmarks.report.schema import Report

TITLE = "Accuracy per label"
ORDER = 40


def render(report: Report) -> str:
    """Return a table of bars for every label."""
    labels = label_names(report)
    if not any(value is not None for model in report.models for value in model.ap.values()):
        return missing("No label has a measured average precision.")
    chance = any(prevalence(report, label) is not None for label in labels)
    tick = " The thin line is the share of images with the label: a blind guess." if chance else ""
    panels = [_panel(report, label) for label in labels]
    return Markup(
        '<p class="lead">Average precision from 0 to 1; the whisker is the 95% interval.{}</p>{}'
    ).format(tick, grid(panels))


def _panel(report: Report, label: str) -> Markup:
    rows = (_row(report, place, label) for place in range(len(report.models)))
    share = prevalence(report, label)
    about = "" if share is None else f"{fmt.plain(round(share * 100, 1))}% of images"
    return Markup(
        '<div class="card"><table class="bars"><caption><b>{}</b> <span>{}</span></caption>'
        '<thead class="unseen"><tr><th scope="col">Model</th><th scope="col">Average precision</th>'
        "</tr></thead><tbody>{}</tbody></table></div>"
    ).format(label, about, Markup("").join(rows))


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
        '<tr><th scope="row">{}</th><td><span class="value{}">{}<small>{}</small></span>'
        '<span class="track" aria-hidden="true">{}</span></td></tr>'
    ).format(
        model_name(report, place), " missing" if value is None else "", fmt.score(value), ends, bar
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
