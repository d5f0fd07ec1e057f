"""Average precision per label, with intervals, and the decisions on each label."""

from benchmarks.report import decisions
from benchmarks.report import format as fmt
from benchmarks.report.cells import Row, scored
from benchmarks.report.figure import Bar, Mark, colour
from benchmarks.report.of_models import label_names, prevalence
from benchmarks.report.page import Values
from benchmarks.report.schema import Report
from benchmarks.report.summary import candidate

TITLE = "Accuracy per label"
ORDER = 40

MOST_BARS = 60
"""More than these, and the section is a table."""


def values(report: Report) -> Values:
    """Return bars for every label, or a table where they are many; and the decisions."""
    labels = [(label, _share(report, label)) for label in label_names(report)]
    known = any(value is not None for model in report.models for value in model.ap.values())
    many, chosen = len(labels) * len(report.models) > MOST_BARS, candidate(report)
    return {
        "known": known,
        "labels": labels,
        "panels": [] if many or not known else [_bars(report, label) for label, _ in labels],
        "rows": [_row(report, place) for place in range(len(report.models))],
        "chance": any(share for _, share in labels),
        "decided": [
            (place, decisions.rows(model), model is chosen)
            for place, model in enumerate(report.models)
            if model.decisions
        ],
        "about": decisions.ABOUT,
        "titles": decisions.HEADER,
    }


def _row(report: Report, place: int) -> Row:
    model = report.models[place]
    labels = label_names(report)
    return Row(tuple(scored(model.ap.get(x), model.ap_ci95.get(x)) for x in labels), place)


def _share(report: Report, label: str) -> str:
    share = prevalence(report, label)
    return "" if share is None else f"{fmt.percent(share)} of images"


def _bars(report: Report, label: str) -> list[Bar]:
    return [_bar(report, place, label) for place in range(len(report.models))]


def _bar(report: Report, place: int, label: str) -> Bar:
    model = report.models[place]
    value, ci95 = model.ap.get(label), model.ap_ci95.get(label)
    ends, marks = fmt.interval(ci95), []
    if value is not None and not fmt.undefined(value):
        marks.append(Mark("bar", width=value * 100, colour=colour(place)))
        if ci95 is not None and ends:
            marks.append(Mark("whisker", (ci95[1] - ci95[0]) * 100, ci95[0] * 100))
    share = prevalence(report, label)
    if share is not None:
        marks.append(Mark("chance", left=share * 100))
    return Bar(fmt.score(value), ends, tuple(marks), place, missing=value is None)
