"""Replays structured pruning, so that a pruned network is stored as names and indices."""

import torch
import torch_pruning
from torch import nn

from compress.core.errors import UserError
from models.network_trial import channels_taken
from models.torch_process import evaluating

History = tuple[tuple[str, bool, tuple[int, ...]], ...]

SIDE = 64
"""Pixels: images are only traced for their shape, and at every size the same channels depend on
which."""


def example(network: nn.Module) -> torch.Tensor:
    """Return an image of as many channels as a network takes, to trace it with."""
    return torch.zeros(1, channels_taken(network, SIDE, SIDE), SIDE, SIDE)


def replay(network: nn.Module, history: History) -> nn.Module:
    """Remove the recorded channels of a freshly built network, in order.

    Raises:
        UserError: the history does not fit the network.
    """
    if not history:
        return network
    graph = torch_pruning.DependencyGraph()
    with evaluating(network):
        graph.build_dependency(network, example_inputs=example(network))
    try:
        graph.load_pruning_history([[name, out, list(index)] for name, out, index in history])
    except (AttributeError, IndexError, KeyError, RuntimeError) as error:
        raise UserError(f"The pruning history does not fit the architecture ({error!r})") from None
    return network
