"""What each training reached."""

from typing import Any

from benchmarks.claims.settings.grid import Trial
from edgepress.core.noun import Noun


class Outcome(Noun):
    """What one training reached."""

    trial: Trial
    map_val: float | None
    """mAP on validation images, upright."""
    seconds: float


class Result(Noun):
    """What all reached, and where."""

    command: str = "python -m benchmarks.claims.settings"
    outcomes: tuple[Outcome, ...]
    environment: dict[str, Any]


def table(result: Result) -> str:
    """Return the tables."""
    return f"{len(result.outcomes)} trainings"
