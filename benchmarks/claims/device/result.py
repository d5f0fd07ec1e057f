"""What was measured of a bundle's runtime."""

from typing import Any

from benchmarks.claims.selftest.check import Check
from edgepress.core.noun import Noun


class Result(Noun):
    """The figures, and of which bundle they are."""

    command: str
    bundle: str
    """Name and release."""
    precision: str
    checks: tuple[Check, ...]
    environment: dict[str, Any]
