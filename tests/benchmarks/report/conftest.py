"""The reports that the tests of this folder render."""

import pytest
import report_sample

from benchmarks.report.schema import Report


@pytest.fixture(scope="session")
def full() -> Report:
    """Return a report with everything in it."""
    return report_sample.full_report()


@pytest.fixture(scope="session")
def recommending() -> Report:
    """Return the same with the choice of a model for a device."""
    return report_sample.recommending_report()


@pytest.fixture(scope="session")
def minimal() -> Report:
    """Return a report of one model of which nothing was measured."""
    return report_sample.minimal_report()
