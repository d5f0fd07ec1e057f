"""Which layers make what a network returns."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError

LAYERS = (nn.modules.conv._ConvNd, nn.Linear)
"""Layers with weights that make channels: all that is kept, pruned and counted."""


def width(layer: nn.Module) -> int:
    """Return how many channels a convolution or a linear layer makes.

    >>> width(nn.ConvTranspose2d(3, 8, 2))
    8
    """
    return int(layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)  # type: ignore[arg-type]


def output_layers(network: nn.Module, images: Tensor) -> list[str]:
    """Return the names of the layers that make the output of a network, in the order they ran.

    Those are the convolutions and linear layers from which a way leads to the output that no other
    of them is on. The way is that of the gradient, whatever the order of declaration.

    Args:
        network: In eval mode; it is left as it is.
        images: `[n, c, h, w]`, to run it once.

    Raises:
        UserError: no such layer makes the output.
    """
    made: dict[Any, str] = {}  # by the node of the gradient that a layer's output has

    def remember(name: str) -> Any:
        def hook(_layer: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.grad_fn is not None:
                made[output.grad_fn] = name

        return hook

    with ExitStack() as hooks, torch.enable_grad():
        for name, layer in network.named_modules():
            if isinstance(layer, LAYERS):
                hooks.enter_context(layer.register_forward_hook(remember(name)))
        output = network(images.clone().requires_grad_(True))
    found = {made[node] for node in _reached(output.grad_fn, made)}
    if not found:
        raise UserError("The output of the network comes from no convolution and no linear layer")
    ran = list(dict.fromkeys(reversed(made.values())))[::-1]  # one that ran again at its last place
    return [name for name in ran if name in found]


def _reached(start: Any, ends: dict[Any, str]) -> Iterator[Any]:
    """Yield the nodes among `ends` to which a way leads from `start` that passes no other one."""
    waiting, seen = [start], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in ends:
            yield node
        else:
            waiting.extend(before for before, _ in node.next_functions)
