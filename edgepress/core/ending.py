"""The one place that ends a command by the worst of what it has found."""

from collections.abc import Iterable
from dataclasses import dataclass

from edgepress.core.errors import EdgepressError, GateFailed, GateUndecided
from edgepress.core.gates import Outcome, Verdict

_ERRORS: dict[Outcome, type[EdgepressError]] = {"fail": GateFailed, "inconclusive": GateUndecided}
"""What a command ends with, the worst first."""


@dataclass(frozen=True)
class Finding:
    """One thing that counts for the exit code, and why it came out so."""

    outcome: Outcome
    reason: str


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst outcome; without any nothing was demanded, so nothing failed.

    >>> worst(["pass", "inconclusive"])
    'inconclusive'
    """
    found = set(outcomes)
    return next((outcome for outcome in _ERRORS if outcome in found), "pass")


def of(verdicts: Iterable[Verdict], name: str | None = None) -> tuple[Finding, ...]:
    """Return the findings that verdicts are; `name` says whose they are."""
    whose = f"{name}: " if name else ""
    return tuple(Finding(one.outcome, f"{whose}{one.gate}: {one.reason}") for one in verdicts)


def of_error(error: GateFailed | GateUndecided, name: str) -> Finding:
    """Return the finding that an error of the step `name` is."""
    outcome: Outcome = "fail" if isinstance(error, GateFailed) else "inconclusive"
    return Finding(outcome, f"{name}: {error}")


def require(verdicts: Iterable[Verdict]) -> None:
    """End with the exit code of the worst verdict.

    Raises:
        GateFailed: at least one gate failed.
        GateUndecided: none failed, at least one is inconclusive.
    """
    end_by(of(verdicts))


def refuse(what: str, faults: Iterable[str]) -> None:
    """End as failed where there is a fault; `what` says what all of them are.

    Raises:
        GateFailed: there is one.
    """
    end_by((Finding("fail", fault) for fault in faults), what)


def end_by(found: Iterable[Finding], what: str | None = None) -> None:
    """End with the exit code of the worst; its reasons are told, each once, after `what`.

    Raises:
        GateFailed: at least one failed.
        GateUndecided: none failed, at least one is inconclusive.
    """
    everything = tuple(found)
    for outcome, error in _ERRORS.items():
        reasons = dict.fromkeys(one.reason for one in everything if one.outcome == outcome)
        if reasons:
            raise error((f"{what}: " if what else "") + "; ".join(reasons))
