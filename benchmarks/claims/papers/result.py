"""What a run of a published protocol found, and how it is shown beside what was published."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun

HEADER = ("", "accuracy %")


class Accuracy(NamedTuple):
    """Share of right decisions."""

    one_view: float
    """Mean over the label-preserving views of the accuracy on one view."""
    all_views: float
    """Accuracy of the probabilities averaged over the views."""


class Run(Noun):
    """One seed."""

    seed: int
    n_test: int
    label: Accuracy
    """Of the probability of the label alone."""
    severity: Accuracy
    """Of the expected severity, the mean probability of the cumulative labels."""
    map: float | None


class Result(Noun):
    """What was found, next to what was published."""

    title: str
    command: str
    published: dict[str, float]
    train: dict[str, Any]
    runs: tuple[Run, ...]
    environment: dict[str, Any]


def result_rows(result: Result) -> list[tuple[str, str]]:
    """Return the lines of the table: what was published, then mean and spread of ours."""
    runs = result.runs
    ours = {
        "one view": [run.label.one_view for run in runs],
        "mean of all views": [run.label.all_views for run in runs],
        "expected severity, one view": [run.severity.one_view for run in runs],
        "expected severity, mean of all views": [run.severity.all_views for run in runs],
    }
    return [
        *((name, f"{100 * value:.2f}") for name, value in result.published.items()),
        *((f"edgepress, {len(runs)} seeds, {name}", _spread(ours[name])) for name in ours),
    ]


def table(result: Result) -> str:
    """Return what was published, and ours."""
    return table_md(HEADER, result_rows(result), left={0})


def _spread(values: Iterable[float]) -> str:
    shares = [100 * value for value in values]
    return f"{np.mean(shares):.2f} ± {np.std(shares, ddof=1):.2f}"
