"""Which labels the sections show."""

from benchmarks.errors.schema import ErrorReport, LabelErrors

MOST_PANELS = 12
"""More plots than this would make the page slow; the labels that fail most stay."""


def wrong(label: LabelErrors) -> int:
    """Return how many decisions of a label are wrong."""
    return label.counts.fp + label.counts.fn


def panelled(report: ErrorReport) -> tuple[list[LabelErrors], str]:
    """Return the labels that get a plot of their own, and a remark where not all of them do."""
    defined = [label for label in report.labels if not label.undefined]
    if len(defined) <= MOST_PANELS:
        return defined, ""
    worst = sorted(defined, key=lambda label: label.ap.value or 0.0)[:MOST_PANELS]
    return worst, f" The {MOST_PANELS} of {len(defined)} labels with the lowest AP."
