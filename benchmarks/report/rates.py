"""Throughput as both reports show it: which settings there are, and what stands in a cell."""

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell
from benchmarks.report.schema import ModelEntry, Report, ThroughputEntry
from edgepress.core.wording import counted

Setting = tuple[int, int]
"""Thread count and batch."""

FAILED = "failed"


def settings(report: Report) -> list[Setting]:
    """Return every setting that any model has a figure or a failure for, in ascending order."""
    return sorted(
        {(entry.threads, entry.batch) for model in report.models for entry in model.throughput}
    )


def entry(model: ModelEntry, setting: Setting) -> ThroughputEntry | None:
    """Return what a model reached in a setting, `None` where it was not measured."""
    return next((one for one in model.throughput if (one.threads, one.batch) == setting), None)


def cell(model: ModelEntry, setting: Setting) -> Cell:
    """Return images per second, their interval, and how many times those of the first model."""
    found = entry(model, setting)
    if found is None:
        return Cell(fmt.NOT_MEASURED)
    if found.images_per_s is None:
        return Cell(FAILED, kind="missing")
    first = found.against_first
    times = f"{fmt.ratio(first.ratio)} ({fmt.interval(first.ci95, fmt.ratio)})" if first else ""
    return Cell(fmt.digits(found.images_per_s), fmt.interval(found.ci95, fmt.digits), more=times)


def failures(report: Report) -> list[tuple[int, str]]:
    """Return the place of each model that failed somewhere, and why, each reason once."""
    found = (
        (place, one.failure)
        for place, model in enumerate(report.models)
        for one in model.throughput
        if one.failure
    )
    return list(dict.fromkeys(found))


def threads(count: int) -> str:
    """Return a number of threads in words.

    >>> threads(1), threads(2)
    ('1 thread', '2 threads')
    """
    return counted(count, "thread")


def opened(report: Report) -> str:
    """Return the providers that the figures are from."""
    found = (one.provider_opened for model in report.models for one in model.throughput)
    return ", ".join(dict.fromkeys(name for name in found if name)) or fmt.NOT_MEASURED
