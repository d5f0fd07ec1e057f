"""The scale that batch norms give a channel."""

import torch
import torch_pruning
from torch import Tensor, nn

from compress.pruning.importance._parts import parts, width
from edgepress.core.errors import UserError

_BATCHNORM = nn.modules.batchnorm._BatchNorm


def importance(group: torch_pruning.Group) -> Tensor | None:
    """Return the mean of |gamma| over a group's batch norms, `None` of a group that has none.

    Liu et al. 2017 (arXiv 1708.06519). It is not divided by anything: behind a batch norm all
    channels have one scale, whatever the layer. The one behind a depthwise convolution counts, its
    weights do not.
    """
    scales = [
        part
        for part in parts(group, lambda weight: weight.abs())
        if part.kind == "scale" and isinstance(part.owner, _BATCHNORM)
    ]
    if not scales:
        return None
    channels = torch.cat([part.channels for part in scales])
    values = torch.cat([part.values[:, 0] for part in scales])
    total = values.new_zeros(width(group)).index_add_(0, channels, values)
    return total / channels.bincount(minlength=width(group)).clamp(min=1)


def require(network: nn.Module) -> None:
    """Refuse a network without batch norms that scale.

    Raises:
        UserError: it is one.
    """
    if not any(isinstance(each, _BATCHNORM) and each.affine for each in network.modules()):
        raise UserError(
            "--importance bn-scale ranks channels by the scales of batch norms, "
            "and this network has none",
            got=type(network).__name__,
            next_step="rank by weights: --importance group-l2",
        )
