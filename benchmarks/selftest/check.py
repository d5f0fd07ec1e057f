"""One thing that the self-test demands, and what it found."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from compress.core.noun import Noun

Part = Literal["accuracy", "decisions", "overhead", "agreement", "latency", "neighbour"]

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


class Result(Noun):
    """What one part of the self-test found."""

    part: Part
    command: str
    checks: tuple[Check, ...]
    environment: dict[str, Any]


def check_rows(checks: Iterable[Check]) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row of a table for each check; of an error only what happened."""
    for check in checks:
        yield check.name, check.demanded, check.measured.partition(" Got: ")[0], _WORDS[check.met]
