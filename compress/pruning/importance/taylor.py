"""How much the loss would change without a channel, to first order."""

import torch_pruning
from torch import Tensor, nn

from compress.pruning.importance._parts import EVERYTHING, summed

NEEDS = "gradients"


def importance(group: torch_pruning.Group) -> Tensor | None:
    """Return the sum of |w dL/dw| over all that belongs to a channel, of the loss on images.

    Molchanov et al. 2019 (arXiv 1906.10771), without the square. It counts every weight that goes
    with the channel: filters, of depthwise convolutions too, what reads it, scales, shifts and
    biases. It is not divided by anything: a change of the loss is one whatever the layer.
    """
    return summed(group, _change, EVERYTHING)


def _change(weight: nn.Parameter) -> Tensor | None:
    return None if weight.grad is None else (weight * weight.grad).abs()
