"""Which channels go: the least important over the dependency graph, until a target is reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch_pruning
from torch import Tensor, nn

from compress.pruning import importance
from edgepress.core.errors import UserError, told
from edgepress.core.quiet import quiet
from models.basis.torch_process import evaluating
from models.network_output import LAYERS, width
from models.pruning_history import History

STEPS = 200
"""Steps from the whole network to nothing: each removes about half a percent of the channels."""


@dataclass(frozen=True)
class Widths:
    """Limits on the widths that pruning may leave."""

    round_to: int
    max_pruning_ratio: float
    ranking: Literal["layer", "global"]
    kept: tuple[str, ...]
    """Names of layers whose outputs keep their width, as `pruning.kept_layers` finds them."""
    whole: Mapping[str, int] = field(default_factory=dict)
    """Channels of each layer that `max_pruning_ratio` is a share of; of a network that was not
    pruned before they are its own."""
    importance: str = "group-l2"
    """A file of `compress.pruning.importance`."""
    steps: int = STEPS
    """From the whole network to nothing."""


def prune_until(
    network: nn.Module, images: Tensor, reached: Callable[[nn.Module], bool], widths: Widths
) -> History:
    """Remove the least important channels, in place, step by step until `reached(network)`.

    The importance of each group of coupled channels is compared within each layer or over the whole
    network.

    Args:
        network: What is pruned.
        images: `[1, channels, height, width]` as it takes them, to trace it.
        reached: Tells whether enough has gone.
        widths: What may go.

    Raises:
        UserError: the target cannot be reached within the limits, a label would be lost, or what is
            left does not fit together.
    """
    history = _pruned(network, images, reached, widths)
    with evaluating(network):
        narrow_enough = reached(network)
    if narrow_enough:
        return history
    raise UserError(
        "The architecture cannot be pruned to this target",
        allowed=f"layers may lose {widths.max_pruning_ratio:.0%} and keep a multiple of "
        f"{widths.round_to} channels",
        next_step="raise --max-pruning-ratio or the target, lower --round-to, or allow more: "
        "--no-keep-residual, fewer --keep",
    )


def narrow(network: nn.Module, images: Tensor, widths: Widths) -> History:
    """Remove every channel that may go, in place: all layers become equally narrow.

    Raises:
        UserError: a label would be lost, or what is left does not fit together.
    """
    return _pruned(network, images, lambda _: False, widths)


def _pruned(
    network: nn.Module, images: Tensor, reached: Callable[[nn.Module], bool], widths: Widths
) -> History:
    """Remove channels until `reached`, at most in all steps.

    Raises:
        UserError: a label would be lost, or what is left does not fit together.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    with evaluating(network):
        labels = _output_shape(network, images)
        left, pruner = _remove(network, images, reached, widths)
    if left == labels:
        return _history(pruner)
    raise UserError(
        "Pruning would remove labels: what makes the network's output was not recognised",
        got=f"output {list(left)} instead of {list(labels)}",
        next_step="keep the layers before the output: --keep NAME",
    )


def _remove(
    network: nn.Module, images: Tensor, reached: Callable[[nn.Module], bool], widths: Widths
) -> tuple[torch.Size, torch_pruning.pruner.BasePruner]:
    """Remove channels until `reached`, at most in all steps; return the output's shape.

    Raises:
        UserError: what is left does not fit together.
    """
    least = _least(network, widths)
    try:
        with quiet():
            pruner = _pruner(network, images, widths)
        for _ in range(widths.steps):
            if reached(network):
                break
            for group in pruner.step(interactive=True):
                if _may_go(group, least):
                    group.prune()
        return _output_shape(network, images), pruner
    except Exception as error:  # shapes that do not fit, and what torch-pruning takes for granted
        raise UserError(
            f"The layers of the pruned network do not fit together ({told(error)})",
            next_step="keep the layers around what is not a layer, e.g. a parameter of the "
            "network's own: --keep NAME",
        ) from None


def _pruner(network: nn.Module, images: Tensor, widths: Widths) -> torch_pruning.pruner.BasePruner:
    return torch_pruning.pruner.BasePruner(
        network,
        images,
        importance=importance.find(widths.importance),
        global_pruning=widths.ranking == "global",
        pruning_ratio=1.0,
        max_pruning_ratio=widths.max_pruning_ratio,
        iterative_steps=widths.steps,
        ignored_layers=[network.get_submodule(name) for name in widths.kept],
        round_to=widths.round_to,
    )


def channels_of(network: nn.Module) -> dict[str, int]:
    """Return the output channels of each convolution and linear layer, by its name."""
    layers = {n: m for n, m in network.named_modules() if isinstance(m, LAYERS)}
    return {name: width(layer) for name, layer in layers.items()}


def _least(network: nn.Module, widths: Widths) -> dict[nn.Module, float]:
    """Return how many channels each layer keeps at least."""
    whole = widths.whole or channels_of(network)
    return {
        network.get_submodule(name): whole[name] * (1 - widths.max_pruning_ratio) - 1e-9
        for name in channels_of(network)
    }


def _may_go(group: torch_pruning.Group, least: dict[nn.Module, float]) -> bool:
    """Tell whether removing a group leaves its layers wide enough, which torch-pruning exceeds.

    It looks before it removes, and rounds what it removes up.
    """
    for dependency, indices in group:
        layer = dependency.target.module
        out = torch_pruning.DependencyGraph().is_out_channel_pruning_fn(dependency.handler)
        if out and layer in least and width(layer) - len(indices) < max(1, least[layer]):
            return False
    return True


def _output_shape(network: nn.Module, images: Tensor) -> torch.Size:
    with torch.no_grad():
        shape: torch.Size = network(images).shape
    return shape


def _history(pruner: torch_pruning.pruner.BasePruner) -> History:
    return tuple(
        (name, bool(out), tuple(int(index) for index in indices))
        for name, out, indices in pruner.pruning_history()
    )
