"""The smallest drop of mAP that the test part can certify."""

from benchmarks.inspection.schema import DataReport
from benchmarks.report.page import Values

TITLE = "What a test can certify"
ORDER = 70


def values(report: DataReport) -> Values:
    """Return the sentence."""
    return {"told": report.certifiable.told}
