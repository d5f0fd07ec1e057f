"""The L1 norm of all that makes and reads a channel."""

import torch_pruning
from torch import Tensor

from compress.pruning.importance._parts import by_mean, summed


def importance(group: torch_pruning.Group) -> Tensor | None:
    """Return the absolute weights of each channel of a group, divided by the group's mean.

    Li et al. 2017 (arXiv 1608.08710) for one layer, Fang et al. 2023 (arXiv 2301.12900) for a
    group: filters, those of depthwise convolutions too, what reads the channel, and the scales of
    normalisations; no biases.
    """
    return by_mean(summed(group, lambda weight: weight.abs()))
