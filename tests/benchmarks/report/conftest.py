"""The reports that the tests of this folder render."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report.schema import Report


def sample() -> dict[str, Any]:
    """Return the names of `sample.py`, whatever pytest has put on the import path."""
    return runpy.run_path(str(Path(__file__).with_name("sample.py")))


@pytest.fixture(scope="session")
def full() -> Report:
    """Return a report with everything in it."""
    report: Report = sample()["full_report"]()
    return report


@pytest.fixture(scope="session")
def recommending() -> Report:
    """Return the same with the choice of a model for a device."""
    report: Report = sample()["recommending_report"]()
    return report


@pytest.fixture(scope="session")
def minimal() -> Report:
    """Return a report of one model of which nothing was measured."""
    report: Report = sample()["minimal_report"]()
    return report
