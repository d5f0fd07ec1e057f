"""What was measured of a bundle's runtime."""

from typing import Any

from benchmarks.claims.selftest.check import Check, check_table
from edgepress.core.cpu import shown
from edgepress.core.noun import Noun


class Result(Noun):
    """The figures, and of which bundle they are."""

    command: str
    bundle: str
    """Name and release."""
    precision: str
    checks: tuple[Check, ...]
    environment: dict[str, Any]


def table(result: Result) -> str:
    """Return what was demanded and measured, and of which bundle above it."""
    bundle = f"Bundle {result.bundle} ({result.precision}), {shown(result.environment)}:"
    return f"{bundle}\n\n{check_table(result.checks)}"
