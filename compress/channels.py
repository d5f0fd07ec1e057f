"""Which channels go: group magnitude over the dependency graph, until a target is reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

import torch
import torch_pruning
from torch import Tensor, nn

from compress.core.errors import UserError, unknown_name
from models.network_output import output_layers
from models.pruning_history import History, example
from models.torch_process import evaluating

STEPS = 200
"""Steps from the whole network to nothing: each removes about half a percent of the channels."""

LAYERS = (nn.Conv2d, nn.Linear)


@dataclass(frozen=True)
class Widths:
    """Limits on the widths that pruning may leave."""

    round_to: int
    max_pruning_ratio: float
    ranking: Literal["layer", "global"]
    keep: tuple[str, ...]
    """Patterns of the names of layers whose outputs keep their width."""
    keep_residual: bool
    """Keep the width of everything that a residual connection adds up."""
    whole: Mapping[str, int] = field(default_factory=dict)
    """Channels of each layer that `max_pruning_ratio` is a share of; of a network that was not
    pruned before they are its own."""


def prune_until(
    network: nn.Module, reached: Callable[[nn.Module], bool], widths: Widths
) -> History:
    """Remove the least important channels, in place, step by step until `reached(network)`.

    Importance is the L2 norm of each group of coupled channels, divided by the group's mean, and
    compared within each layer or over the whole network; weights of depthwise convolutions do not
    count, those of the layers around them do. The layers that make the output keep
    their width: it is the labels.

    Raises:
        UserError: the target cannot be reached within the limits, a pattern fits no layer, a
            label would be lost, or what is left does not fit together.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    with evaluating(network):
        images = example(network)
        labels = _output_shape(network, images)
        pruner = _pruner(network, images, widths)
        left = _remove(pruner, images, reached, _least(network, widths))
        narrow_enough = reached(network)
    if left != labels:
        raise UserError(
            "Pruning would remove labels: what makes the network's output was not recognised",
            got=f"output {list(left)} instead of {list(labels)}",
            next_step="keep the layers before the output: --keep NAME",
        )
    if narrow_enough:
        return _history(pruner)
    raise UserError(
        "The architecture cannot be pruned to this target",
        allowed=f"layers may lose {widths.max_pruning_ratio:.0%} and keep a multiple of "
        f"{widths.round_to} channels",
        next_step="raise --max-pruning-ratio or the target, lower --round-to, or allow more: "
        "--no-keep-residual, fewer --keep",
    )


def _remove(
    pruner: torch_pruning.pruner.BasePruner,
    images: Tensor,
    reached: Callable[[nn.Module], bool],
    least: dict[nn.Module, float],
) -> torch.Size:
    """Remove channels until `reached`, at most in `STEPS` steps; return the output's shape.

    Raises:
        UserError: what is left does not fit together.
    """
    try:
        for _ in range(STEPS):
            if reached(pruner.model):
                break
            for group in pruner.step(interactive=True):
                if _may_go(group, least):
                    group.prune()
        return _output_shape(pruner.model, images)
    except RuntimeError as error:  # what torch raises where shapes do not fit
        raise UserError(
            f"The layers of the pruned network do not fit together ({error})",
            next_step="keep the layers around what is not a layer, e.g. a parameter of the "
            "network's own: --keep NAME",
        ) from None


def _pruner(network: nn.Module, images: Tensor, widths: Widths) -> torch_pruning.pruner.BasePruner:
    makers = [network.get_submodule(name) for name in output_layers(network, images)]
    kept = [*makers, *named_like(network, widths.keep)]
    if widths.keep_residual:
        kept += residual_layers(network)
    return torch_pruning.pruner.BasePruner(
        network,
        images,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        global_pruning=widths.ranking == "global",
        pruning_ratio=1.0,
        max_pruning_ratio=widths.max_pruning_ratio,
        iterative_steps=STEPS,
        ignored_layers=kept,
        round_to=widths.round_to,
    )


def channels_of(network: nn.Module) -> dict[str, int]:
    """Return the output channels of each convolution and linear layer, by its name."""
    layers = {n: m for n, m in network.named_modules() if isinstance(m, LAYERS)}
    return {name: len(layer.weight) for name, layer in layers.items()}


def _least(network: nn.Module, widths: Widths) -> dict[nn.Module, float]:
    """Return how many channels each layer keeps at least."""
    whole = widths.whole or channels_of(network)
    return {
        network.get_submodule(name): width * (1 - widths.max_pruning_ratio) - 1e-9
        for name, width in whole.items()
    }


def _may_go(group: torch_pruning.Group, least: dict[nn.Module, float]) -> bool:
    """Tell whether removing a group leaves its layers wide enough, which torch-pruning exceeds.

    It looks before it removes, and rounds what it removes up.
    """
    for dependency, indices in group:
        layer = dependency.target.module
        out = torch_pruning.DependencyGraph().is_out_channel_pruning_fn(dependency.handler)
        if out and layer in least and len(layer.weight) - len(indices) < max(1, least[layer]):
            return False
    return True


def _output_shape(network: nn.Module, images: Tensor) -> torch.Size:
    with torch.no_grad():
        shape: torch.Size = network(images).shape
    return shape


def residual_layers(network: nn.Module) -> list[nn.Module]:
    """Return the convolutions and linear layers whose outputs a residual connection adds up.

    Their channels can only be removed together. Depthwise convolutions and normalisations follow
    the layer before them, so they do not count; neither do the factors of a multiplication, as in
    squeeze-and-excitation.
    """
    graph = torch_pruning.DependencyGraph().build_dependency(
        network, example_inputs=example(network)
    )
    found: list[nn.Module] = []
    for group in graph.get_all_groups(root_module_types=list(LAYERS)):
        coupled = {item.dep.target.module: item.dep.handler for item in group}
        makers = [
            module
            for module, handler in coupled.items()
            if isinstance(module, LAYERS)
            and graph.is_out_channel_pruning_fn(handler)
            and getattr(module, "groups", 1) == 1
        ]
        # torch-pruning names an element-wise operation after its gradient function
        if len(makers) > 1 and any("AddBackward" in repr(module) for module in coupled):
            found += makers
    return found


def named_like(network: nn.Module, patterns: tuple[str, ...]) -> list[nn.Module]:
    """Return the convolutions and linear layers whose names fit one of the patterns.

    Raises:
        UserError: a pattern fits none.
    """
    layers = {n: m for n, m in network.named_modules() if isinstance(m, LAYERS)}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in layers):
            raise unknown_name("layer in --keep", pattern, layers)
    return [m for n, m in layers.items() if any(fnmatchcase(n, pattern) for pattern in patterns)]


def _history(pruner: torch_pruning.pruner.BasePruner) -> History:
    return tuple(
        (name, bool(out), tuple(int(index) for index in indices))
        for name, out, indices in pruner.pruning_history()
    )
