"""Replays structured pruning, so that a pruned network is stored as names and indices."""

import torch
import torch_pruning
from torch import Tensor, nn

from edgepress.core.errors import UserError, told
from edgepress.core.quiet import quiet
from models.basis.torch_process import evaluating, learning

History = tuple[tuple[str, bool, tuple[int, ...]], ...]


def traced(network: nn.Module, images: Tensor) -> torch_pruning.DependencyGraph:
    """Return which channels depend on which, as torch-pruning finds it by running a network once.

    Args:
        network: It is left as it is.
        images: `[1, channels, height, width]` as the network takes them: it may take no other size.

    Raises:
        UserError: torch-pruning fails on this network.
    """
    graph = torch_pruning.DependencyGraph()
    try:
        with evaluating(network), learning(network), torch.enable_grad(), quiet():
            return graph.build_dependency(network, example_inputs=images)
    except Exception as error:  # it asserts, divides and looks up what it takes for granted
        raise UserError(
            f"torch-pruning cannot follow the channels of this network ({told(error)})",
            got=type(network).__name__,
            next_step="make a smaller network of another architecture: python -m compress.distill",
        ) from None


def replay(network: nn.Module, history: History, images: Tensor) -> nn.Module:
    """Remove the recorded channels of a freshly built network, in order.

    Raises:
        UserError: the history does not fit the network.
    """
    if not history:
        return network
    graph = traced(network, images)
    try:
        graph.load_pruning_history([[name, out, list(index)] for name, out, index in history])
    except Exception as error:
        raise UserError(f"The pruning history does not fit the architecture ({error!r})") from None
    return network
