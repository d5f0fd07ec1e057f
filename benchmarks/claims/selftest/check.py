"""One thing that the self-test demands, and what it found."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun

Part = Literal[
    "accuracy",
    "coverage",
    "passes",
    "decisions",
    "overhead",
    "agreement",
    "latency",
    "neighbour",
]

HEADER = ("", "demanded", "measured", "")
_WORDS = {True: "met", False: "NOT MET", None: "not measured"}


class Check(Noun):
    """A demand on the measuring itself."""

    name: str
    demanded: str
    measured: str
    met: bool | None
    """`None` where it could not be measured here."""
    runs: tuple[str, ...] = ()
    """What every run gave, where there were several."""


class Cell(Noun):
    """How often the intervals of one kind hold the truth."""

    positives: int
    """Of each label."""
    grouped: bool
    kind: Literal["mAP", "drop"]
    views: int
    labels: int
    parts: int
    """Test parts that were drawn."""
    intervals: int
    covered: float
    """Share of the intervals that hold the truth."""
    too_low: float
    """Share whose upper end is below it."""
    too_high: float
    """Share whose lower end is above it."""
    few: float
    """Share of wide ones: fewer than ten positives (or groups with one) stand behind it, and what
    is not seen is added, or one image (or group) decides a label, and the spread between labels
    takes the place of its own. Gates name the labels."""
    population: float | None
    """Share that holds the AP of infinitely many images, where it is known; it is lower than what
    few positives lead to expect."""


class Result(Noun):
    """What one part of the self-test found."""

    part: Part
    command: str
    checks: tuple[Check, ...]
    cells: tuple[Cell, ...] = ()
    environment: dict[str, Any]


def check_rows(checks: Iterable[Check]) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row of a table for each check; of an error only what happened."""
    for check in checks:
        yield check.name, check.demanded, check.measured.partition(" Got: ")[0], _WORDS[check.met]


def check_table(checks: Iterable[Check]) -> str:
    """Return checks as a table in Markdown."""
    return table_md(HEADER, list(check_rows(checks)), left={0, 1, 2, 3})
