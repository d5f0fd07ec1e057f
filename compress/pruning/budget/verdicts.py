"""Whether the network that is kept keeps its budgets."""

from benchmarks.gates.budgets import beside
from compress.pruning.allocation import Limit
from compress.pruning.budget.correcting import Planned
from edgepress.core.gates import Verdict


def verdicts(
    planned: Planned, number: int, limits: tuple[Limit, ...], against: str
) -> tuple[Verdict, ...]:
    """Return a verdict on each budget after a round.

    Args:
        planned: All rounds, and what was measured of the file of the last one.
        number: Of the round that is kept, from 1.
        limits: The budgets.
        against: Name of the unpruned model.
    """
    return tuple(_verdict(planned, number, limit, against) for limit in limits)


def _verdict(planned: Planned, number: int, limit: Limit, against: str) -> Verdict:
    rounds = len(planned.rounds)
    last = number == rounds
    measured = planned.measured.get(limit.budget.metric) if last else None
    part = limit.part(planned.rounds[number - 1]) if measured is None else measured
    wanted = f"{100 * limit.share:.3g}% wanted"
    how = _how(limit, measured)
    if not last:
        how += f", after round {number} of {rounds}: a later one keeps no accuracy gate"
    return Verdict(
        gate=limit.budget.gate,
        against=against if limit.budget.relative else None,
        outcome="pass" if part <= limit.share else "fail",
        measured=_in_gate(limit, part),
        reason=f"{100 * beside(part, limit.share):.10g}% of the unpruned model's, {wanted} ({how})",
    )


def _how(limit: Limit, measured: float | None) -> str:
    """Say how it is known what is left."""
    if limit.predicted:
        return f"predicted for {limit.predicted} by its latency table, not measured"
    return "as planned" if measured is None else "measured with the file of the planned widths"


def _in_gate(limit: Limit, part: float) -> float:
    """Return a share of the whole network's cost in the form of the budget's gate."""
    if not limit.budget.relative:
        return part * limit.whole
    return 1 / part if limit.budget.metric == "latency" else part
