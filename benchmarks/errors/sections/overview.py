"""The key figures, and what to do next."""

from collections.abc import Iterator

from benchmarks.errors.schema import ErrorReport
from benchmarks.errors.sections._parts import wrong
from benchmarks.report import format as fmt
from benchmarks.report.page import Values

TITLE = "Overview"
ORDER = 0


def values(report: ErrorReport) -> Values:
    """Return the key figures."""
    return {"figures": [*_figures(report)]}


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
