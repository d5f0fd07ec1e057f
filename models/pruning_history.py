"""Replays structured pruning, so that a pruned network is stored as names and indices."""

from itertools import groupby

import torch
import torch_pruning
from torch import Tensor, nn

from edgepress.core.errors import UserError, told
from edgepress.core.quiet import quiet
from models.basis.torch_process import evaluating, learning

Channels = tuple[str, bool, tuple[int, ...]]
"""(layer, whether its outputs went, which), as torch-pruning records it."""
History = tuple[Channels | str, ...]
"""In order; a name alone is a block that was taken out whole."""


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
    """Remove the recorded blocks and channels of a freshly built network, in order.

    Raises:
        UserError: the history does not fit the network.
    """
    try:
        for _, entries in groupby(history, lambda entry: isinstance(entry, str)):
            _replay_alike(network, tuple(entries), images)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"The pruning history does not fit the architecture ({error!r})") from None
    return network


def take_out(network: nn.Module, block: str) -> bool:
    """Let a block, in place, hand on what it is given; `False` where it does so already.

    A residual block `x + f(x)` becomes `x`.

    Raises:
        AttributeError: there is no such block.
    """
    if isinstance(network.get_submodule(block), nn.Identity):
        return False
    network.set_submodule(block, nn.Identity())
    return True


def _replay_alike(network: nn.Module, entries: History, images: Tensor) -> None:
    """Replay entries that are all blocks, or all channels, which one trace of the network tells."""
    channels = [list(entry) for entry in entries if not isinstance(entry, str)]
    for entry in entries:
        if isinstance(entry, str):
            take_out(network, entry)
    if channels:
        traced(network, images).load_pruning_history(channels)
