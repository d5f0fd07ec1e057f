"""What a gate metric says of itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.statistics.paired import Interval
from edgepress.core.gates import Gate

Op = Literal["<=", ">="]
Finder = Callable[[Gate, Evidence], Finding | None]
Need = Literal[
    "accuracy", "robustness", "latency", "parity", "integers", "network", "fleet"
]  # fmt: skip
"""What must be measured, or known: probabilities on test images, the same on corrupted images, a
tournament (times and memory), the answers of the model that it was made from, how an int8 file is
carried out, the network alone, the states of many devices."""
About = Literal["findings", "confidence", "time", "cost", "use"]
"""What a model finds, how sure it is or may be, how fast it is, what else it takes, how it is used.
"""
Shown = Literal["score", "percent", "duration", "size", "count", "ratio", "drop", "plain"]


def plainly(limit: float) -> str:
    """Return a number without a unit.

    >>> plainly(12345.0)
    '12,345'
    >>> plainly(3.1e6)
    '3,100,000'
    """
    return f"{limit:,.0f}" if abs(limit) >= 1e5 else f"{limit:,.6g}"


def percent(limit: float) -> str:
    """Return a share of 1 as a percentage.

    >>> percent(0.05)
    '5%'
    """
    return f"{100 * limit:g}%"


@dataclass(frozen=True)
class Unit:
    """What a figure is in, and how it is written, told and shown."""

    shown: Shown
    """The function of `benchmarks.report.format` that shows a measured value."""
    told: Callable[[float], str] = plainly
    """How a sentence tells a limit."""
    written: Mapping[str, float] = field(default_factory=dict)
    """Units that a limit may be written with, each with its factor to base units."""
    positive: str = ""
    """What is said of a limit that is not above 0; empty where it need not be."""


_PERCENT = {"%": 1e-2}
SCORE = Unit("score", percent, _PERCENT)
"""Share of 1 that says how good a model is."""
SHARE = Unit("percent", percent, _PERCENT)
"""Share of things that are counted."""
POINTS = Unit("drop", lambda limit: f"{100 * limit:g} points", _PERCENT)
"""Reference minus candidate of a score."""
RATIO = Unit("ratio", percent)
"""Candidate's part of the reference."""
BYTES = Unit(
    "size",
    lambda limit: f"{plainly(limit)} bytes",
    {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20},
)
COUNT = Unit("count")
PLAIN = Unit("plain")


@dataclass(frozen=True)
class Form:
    """One demand that a metric takes: `map >= 0.8` is of its form `value`, `map drop` of `drop`."""

    op: Op
    """The one direction in which a demand makes sense."""
    find: Finder
    """Value, bounds and sentence; `None` is not measured."""
    unit: Unit
    compares: bool = False
    """Whether it is about two models."""
    doubt: Callable[[Gate, Finding, Evidence], str] | None = None
    """Why a finding decides nothing, wherever its bounds lie; an empty text where it does."""


@dataclass(frozen=True)
class Metric:
    """All there is to say of a metric that gates can name."""

    about: About
    needs: Need
    forms: Mapping[str, Form]
    """By name; that of `value` is not written."""
    examples: tuple[str, ...]
    """Gates as a user may write them, for help texts."""
    of_label: bool = False
    """Whether it is of one label, which stands in brackets."""
    over_folds: bool = False
    """Whether models of several folds can be held against it together."""
    lasting: bool = True
    """Whether it stays when thresholds and calibration are learnt again."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of its forms."""
    advice: str = ""
    """What to do where an exported file misses it; empty where `about` says enough."""
    note: str = ""
    """What to know before one asks for it, for help texts."""

    def form_named(self, written: str | None) -> str:
        """Return the name of the form that is written so; it need not exist."""
        return self.aliases.get(written or "value", written or "value")


def dropped(
    what: str, value: float, ci95: Interval, highest: tuple[str, float], more: str = ""
) -> str:
    """Return the sentence of a drop with its 95% interval and its upper bound with its level."""
    return (
        f"{what} drops by {100 * value:.2f} points (95% interval {100 * ci95[0]:.2f} to "
        f"{100 * ci95[1]:.2f}, with {highest[0]} confidence at most {100 * highest[1]:.2f}{more})"
    )


def drop(find: Finder) -> Form:
    """Return the form of reference minus candidate, which must stay small."""
    return Form("<=", find, POINTS, compares=True)
