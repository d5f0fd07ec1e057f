"""Whether what residual connections add up becomes narrower too: planned both ways, by its cost.

Kept, it is taught by the feature maps of the unpruned network, and blocks alone pay for the budget.
Narrower, all layers do, most cheaply those that many blocks read. Which one loses less importance
at the same cost depends on the network, so both are planned before anything is measured.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from compress.pruning import allocation
from compress.pruning.allocation import Problem
from compress.pruning.allocation.knapsack import lost
from compress.pruning.budget.options import Options
from compress.pruning.budget.problems import problems_of, telling
from compress.pruning.budget.storing import stored
from compress.pruning.budget.unpruned import Unpruned
from compress.pruning.kept_layers import Kept
from compress.pruning.shrinking import kept_of
from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec

CLEARLY = 0.9
"""Share of what is lost otherwise, up to which it pays to give the taught feature maps up."""


@dataclass(frozen=True)
class Way:
    """Which layers keep their width, and what is to be planned for the others."""

    kept: Kept
    problem: Problem
    note: str = ""
    """Why, where there was a choice."""


@dataclass(frozen=True)
class Choice:
    """Which of two ways is taken."""

    keep: bool
    note: str


def way_of(
    network: nn.Module, spec: ImageSpec, options: Options, unpruned: Unpruned, scratch: Path
) -> Way:
    """Return which layers keep their width, chosen where the options leave a choice.

    Args:
        network: It is left as it is; an importance of the data finds its gradients there.
        spec: Its images.
        options: Budgets, and what may go.
        unpruned: As `problems_of` takes it.
        scratch: A folder where the choice is kept for a run that goes on.

    Raises:
        UserError: as `problems_of`.
        GateUndecided: likewise.
    """
    keeps = _keeps(network, spec, options)
    problems = map(telling, problems_of(network, spec, options, keeps, unpruned))
    ways = [Way(*each) for each in zip(keeps, problems, strict=True)]
    if len(ways) == 1:
        return ways[0]

    def choose() -> Choice:
        planner = allocation.find(options.spread)
        return chosen(*(_least(way.problem, planner) for way in ways))

    choice = stored(scratch / "residual.json", Choice, choose)
    console.say(choice.note)
    return replace(ways[0 if choice.keep else 1], note=choice.note)


def _keeps(network: nn.Module, spec: ImageSpec, options: Options) -> tuple[Kept, ...]:
    """Return which layers keep their width, and where that is to be tried those of the other way.

    Raises:
        UserError: a pattern fits no layer, or torch-pruning cannot follow the network.
    """
    keeping = kept_of(network, spec, options)
    tried = options.keep_residual and options.residual_by_cost and options.budgets.about("latency")
    if not tried:
        return (keeping,)
    shrinking = kept_of(network, spec, options.model_copy(update={"keep_residual": False}))
    return (keeping,) if {*shrinking.layers} == {*keeping.layers} else (keeping, shrinking)


def _least(problem: Problem, planner: allocation.Planner) -> float:
    """Return what the plan for a problem loses, infinite where there is none."""
    try:
        (plan,) = planner(problem, 1)
    except UserError:
        return math.inf
    return lost(problem, plan)


def chosen(keeping: float, shrinking: float) -> Choice:
    """Return whether residual widths are kept, by what is lost of the importance either way.

    >>> chosen(2.0, 1.9).keep, chosen(2.0, 1.0).keep, chosen(float("inf"), 9.0).keep
    (True, False, False)
    """
    keep = shrinking > CLEARLY * keeping or math.isinf(shrinking)
    what = "keep their width" if keep else "become narrower too"
    told = ["no plan keeps the budgets" if math.isinf(one) else f"{one:.3g}" for one in
            (keeping, shrinking)]  # fmt: skip
    return Choice(
        keep,
        f"residual connections {what}: importance lost at the same cost (-log of the share kept, "
        f"summed over layers) with them kept: {told[0]}; narrower: {told[1]}",
    )
