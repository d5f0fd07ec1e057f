"""The L2 norm of all that makes and reads a channel."""

import torch_pruning
from torch import Tensor


def importance(group: torch_pruning.Group) -> Tensor | None:
    """Return the squared weights of each channel of a group, divided by the group's mean.

    Group magnitude (Fang et al. 2023, arXiv 2301.12900). Weights of depthwise convolutions do not
    count, those of the layers around them do.
    """
    found: Tensor | None = torch_pruning.importance.GroupMagnitudeImportance(p=2)(group)
    return found
