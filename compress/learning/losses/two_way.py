"""Two-way loss: the labels of an image against each other, and the images of a label too."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from compress.learning.losses import _sets

CALIBRATED = False
T_POSITIVE, T_NEGATIVE = 4.0, 1.0
"""The authors' temperatures: the hardest negative counts, and the positives more evenly."""


def loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the two-way loss of Kobayashi 2023 (CVPR, pages 7476 to 7485), as its code has it.

    `softplus(T_n log sum_neg e^(s / T_n) + T_p log sum_pos e^(-s / T_p))` over the labels of each
    image, mean over the images that have one, and the same over the images of each label. Soft
    targets and weights are shares of the sums.

    Raises:
        UserError: the network does not return one logit per label.
    """
    positive, negative = _sets.shares(logits, targets, weights)
    each = [_one_way(logits, positive, negative, axis) for axis in (1, 0)]
    return torch.stack(each).sum()


def _one_way(logits: Tensor, positive: Tensor, negative: Tensor, axis: int) -> Tensor:
    """Return the mean over the rows or columns that have a positive; without any it is 0."""
    hard = T_NEGATIVE * torch.logsumexp(_sets.within(logits / T_NEGATIVE, negative), axis)
    left = T_POSITIVE * torch.logsumexp(_sets.within(-logits / T_POSITIVE, positive), axis)
    there = (positive > 0).any(axis)
    return softplus(hard + left)[there].sum() / there.sum().clamp(min=1)
