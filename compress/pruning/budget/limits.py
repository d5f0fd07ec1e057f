"""Budgets as shares of what the whole network costs, and which of them cannot be kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from benchmarks.gates.budgets import Budget, Budgets
from compress.pruning.allocation import Limit, Problem
from compress.pruning.costs.protocol import Costs
from compress.pruning.kept_layers import SHOWN, Kept
from edgepress.core.errors import GateFailed, UserError
from edgepress.core.wording import counted

MEASURED = ("latency", "size")
"""What a plan is corrected by, for the real file has its own."""


@dataclass(frozen=True)
class Proportional:
    """A cost that is taken to grow as another one does."""

    unit: str
    of: Costs
    whole: float
    """What the whole network costs."""

    def total(self, widths: Mapping[str, int]) -> float:
        """Return what all of the network costs; groups that are not named are whole."""
        return self.whole * self.of.total(widths) / self.of.total({})


def in_file(limit: Limit) -> bool:
    """Tell whether a limit is on what is measured of a file."""
    return limit.budget.metric in MEASURED and not limit.predicted


def limits_of(
    budgets: Budgets,
    costs: Mapping[str, Costs],
    left: Mapping[str, float],
    predicted: Mapping[str, str],
) -> tuple[Limit, ...]:
    """Return the limits on what is left that budgets are.

    Args:
        budgets: As they were given.
        costs: By metric.
        left: Shares of the whole network's costs that the network which is pruned has, for some of
            its blocks are gone; 1 where nothing is said.
        predicted: By metric, of which other machine it is, as a table predicts it.

    Raises:
        UserError: the whole network keeps them all.
    """
    found = tuple(
        _limit(one, costs[one.metric], left.get(one.metric, 1.0), predicted.get(one.metric, ""))
        for one in budgets.each
    )
    if all(limit.share >= 1 for limit in found):
        raise UserError(
            "The model keeps this budget as it is, so nothing is to be pruned",
            got="; ".join(limit.budget.text for limit in found),
            allowed="; ".join(f"less than {shown(limit, 1)}" for limit in found),
            next_step="export it: python -m export.onnx --model DIR",
        )
    return tuple(limit for limit in found if limit.share < 1)


def _limit(budget: Budget, costs: Costs, left: float, predicted: str) -> Limit:
    whole = costs.total({}) / left
    share = budget.limit if budget.relative else budget.limit / whole
    return Limit(budget, costs, share, whole, predicted)


def shown(limit: Limit, part: float) -> str:
    """Return a share of the whole network's cost as its budget has it, e.g. `latency 1.2 ms`."""
    budget = limit.budget
    return f"{budget.metric} {budget.told(part if budget.relative else part * limit.whole)}"


def require_narrowing(problem: Problem, kept: Kept) -> None:
    """Refuse a network of which no layer can be narrower, unless it keeps its limits as it is.

    Args:
        problem: With what may be narrowed.
        kept: What may not.

    Raises:
        UserError: it is one.
    """
    if problem.kept(problem.whole):  # without the blocks that are gone
        return
    if not problem.groups:
        raise UserError(
            "No layer of this network can be pruned",
            got=kept.told(SHOWN) if kept.unfit else f"{len(kept.layers)} layers that are kept",
            next_step="--no-keep-residual, fewer --keep, or a smaller network: "
            "python -m compress.distill --student NAME",
        )
    if any(len(problem.options(one)) > 1 for one in problem.groups):
        return
    widths = sorted({one.width for one in problem.groups})
    raise UserError(
        "No layer of this network can be made narrower: all that may lose channels are narrower "
        "than the multiple that widths are rounded to, or have lost their share",
        got=f"layers of {', '.join(map(str, widths))} channels and "
        f"--round-to {problem.widths.round_to}",
        next_step="a smaller --round-to, a larger --max-pruning-ratio, --no-keep-residual, or "
        "fewer --keep",
    )


def too_narrow(problem: Problem) -> tuple[str, ...]:
    """Return what to say of groups that the multiple of widths leaves whole, if there are any."""
    names = [one.name for one in problem.groups if len(problem.options(one)) == 1]
    if not names:
        return ()
    return (
        f"{counted(len(names), 'group')} of layers cannot be narrower by --round-to "
        f"{problem.widths.round_to} and --max-pruning-ratio: {', '.join(names)}",
    )


def require_reachable(problem: Problem, counted_only: bool = True) -> None:
    """End, before any training, where not even the narrowest layers keep the budgets.

    Args:
        problem: With its limits.
        counted_only: Ask what is counted; what is measured is not sure of itself.

    Raises:
        GateFailed: they do not; what they reach is said.
    """
    missed = [
        limit
        for limit in problem.limits
        if not limit.kept(problem.narrowest) and not (counted_only and in_file(limit))
    ]
    if missed:
        raise missed_by(problem, [(one, one.part(problem.narrowest)) for one in missed])


def missed_by(problem: Problem, found: Iterable[tuple[Limit, float]]) -> GateFailed:
    """Return what is said of limits that the narrowest layers exceed, with what these reach."""
    told = "; ".join(
        f"'{limit.budget.text}': the smallest that can be reached is {shown(limit, part)}"
        for limit, part in found
    )
    widths = problem.widths
    return GateFailed(
        f"The budget cannot be met by pruning this network. {told}, where layers lose up to "
        f"{widths.max_pruning_ratio:.0%} and keep a multiple of {widths.round_to} channels "
        f"({counted(len(problem.groups), 'group')} of layers may be narrowed). Next: a larger "
        "budget or --max-pruning-ratio, a smaller --round-to, --no-keep-residual, fewer --keep, or "
        "a smaller network: python -m compress.distill --student NAME"
    )


def aimed(problem: Problem, shares: Mapping[str, float]) -> Problem:
    """Return a problem with other limits.

    Args:
        problem: As it is.
        shares: By metric, what is to be planned for, as shares of the whole network's.
    """
    limits = tuple(
        replace(one, share=shares.get(one.budget.metric, one.share)) for one in problem.limits
    )
    return replace(problem, limits=limits)
