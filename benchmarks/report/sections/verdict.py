"""The verdict in words, and the figures that go with it."""

from markupsafe import Markup

from benchmarks.report.figure import badge
from benchmarks.report.schema import Report
from benchmarks.report.summary import summary

TITLE = "Verdict"
ORDER = 0


def render(report: Report) -> str:
    """Return the banner with the verdict and the key figures."""
    told = summary(report)
    figures = (
        Markup(
            '<div class="figure"><dt>{}</dt><dd><strong>{}</strong><span>{}</span></dd></div>'
        ).format(figure.name, figure.value, figure.detail)
        for figure in told.figures
    )
    return Markup(
        '<div class="banner {}"><p class="headline">{} {}</p><p>{}</p></div>'
        '<dl class="figures">{}</dl>'
    ).format(
        told.verdict or "none",
        badge(told.verdict),
        told.title,
        told.sentence,
        Markup("").join(figures),
    )
