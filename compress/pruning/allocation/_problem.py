"""What a plan is made for: groups of channels, their importance, and limits on what is left."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import lcm

from torch import Tensor, nn

from benchmarks.gates.budgets import Budget
from compress.pruning import importance
from compress.pruning.channels import Widths
from compress.pruning.costs.protocol import Costs
from compress.pruning.coupling import Coupled

Plan = Mapping[str, int]
"""Channels by the name of a group."""


@dataclass(frozen=True)
class Limit:
    """A budget as a share of what the whole network costs."""

    budget: Budget
    costs: Costs
    share: float
    """Of the whole network's, that may be left."""
    whole: float
    """What the whole network costs, with the blocks that may be gone of the one that is pruned."""
    predicted: str = ""
    """The CPU of another machine whose time it is, as a table predicts it; no file is timed."""

    def part(self, widths: Plan) -> float:
        """Return what is left at these widths, as a share of the whole."""
        return self.costs.total(widths) / self.whole

    def kept(self, widths: Plan, way: float = 1.0) -> bool:
        """Tell whether it holds at these widths, or as much as after a part of the way to it."""
        left: float = self.share**way * self.whole
        return self.costs.total(widths) <= left


@dataclass(frozen=True)
class Problem:
    """A network that is to be narrowed until all limits hold."""

    network: nn.Module
    """It is left as it is; an importance of the data finds its gradients there."""
    images: Tensor
    """`[1, channels, height, width]`"""
    widths: Widths
    groups: tuple[Coupled, ...]
    """Those that may be narrowed."""
    limits: tuple[Limit, ...]

    @cached_property
    def whole(self) -> Plan:
        """All groups as they are."""
        return {one.name: one.width for one in self.groups}

    @cached_property
    def narrowest(self) -> Plan:
        """All groups as narrow as they may be."""
        return {one.name: self.options(one)[-1] for one in self.groups}

    def options(self, group: Coupled) -> tuple[int, ...]:
        """Return the widths that a group may have: its own, then fewer and fewer."""
        step = lcm(self.widths.round_to, group.parts)
        least = max(1.0, self.least(group))
        return (group.width, *(n for n in multiples(group.width, step) if n >= least))

    def least(self, group: Coupled) -> float:
        """Return what a group keeps at least, of what it had before anything was pruned."""
        whole = self.widths.whole.get(group.name, group.width)
        return whole * (1 - self.widths.max_pruning_ratio) - 1e-9

    def kept(self, widths: Plan, way: float = 1.0) -> bool:
        """Tell whether all limits hold, or as much as after a part of the way to them."""
        return all(limit.kept(widths, way) for limit in self.limits)

    def worth(self, group: Coupled) -> Tensor | None:
        """Return the importance of each channel of a group; `None` where nothing tells."""
        return importance.find(self.widths.importance)(group.group)


Planner = Callable[[Problem, int], tuple[Plan, ...]]
"""(problem, rounds) -> the widths after each round"""


def multiples(width: int, step: int) -> Iterable[int]:
    """Return the multiples of a step below a width, the largest first.

    >>> list(multiples(64, 16)), list(multiples(20, 8)), list(multiples(8, 8))
    ([48, 32, 16], [16, 8], [])
    """
    return range((width - 1) // step * step, 0, -step)


def ways(rounds: int) -> tuple[float, ...]:
    """Return how much of the way lies behind after each round; each removes the same share.

    >>> ways(2)
    (0.5, 1.0)
    """
    return tuple(number / rounds for number in range(1, rounds + 1))
