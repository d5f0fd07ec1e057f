"""Which channels go: group magnitude over the dependency graph, until a target is reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch_pruning
from torch import nn

from compress.core.errors import UserError
from models.pruning_history import EXAMPLE, History

STEPS = 200
"""Steps from the whole network to nothing: each removes about half a percent of the channels."""


@dataclass(frozen=True)
class Widths:
    """Limits on the widths that pruning may leave."""

    round_to: int
    max_pruning_ratio: float
    ranking: Literal["layer", "global"]


def prune_until(
    network: nn.Module, reached: Callable[[nn.Module], bool], widths: Widths
) -> History:
    """Remove the least important channels, in place, step by step until `reached(network)`.

    Importance is the L2 norm of each group of coupled channels, divided by the group's mean, and
    compared within each layer or over the whole network. The output layer keeps its width.

    Raises:
        UserError: the target cannot be reached within the limits.
    """
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    pruner = torch_pruning.pruner.BasePruner(
        network,
        EXAMPLE,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        global_pruning=widths.ranking == "global",
        pruning_ratio=1.0,
        max_pruning_ratio=widths.max_pruning_ratio,
        iterative_steps=STEPS,
        ignored_layers=[output_layer(network)],
        round_to=widths.round_to,
    )
    for _ in range(STEPS):
        if reached(network):
            return _history(pruner)
        pruner.step()
    if reached(network):
        return _history(pruner)
    raise UserError(
        "The architecture cannot be pruned to this target",
        allowed=f"layers may lose {widths.max_pruning_ratio:.0%} and keep a multiple of "
        f"{widths.round_to} channels",
        next_step="raise --max-pruning-ratio or the target, or lower --round-to",
    )


def output_layer(network: nn.Module) -> nn.Module:
    """Return the last convolution or linear layer, whose outputs are the labels.

    Raises:
        UserError: there is none.
    """
    layers = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    if not layers:
        raise UserError("The network has no convolution and no linear layer to prune")
    return layers[-1]


def _history(pruner: torch_pruning.pruner.BasePruner) -> History:
    return tuple(
        (name, bool(out), tuple(int(index) for index in indices))
        for name, out, indices in pruner.pruning_history()
    )
