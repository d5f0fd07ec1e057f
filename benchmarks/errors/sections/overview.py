"""The key figures, and what to do next."""

from collections.abc import Iterator

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport
from benchmarks.errors.sections._parts import wrong
from benchmarks.report import format as fmt

TITLE = "Overview"
ORDER = 0


def render(report: ErrorReport) -> str:
    """Return the figures and the list of next steps."""
    figures = (
        Markup(
            '<div class="figure"><dt>{}</dt><dd><strong>{}</strong><span>{}</span></dd></div>'
        ).format(*figure)
        for figure in _figures(report)
    )
    return Markup('<dl class="figures">{}</dl>{}').format(Markup("").join(figures), _steps(report))


def _steps(report: ErrorReport) -> Markup:
    if not report.next_steps:
        return Markup(
            '<div class="card next"><h3>What to do next</h3><p>No rule found anything that stands '
            "out: no slice that is surely worse, no label with many errors near its threshold, "
            "none that is known too badly.</p></div>"
        )
    steps = Markup("").join(Markup("<li>{}</li>").format(step.text) for step in report.next_steps)
    return Markup('<div class="card next"><h3>What to do next</h3><ol>{}</ol></div>').format(steps)


def _figures(report: ErrorReport) -> Iterator[tuple[str, str, str]]:
    ends = fmt.interval(report.map.ci95)
    yield "mAP", fmt.score(report.map.value), f"95% interval {ends}" if ends else "no interval"
    yield "F1 (macro)", fmt.score(report.f1_macro), "at the stored thresholds"
    share = fmt.percent(report.n_wrong / report.n) if report.n else fmt.UNDEFINED
    yield (
        "Images with a wrong decision",
        f"{report.n_wrong} of {report.n}",
        f"{share} of the images",
    )
    if report.labels:
        worst = max(report.labels, key=wrong)
        yield (
            "Most wrong decisions",
            worst.name,
            f"{worst.counts.fp} false alarms, {worst.counts.fn} misses",
        )
