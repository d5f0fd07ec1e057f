"""Which batch norm reads which convolution."""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from models.basis.torch_process import evaluating

Pair = tuple[nn.Conv2d, nn.BatchNorm2d]


def pairs(network: nn.Module, example: Tensor) -> list[Pair]:
    """Return each batch norm that reads a convolution, and that convolution.

    Only those with weights and stored statistics count.

    Args:
        network: It is left as it is.
        example: Images `[n, channels, h, w]`, to run it once.
    """
    made: dict[int, tuple[nn.Conv2d, Tensor]] = {}  # holds the tensors, so that ids stay unique
    found: dict[nn.BatchNorm2d, nn.Conv2d] = {}

    def remember(conv: Any, _inputs: Any, output: Tensor) -> None:
        made[id(output)] = (conv, output)

    def match(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made:
            found[norm] = made[id(inputs[0])][0]

    with ExitStack() as hooks, evaluating(network), torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                hooks.enter_context(layer.register_forward_hook(remember))
            elif isinstance(layer, nn.BatchNorm2d) and layer.affine and layer.track_running_stats:
                hooks.enter_context(layer.register_forward_pre_hook(match))
        network(example)
    return [(conv, norm) for norm, conv in found.items()]
