"""Channels compete over the whole network: the least important ones go, in whichever layer."""

import copy
from dataclasses import replace

from torch import nn

from compress.pruning.allocation._problem import Plan, Problem, ways
from compress.pruning.channels import prune_until
from models.network_output import width


def plan(problem: Problem, rounds: int) -> tuple[Plan, ...]:
    """Return the widths that are left of a copy as its least important channels go.

    Raises:
        UserError: the limits do not hold when all that may go has gone.
    """
    ranked = replace(problem.widths, ranking="global")
    network = _with_gradients(problem.network)
    found: list[Plan] = []
    for way in ways(rounds):

        def reached(network: nn.Module, way: float = way) -> bool:
            return problem.kept(_widths(problem, network), way)

        prune_until(network, problem.images, reached, ranked)
        found.append(_widths(problem, network))
    return tuple(found)


def _with_gradients(network: nn.Module) -> nn.Module:
    """Return a copy of a network that has its gradients too, which copying leaves out."""
    copied = copy.deepcopy(network)
    for own, other in zip(copied.parameters(), network.parameters(), strict=True):
        own.grad = None if other.grad is None else other.grad.clone()
    return copied


def _widths(problem: Problem, network: nn.Module) -> Plan:
    return {one.name: width(network.get_submodule(one.name)) for one in problem.groups}
