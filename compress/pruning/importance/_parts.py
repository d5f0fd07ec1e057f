"""What belongs to each channel of a group of coupled layers: the weights that go when it goes.

Depthwise convolutions have filters here, batch norms scales, and an input of a grouped convolution
only the weights that read it; torch-pruning's own measures leave out the first, forget the second
in its Taylor measure, and mix the third over all groups of the convolution.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch_pruning
from torch import Tensor, nn

from models.network_output import LAYERS

Kind = Literal["filter", "reader", "scale", "shift"]
WEIGHTS: tuple[Kind, ...] = ("filter", "reader", "scale")
"""All but biases."""
EVERYTHING: tuple[Kind, ...] = (*WEIGHTS, "shift")

Of = Callable[[nn.Parameter], Tensor | None]
"""parameter -> as many numbers; `None` where nothing is known of it"""

_MAKING = (
    torch_pruning.prune_conv_out_channels,
    torch_pruning.prune_linear_out_channels,
    torch_pruning.prune_depthwise_conv_out_channels,
)
"""Removing outputs; those of a depthwise convolution are its inputs."""
_NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.LayerNorm,
    nn.GroupNorm,
)


@dataclass(frozen=True)
class Part:
    """What of one parameter belongs to the channels of a group."""

    kind: Kind
    """`filter`: weights that make a channel; `reader`: weights that read it; `scale` and `shift`:
    of a normalisation, and biases."""
    owner: nn.Module
    values: Tensor
    """`[rows, numbers]`"""
    channels: Tensor
    """`[rows]`: the channel of the group's root that each row belongs to."""


def width(group: torch_pruning.Group) -> int:
    """Return how many channels a group has."""
    return len(group[0].idxs)


def parts(group: torch_pruning.Group, of: Of) -> Iterator[Part]:
    """Yield the parts of a group, as `of` makes them from the parameters."""
    for item in group:
        layer = item.dep.target.module
        for kind, parameter, by_row in _parameters(layer, item.dep.handler):
            values = None if parameter is None else of(parameter)
            if values is not None:
                rows = by_row(layer, values.detach())[item.idxs]
                channels = torch.tensor(item.root_idxs, device=rows.device)
                yield Part(kind, layer, rows, channels)


def summed(group: torch_pruning.Group, of: Of, kinds: Collection[Kind] = WEIGHTS) -> Tensor | None:
    """Return the sum over all that belongs to each channel, `[channels]`; `None` of nothing."""
    found = [part for part in parts(group, of) if part.kind in kinds]
    if not found:
        return None
    total = found[0].values.new_zeros(width(group))
    for part in found:
        total.index_add_(0, part.channels, part.values.sum(1))
    return total


def by_mean(worth: Tensor | None) -> Tensor | None:
    """Return a worth divided by its mean over the group: groups differ in size and scale."""
    if worth is None:
        return None
    mean = worth.mean()
    return worth / mean if mean else worth


def _parameters(
    layer: Any, handler: object
) -> Iterator[tuple[Kind, Any, Callable[[nn.Module, Tensor], Tensor]]]:
    """Yield what shrinks when a layer is pruned, and how it becomes `[channels, numbers]`."""
    if isinstance(layer, LAYERS) and handler not in _MAKING:
        yield "reader", layer.weight, _readers
    elif isinstance(layer, LAYERS):
        yield "filter", layer.weight, _filters
        yield "shift", layer.bias, _last
    elif isinstance(layer, _NORMS):
        yield "scale", layer.weight, _last
        yield "shift", layer.bias, _last


def _filters(layer: nn.Module, weight: Tensor) -> Tensor:
    """Return what makes each output of a layer, `[outputs, numbers]`."""
    return _swapped(layer, weight) if getattr(layer, "transposed", False) else weight.flatten(1)


def _readers(layer: nn.Module, weight: Tensor) -> Tensor:
    """Return what reads each input of a layer, `[inputs, numbers]`."""
    return weight.flatten(1) if getattr(layer, "transposed", False) else _swapped(layer, weight)


def _swapped(layer: nn.Module, weight: Tensor) -> Tensor:
    """Return `[groups * a, b, ...]` as `[groups * b, a * ...]`: each group has its own channels."""
    groups = getattr(layer, "groups", 1)
    each = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2)
    return each.flatten(0, 1).flatten(1)


def _last(_layer: nn.Module, values: Tensor) -> Tensor:
    """Return a vector, or what has its channels last, as `[channels, numbers]`."""
    return values.reshape(-1, values.shape[-1]).T
