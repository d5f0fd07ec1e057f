"""How much the loss would change without a channel, to second order."""

import torch_pruning
from torch import Tensor, nn

from compress.pruning.importance._parts import EVERYTHING, summed

NEEDS = "squared-gradients"


def importance(group: torch_pruning.Group) -> Tensor | None:
    """Return the sum of w^2 E[(dL/dw)^2] over all that belongs to a channel.

    Optimal brain damage (LeCun et al. 1989) with the empirical Fisher information in place of the
    Hessian's diagonal: the mean over images of each one's own squared gradient. The same weights
    count as of `taylor`, and it is not divided by anything either.
    """
    return summed(group, _change, EVERYTHING)


def _change(weight: nn.Parameter) -> Tensor | None:
    """`grad` holds the squared gradients."""
    return None if weight.grad is None else weight.square() * weight.grad
