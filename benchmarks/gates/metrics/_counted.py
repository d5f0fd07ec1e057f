"""Figures that are known exactly: bounds are the value."""

from collections.abc import Callable
from functools import partial

from benchmarks.gates.evidence import Evidence, Finding, Subject
from benchmarks.gates.metrics._metric import PLAIN, RATIO, Form, Unit
from edgepress.core.gates import Gate

Read = Callable[[Subject], float | None]
"""Reads a model's figure; `None` is not measured."""


def counted(read: Read, unit: Unit = PLAIN, told: str = "") -> dict[str, Form]:
    """Return the forms of what a model takes: the figure, and its share of the reference's."""
    return {
        "value": at_most(read, unit, told),
        "ratio": Form("<=", partial(_share, read), RATIO, True),
    }


def at_most(read: Read, unit: Unit = PLAIN, told: str = "") -> Form:
    """Return the form of a candidate's figure, in a unit that is told in so many words."""
    return Form("<=", partial(_figure, read, told), unit)


def _figure(read: Read, told: str, gate: Gate, evidence: Evidence) -> Finding | None:
    ours = read(evidence.candidate)
    if ours is None:
        return None
    return Finding(ours, (ours, ours), None, f"{gate.metric} is {ours:,.6g}{told}")


def _share(read: Read, gate: Gate, evidence: Evidence) -> Finding | None:
    ours = read(evidence.candidate)
    theirs = read(evidence.reference) if evidence.reference else None
    if ours is None or not theirs:
        return None
    share = ours / theirs
    told = f"{gate.metric} is {100 * share:.2f}% of the reference's ({ours:,.0f} of {theirs:,.0f})"
    return Finding(share, (share, share), None, told)
