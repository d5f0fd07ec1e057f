"""The verdict in words, and the figures that go with it."""

from benchmarks.report.page import Values
from benchmarks.report.schema import Report
from benchmarks.report.summary import summary

TITLE = "Verdict"
ORDER = 0


def values(report: Report) -> Values:
    """Return the verdict and the key figures."""
    return {"told": summary(report)}
